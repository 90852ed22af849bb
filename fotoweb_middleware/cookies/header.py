"""The Cookie and Set-Cookie headers (RFC 6265bis), for our own cookies; all others are left as they came.

``http.cookies`` is not used: it drops or raises on foreign junk and takes seconds on a hostile value (CVE-2024-7592).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["CookieNames", "OwnCookies", "expire_cookie", "names_of", "read_cookies", "write_cookie"]

PART_SUFFIX = re.compile(r"\.[1-9]")  # more than parts.py ever writes: leftovers are ours too
LOGIN_SUFFIX = re.compile(r"-login-[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class CookieNames:
    """What our cookies are called, and the attributes that go with it.

    Attributes:
        session: The session cookie; further parts of it are called ``session.1``, ``session.2``, …
        secure: Whether they carry ``Secure`` (and then ``__Host-`` stands in the name).
        same_site: "Lax", "Strict" or "None", for the session cookie. The login cookie is Lax at the strictest,
            since it must survive the way back from FotoWeb, which is another site.
    """

    session: str
    secure: bool
    same_site: str

    @property
    def login_prefix(self) -> str:
        """What the name of every login cookie begins with."""
        return f"{self.session}-login-"

    @property
    def login_same_site(self) -> str:
        """The login cookie's SameSite attribute."""
        return "None" if self.same_site == "None" else "Lax"


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
    glued = f",{names.session}"
    for pair in header.split(";"):
        name, _, value = pair.strip(" \t").partition("=")
        if not is_own(name, names):
            rest.append(pair.split(glued)[0])
            continue
        conflicting = conflicting or values.get(name, value) != value
        values[name] = value
    return OwnCookies(values, conflicting, ";".join(rest).strip(" \t") or None)


def is_own(name: str, names: CookieNames) -> bool:
    """Return whether a cookie's name is one that we give."""
    if not name.startswith(names.session):
        return False
    suffix = name[len(names.session) :]
    return not suffix or bool(PART_SUFFIX.fullmatch(suffix) or LOGIN_SUFFIX.fullmatch(suffix))


def write_cookie(  # noqa: PLR0913 (each is an attribute of the header)
    name: str, value: str, *, max_age_seconds: float, secure: bool, same_site: str, path: str = "/"
) -> str:
    """Return the value of a Set-Cookie header."""
    parts = [f"{name}={value}", f"Max-Age={max(0, int(max_age_seconds))}", f"Path={path}", "HttpOnly"]
    if secure:
        parts.append("Secure")
    parts.append(f"SameSite={same_site}")
    return "; ".join(parts)


def expire_cookie(name: str, *, secure: bool, same_site: str, path: str = "/") -> str:
    """Return the value of a Set-Cookie header that removes a cookie; name, path and Secure must be the cookie's own."""
    return write_cookie(name, "", max_age_seconds=0, secure=secure, same_site=same_site, path=path)
