"""Our own cookies in the Cookie and Set-Cookie headers (RFC 6265bis); all others are left as they came.

``http.cookies`` is not used: it drops or raises on foreign junk and takes seconds on a hostile value (CVE-2024-7592).

A value that is too large for one cookie goes over several. It was sealed before it was cut, so chunks that are missing,
foreign, swapped or of another version do not open. The first chunk says how many there are: ``3~…``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MAX_HEADER_CHARACTERS = 65_536
"""Of all Cookie headers together. Browsers send far less; what is longer is not even split, and counts as none."""

MAX_COOKIE_CHARACTERS = 4096
"""RFC 6265bis, 5.6: name plus value; Chromium and Firefox refuse more."""

MAX_TOTAL_CHARACTERS = 6144
"""All our cookies together: servers refuse long headers (gunicorn: 8190 bytes for one field)."""

CHUNK_MARK = "~"
"""What follows the number of chunks at the start of the first one. It stands in no sealed value."""
MAX_CHUNKS = 3  # More never fit into the total.
CHUNK_COUNTS = frozenset({"2", "3"})
CHUNK_SUFFIX = re.compile(r"\.[1-9]")  # More than we ever write: leftovers are ours too.
ATTEMPTS_SUFFIX = "-attempts"
TAG_SUFFIX = "-tag"
LOGIN_SUFFIX = re.compile(r"-login-[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class CookieNames:
    """What our cookies are called, and the attributes that go with it.

    Attributes:
        session: The session cookie; further chunks of it are called ``session.1``, ``session.2``.
        tag: The cookie that the app sees in place of ours. Browsers never have it.
        secure: Whether they carry ``Secure`` (and then ``__Host-`` stands in the name).
        same_site: "Lax", "Strict" or "None", for the session cookie.
    """

    session: str
    tag: str
    secure: bool
    same_site: str

    @classmethod
    def build(cls, cookie_name: str, *, secure: bool, same_site: str) -> CookieNames:
        """Return our cookies' names: ``__Host-`` before them where they are Secure (RFC 6265bis, 4.1.3.2)."""
        session = f"__Host-{cookie_name}" if secure else cookie_name
        return cls(session, cookie_name + TAG_SUFFIX, secure=secure, same_site=same_site.title())

    @property
    def login_attempts(self) -> str:
        """The cookie that counts logins in a row (``views.login_loop``)."""
        return self.session + ATTEMPTS_SUFFIX

    @property
    def login_prefix(self) -> str:
        """What the name of every login cookie begins with."""
        return f"{self.session}-login-"

    def write(self, name: str, value: str, *, max_age_seconds: float, path: str = "/") -> str:
        """Return the value of a Set-Cookie header for one of our cookies.

        Those of a login are Lax at the strictest: they must survive the way back from FotoWeb, which is another site.
        """
        is_of_login = name.startswith((self.login_attempts, self.login_prefix))
        same_site = "Lax" if is_of_login and self.same_site == "Strict" else self.same_site
        secure, age = "; Secure" if self.secure else "", max(0, int(max_age_seconds))
        return f"{name}={value}; Max-Age={age}; Path={path}; HttpOnly{secure}; SameSite={same_site}"

    def expire(self, name: str, *, path: str = "/") -> str:
        """Return the value of a Set-Cookie header that removes one of our cookies; the path must be its own."""
        return self.write(name, "", max_age_seconds=0, path=path)


