"""The Cookie and Set-Cookie headers (RFC 6265bis), for our own cookies; all others are left as they came.

``http.cookies`` is not used: it drops or raises on foreign junk and takes seconds on a hostile value (CVE-2024-7592).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from fotoweb_middleware.cookies.seal import SIGNATURE_CHARACTERS

__all__ = [
    "LONGEST_WHOLE",
    "PART_MARK",
    "SIGNATURE",
    "CookieNames",
    "OwnCookies",
    "cut_session",
    "expire_cookie",
    "identity_of",
    "names_of",
    "read_cookies",
    "values_of",
    "write_cookie",
]

LONGEST_WHOLE: Final = 256
"""Up to so many characters, name included, a Secure cookie is known by all of it; to hash more would cost too much."""

PART_MARK: Final = "~"
"""What follows the number of parts where a cookie is the first of several (``parts``)."""

SIGNATURE: Final = slice(-SIGNATURE_CHARACTERS, None)

PART_SUFFIX = re.compile(r"\.[1-9]")  # more than parts.py ever writes: leftovers are ours too
TRAIL_SUFFIX = "-trail"
LOGIN_SUFFIX = re.compile(r"-login-[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class CookieNames:
    """What our cookies are called, and the attributes that go with it.

    Attributes:
        session: The session cookie; further parts of it are called ``session.1``, ``session.2``, …
        secure: Whether they carry ``Secure`` (and then ``__Host-`` stands in the name).
        same_site: "Lax", "Strict" or "None", for the session cookie. The login cookie is Lax at the strictest,
            since it must survive the way back from FotoWeb, which is another site.
        session_equals: What the session cookie begins with in a Cookie header.
        trail: The name of the cookie that counts logins in a row (``journeys.loops``).
        login_prefix: What the name of every login cookie begins with.
        login_same_site: The login cookie's SameSite attribute.
    """

    session: str
    secure: bool
    same_site: str
    session_equals: str = field(init=False)
    trail: str = field(init=False)
    login_prefix: str = field(init=False)
    login_same_site: str = field(init=False)

    def __post_init__(self) -> None:
        """Put together once what requests ask for."""
        object.__setattr__(self, "session_equals", f"{self.session}=")
        object.__setattr__(self, "trail", f"{self.session}{TRAIL_SUFFIX}")
        object.__setattr__(self, "login_prefix", f"{self.session}-login-")
        object.__setattr__(self, "login_same_site", "None" if self.same_site == "None" else "Lax")


@dataclass(frozen=True, slots=True)
class OwnCookies:
    """Our own cookies in one request.

    Attributes:
        values: Name to value; the names are exact.
        conflicting: Whether one name came with two values: then somebody planted one, and none can be trusted.
        rest: The Cookie header without them; None where nothing is left.
    """

    values: dict[str, str] = field(repr=False)
    conflicting: bool
    rest: str | None = field(repr=False)


NO_COOKIES: dict[str, str] = {}


def names_of(cookie_name: str, *, secure: bool, same_site: str) -> CookieNames:
    """Return our cookies' names: ``__Host-`` before them where they are Secure (RFC 6265bis, 4.1.3.2)."""
    return CookieNames(f"__Host-{cookie_name}" if secure else cookie_name, secure=secure, same_site=same_site.title())


def read_cookies(header: str | None, names: CookieNames) -> OwnCookies:
    """Split a Cookie header into our own cookies and the rest, in linear time and without ever raising.

    Names match byte for byte: nothing is decoded, folded or trimmed but the space that follows a semicolon.
    """
    if header is None or names.session not in header:
        return OwnCookies(NO_COOKIES, conflicting=False, rest=header or None)
    values: dict[str, str] = {}
    rest: list[str] = []
    conflicting = False
    # WSGI servers join several Cookie headers with a comma. A cookie of ours behind one is not read, since any cookie's
    # value may hold a comma and what follows it (so another host could plant it); but the app must not see it either.
    for pair in header.split(";"):
        name, _, value = pair.strip(" \t").partition("=")
        if not is_own(name, names):
            rest.append(without_glued(pair, names))
            continue
        conflicting = conflicting or values.get(name, value) != value
        values[name] = value
    return OwnCookies(values, conflicting, ";".join(rest).strip(" \t") or None)


def values_of(header: str, name: str) -> list[str]:
    """Return every value that a Cookie header has under one of our names, in order."""
    pairs = (pair.strip(" \t").partition("=") for pair in header.split(";"))
    return [value for known, _, value in pairs if known == name]


def identity_of(names: CookieNames, value: str) -> str:
    """Return what a session cookie that was opened before is known by (docs/adr/0014, 0030).

    A short one by all of it, as it stands in a Cookie header, where its name is that of all Secure ones (what is known
    on one origin must not pass on another that calls it otherwise). Others by their signatures; no whole one equals a
    signature, since it holds a "=". A value with a comma, two cookies that a server glued together, never opens: cut to
    its signature it would pass as the cookie behind the comma.
    """
    is_whole = names.secure and len(names.session_equals) + len(value) <= LONGEST_WHOLE
    return names.session_equals + value if is_whole or "," in value else value[SIGNATURE]


def cut_session(header: str, names: CookieNames) -> tuple[str, str | None] | None:
    """Return the session cookie's value, and the Cookie header without it, where it is the only cookie of ours.

    None where ours are several or none, where it is one part of several, or where anything else in the header looks
    like one of ours: ``read_cookies`` can tell then. This costs a fraction of it.
    """
    value: str | None = None
    rest: list[str] = []
    for pair in header.split(";"):
        cookie = pair.strip(" \t")
        if value is None and cookie.startswith(names.session_equals):
            value = cookie[len(names.session_equals) :]
        elif names.session in pair:
            return None
        else:
            rest.append(pair)
    if value is None or value[1:2] == PART_MARK:
        return None
    return value, ";".join(rest).strip(" \t") or None


def without_glued(pair: str, names: CookieNames) -> str:
    """Return a cookie without what a server put behind it with a comma (waitress: a comma and a space)."""
    if names.session not in pair:
        return pair
    pieces = pair.split(",")
    for number, piece in enumerate(pieces[1:], start=1):
        if piece.lstrip(" \t").startswith(names.session):
            return ",".join(pieces[:number])
    return pair


def is_own(name: str, names: CookieNames) -> bool:
    """Return whether a cookie's name is one that we give."""
    if not name.startswith(names.session):
        return False
    suffix = name[len(names.session) :]
    return suffix in {"", TRAIL_SUFFIX} or bool(PART_SUFFIX.fullmatch(suffix) or LOGIN_SUFFIX.fullmatch(suffix))


def write_cookie(  # noqa: PLR0913 (each is an attribute of the header)
    name: str, value: str, *, max_age_seconds: float, secure: bool, same_site: str, path: str = "/"
) -> str:
    """Return the value of a Set-Cookie header."""
    attributes = "HttpOnly; Secure" if secure else "HttpOnly"
    return f"{name}={value}; Max-Age={max(0, int(max_age_seconds))}; Path={path}; {attributes}; SameSite={same_site}"


def expire_cookie(name: str, *, secure: bool, same_site: str, path: str = "/") -> str:
    """Return the value of a Set-Cookie header that removes a cookie; name, path and Secure must be the cookie's own."""
    return write_cookie(name, "", max_age_seconds=0, secure=secure, same_site=same_site, path=path)
