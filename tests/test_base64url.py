"""Base64 for URLs: what the module base64 makes, without padding."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware import base64url


@given(st.binary(max_size=200))
def test_as_the_standard_library(data: bytes) -> None:
    """The text is the standard library's without its padding."""
    assert base64url.encode(data) == base64.urlsafe_b64encode(data).decode().rstrip("=")


def test_the_letters_of_urls() -> None:
    """The two letters that mean something in URLs do not occur."""
    assert base64url.encode(bytes([0xFB, 0xEF, 0xBE, 0xFF, 0xFF, 0xFF])) == "----____"