@dataclass(frozen=True, slots=True)
class RequestCookies:
    """Our own cookies in one request.

    Attributes:
        names: What our cookies are called on this origin.
        own: The pieces of the Cookie header that hold a name of ours, as they stand; all that follows but ``others``
            depends on them alone. Empty: none.
        values: Name to value; the names are exact.
        conflicting: Whether one name came with two values: somebody planted one, so none can be trusted.
        session_value: The session cookie's sealed value, chunks put together; None where there is none to be trusted.
        kept: Those of ``own`` that are the app's after all; empty: none.
        others: The rest of the header, as it came; empty: none.
    """

    names: CookieNames
    own: str = field(default="", repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    conflicting: bool = False
    session_value: str | None = field(default=None, repr=False)
    kept: str = field(default="", repr=False)
    others: str = field(default="", repr=False)

    @property
    def rest(self) -> str:
        """The Cookie header without ours; empty where nothing is left."""
        return join_cookies(self.others, self.kept)

    @property
    def session_chunks(self) -> list[str]:
        """The names of the session cookie's chunks, whether they fit together or not."""
        others = (self.names.login_attempts, self.names.login_prefix)
        return [name for name in self.values if not name.startswith(others)]

    @property
    def logins(self) -> dict[str, str]:
        """The cookies of logins in progress."""
        return {name: value for name, value in self.values.items() if name.startswith(self.names.login_prefix)}


def split_header(header: str, names: CookieNames) -> tuple[str, str]:
    """Return the pieces of a Cookie header that hold a name of ours, and all others, each as they stand."""
    session, tag = names.session, names.tag
    own: list[str] = []
    others: list[str] = []
    for piece in header.split(";"):
        (own if session in piece or tag in piece else others).append(piece)
    if not own:
        return "", header
    return ";".join(own).strip(" \t"), ";".join(others).strip(" \t")


def read_cookies(header: str | None, names: CookieNames) -> RequestCookies:
    """Split a Cookie header into our own cookies and the rest, in linear time and without ever raising.

    Names match byte for byte: nothing is decoded, folded or trimmed but the space that follows a semicolon.
    """
    if not header or len(header) > MAX_HEADER_CHARACTERS:
        return RequestCookies(names)
    own, others = split_header(header, names)
    values: dict[str, str] = {}
    kept: list[str] = []
    conflicting = False
    for piece in own.split(";"):
        name, _, value = piece.strip(" \t").partition("=")
        if is_own(name, names):
            conflicting = conflicting or values.get(name, value) != value
            values[name] = value
        elif names.tag not in piece:  # The app can trust the tag: no spelling of it comes from a client.
            kept.append(without_joined(piece, names))
    session_value = None if conflicting else join_chunks(names.session, values)
    return RequestCookies(names, own, values, conflicting, session_value, ";".join(kept).strip(" \t"), others)


def join_cookies(first: str, second: str) -> str:
    """Return two parts of a Cookie header as one; either may be empty."""
    return f"{first}; {second}" if first and second else first or second


def is_own(name: str, names: CookieNames) -> bool:
    """Return whether a cookie's name is one that we give."""
    if not name.startswith(names.session):
        return False
    suffix = name[len(names.session) :]
    return suffix in {"", ATTEMPTS_SUFFIX} or bool(CHUNK_SUFFIX.fullmatch(suffix) or LOGIN_SUFFIX.fullmatch(suffix))


def without_joined(pair: str, names: CookieNames) -> str:
    """Return a cookie without what a server joined to it with a comma.

    WSGI servers join several Cookie headers so. A cookie of ours behind a comma is not read, since any cookie's value
    may hold a comma and what follows (so another host could plant it); but the app must not see it either.
    """
    pieces = pair.split(",")
    for number, piece in enumerate(pieces[1:], start=1):
        if piece.lstrip(" \t").startswith(names.session):
            return ",".join(pieces[:number])
    return pair


def split_into_chunks(name: str, value: str) -> dict[str, str]:
    """Return cookie names and values that together carry ``value``; a single one where it fits."""
    room = MAX_COOKIE_CHARACTERS - len(name) - len(".1")
    if len(value) <= room:
        return {name: value}
    room -= len(CHUNK_MARK) + 1
    pieces = [value[start : start + room] for start in range(0, len(value), room)]
    chunks = {name: f"{len(pieces)}{CHUNK_MARK}{pieces[0]}"}
    return chunks | {f"{name}.{number}": piece for number, piece in enumerate(pieces[1:], start=1)}


def join_chunks(name: str, values: Mapping[str, str]) -> str | None:
    """Return the value that ``split_into_chunks`` cut, or None where it isn't there as a whole."""
    first = values.get(name)
    if first is None or first[1:2] != CHUNK_MARK:
        return first
    if first[:1] not in CHUNK_COUNTS:
        return None
    pieces = [values.get(f"{name}.{number}") for number in range(1, int(first[:1]))]
    if None in pieces:
        return None
    return first[2:] + "".join(piece for piece in pieces if piece is not None)


def all_session_values(name: str, header: str) -> Iterator[str]:
    """Yield every session value that a Cookie header may mean if one of its cookies came several times."""
    found: dict[str, dict[str, None]] = {}
    if len(header) <= MAX_HEADER_CHARACTERS:
        for pair in header.split(";"):
            cookie_name, _, value = pair.strip(" \t").partition("=")
            found.setdefault(cookie_name, {})[value] = None
    firsts = found.get(name, {})
    others = [found.get(f"{name}.{number}", {}) for number in range(1, MAX_CHUNKS)]
    yield from (first for first in firsts if first[1:2] != CHUNK_MARK)
    for count in sorted(CHUNK_COUNTS):  # Fewer chunks first: a few planted ones make hundreds of three.
        for first in firsts:
            if first[:2] == f"{count}{CHUNK_MARK}":
                yield from (first[2:] + "".join(rest) for rest in itertools.product(*others[: int(count) - 1]))


def total_characters(cookies: Mapping[str, str]) -> int:
    """Return how much room cookies take in a Cookie header."""
    return sum(len(name) + len(value) + len("=; ") for name, value in cookies.items())
