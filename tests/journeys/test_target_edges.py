"""Requested targets that servers spell in odd ways."""

from __future__ import annotations

import pytest

from fotoweb_middleware.journeys.target import is_decoded, requested_target
from tests.site.samples import a_request, a_site

SITE = a_site()


def test_percent_sign_that_was_not_decoded() -> None:
    """Where a server gives the decoded path as the raw one, a percent sign in it is quoted again."""
    assert requested_target(SITE, a_request("/a%20b", raw_path="/a%20b")) == "/a%2520b"


def test_percent_sign_in_a_true_raw_path() -> None:
    """A raw path that decodes to the path is kept, query included."""
    request = a_request("/a b", raw_path="/a%20b", query="x=%20")

    assert requested_target(SITE, request) == "/a%20b?x=%20"


@pytest.mark.parametrize("codes", [(0xD800,), (0xDC7F,), (0xDCFF, 0xD800)])
def test_lone_surrogates(codes: tuple[int, ...]) -> None:
    """A surrogate that stands for no byte is replaced; nothing is raised."""
    assert requested_target(SITE, a_request("/a" + "".join(map(chr, codes)))).startswith("/a")


@pytest.mark.parametrize(
    ("code", "decoded"),
    [
        (0x61, True),
        (0xD7FF, True),
        (0xD800, False),
        (0xDC7F, False),
        (0xDC80, True),
        (0xDCFF, True),
        (0xE000, True),
    ],
)
def test_which_surrogates_are_bytes(code: int, decoded: bool) -> None:
    """The surrogates of Python's ``surrogateescape`` stand for bytes, all below them for nothing."""
    assert is_decoded(f"/{chr(code)}") is decoded
