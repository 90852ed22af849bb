"""What each cookie of ours must look like, wherever it is set (R-CS1, R-CS2, R-CS8)."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["MOST_CHARACTERS", "cookie_faults", "is_ours"]

MOST_CHARACTERS = 4096
"""Of a name and its value together; browsers drop what is longer (RFC 6265bis, 5.6)."""

OURS = re.compile(r"__Host-fotoweb(\.[1-9]|-login-[A-Za-z0-9_-]{1,64}|-attempts)?")
ATTRIBUTES = re.compile(r"Max-Age=[0-9]+; Path=/; HttpOnly; Secure; SameSite=(Lax|Strict)")


def is_ours(header: str) -> bool:
    """Return whether a Set-Cookie value is one of the middleware's, well-formed or not."""
    return "fotoweb" in header.partition("=")[0].lower()


def cookie_faults(header: str) -> Iterator[str]:
    """Yield what is wrong with the value of a Set-Cookie header; the app's own are the app's business."""
    pair, _, attributes = header.partition("; ")
    name, _, value = pair.partition("=")
    if not is_ours(header):
        return
    if not OURS.fullmatch(name):
        yield f"a cookie is called {name!r}"
    if not ATTRIBUTES.fullmatch(attributes):
        yield f"the cookie {name!r} has the attributes {attributes!r}"
    if "SameSite=Strict" in attributes and (name.endswith("-attempts") or "-login-" in name):
        yield f"the cookie {name!r} would not come back from FotoWeb"
    if len(name) + len(value) > MOST_CHARACTERS:
        yield f"the cookie {name!r} is too long for browsers"
    if "Max-Age=0;" in attributes and value:
        yield f"the cookie {name!r} is removed, and yet has a value"
