"""What is read of the headers of FotoWeb's answers besides the status: its clock, and its own name of the call."""

from __future__ import annotations

import httpx
import pytest

from fotoweb_middleware.fotoweb.messages import read_date, read_request_id


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Mon, 30 Nov 2026 12:00:00 GMT", 1796040000.0),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("Mon, 30 Nov 99999 12:00:00 GMT", None),
    ],
)
def test_date(value: str | None, expected: float | None) -> None:
    """A Date header is epoch seconds; what is none is None."""
    assert read_date(value) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Request-ID": "fw-17"}, "fw-17"),
        ({"X-Correlation-ID": "a:b"}, "a:b"),
        ({"X-Request-ID": "two words", "X-Correlation-ID": "fw-17"}, "fw-17"),
        ({"X-Request-ID": "x" * 129}, None),
        ({"X-Request-ID": "<script>"}, None),
        ({}, None),
    ],
)
def test_request_id(headers: dict[str, str], expected: str | None) -> None:
    """It is taken where it is short and harmless, from the first header that has one (R-LG2)."""
    assert read_request_id(httpx.Headers(headers)) == expected
