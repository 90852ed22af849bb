"""The short way through the Cookie header: the session cookie alone is cut out, the rest stays as it came."""

from __future__ import annotations

import pytest

from fotoweb_middleware.cookies.header import cut_session, read_cookies
from tests.cookies.samples import SECURE

N = "__Host-fotoweb"


@pytest.mark.parametrize(
    ("header", "rest"),
    [
        (f"{N}=v", None),
        (f"{N}=v; ", None),
        (f"{N}=v;\t", None),
        (f"\t{N}=v\t", None),
        (f"{N}=v; a=b", "a=b"),
        (f"{N}=v;\ta=b\t", "a=b"),
        (f"a=b; {N}=v", "a=b"),
        (f"a=b; {N}=v; c=d", "a=b; c=d"),
        (f"a=b;{N}=v;\tc=d", "a=b;\tc=d"),
    ],
)
def test_session_and_rest(header: str, rest: str | None) -> None:
    """The value is returned, and every other cookie as it came, as ``read_cookies`` has them (R-CS7)."""
    assert cut_session(header, SECURE) == ("v", rest)
    assert read_cookies(header, SECURE).rest == rest


@pytest.mark.parametrize(
    "header",
    ["a=b", "", f"{N}=v; {N}=v", f"{N}=v; {N}=w", f"{N}=v; {N}.1=w", f"{N}-trail=t; {N}=v", f"a={N}; {N}=v"],
)
def test_anything_unclear(header: str) -> None:
    """Where the session cookie is none or not the only one of ours, nothing is cut (R-CS5)."""
    assert cut_session(header, SECURE) is None


@pytest.mark.parametrize("glue", [",", ", ", ",\t"])
def test_glued_to_others(glue: str) -> None:
    """Of cookies that a server glued together all before ours stay, and none behind (R-CS15)."""
    own = read_cookies(f"a=b,c=d{glue}{N}=planted,e=f; g=h", SECURE)

    assert (own.values, own.rest) == ({}, "a=b,c=d; g=h")
