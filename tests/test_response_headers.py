"""What a response that carries our cookie says to caches (R-CS12, T-CS-13)."""

from __future__ import annotations

import pytest

from fotoweb_middleware.response_headers import cache_control_with_cookie, vary_with_cookie


@pytest.mark.parametrize(
    "value",
    [
        "private",
        "no-store",
        "Private, max-age=60",
        "no-cache, NO-STORE",
        "max-age=0,private",
        "private , must-revalidate",
    ],
)
def test_strict_enough(value: str) -> None:
    """What already keeps shared caches out stays as the app wrote it."""
    assert cache_control_with_cookie(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "private"),
        ("", "private"),
        ("public", "private"),
        ("public, max-age=3600", "private, max-age=3600"),
        ("max-age=3600, Public", "private, max-age=3600"),
        ("s-maxage=3600", "private"),
        ("max-age=60, S-MaxAge=3600, public", "private, max-age=60"),
        ("no-cache", "private, no-cache"),
        ("no-cache, must-revalidate, max-age=0", "private, no-cache, must-revalidate, max-age=0"),
        ('private="X-Name", max-age=60', 'private, private="X-Name", max-age=60'),
        ('no-cache="X-A, X-B"', 'private, no-cache="X-A, X-B"'),
        ("x-private", "private, x-private"),
        (",, ,", "private"),
    ],
)
def test_made_private(value: str | None, expected: str) -> None:
    """Anything else is made private; what the app said of browsers' own caches is kept (RFC 9111, 5.2.2)."""
    assert cache_control_with_cookie(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "Cookie"),
        ("", "Cookie"),
        ("Accept", "Accept, Cookie"),
        ("Accept,Origin", "Accept, Origin, Cookie"),
        ("cookie", "cookie"),
        ("Accept, COOKIE", "Accept, COOKIE"),
        ("*", "*"),
        ("Accept, *", "Accept, *"),
        ("X-Cookie", "X-Cookie, Cookie"),
        (",, ", "Cookie"),
    ],
)
def test_vary(value: str | None, expected: str) -> None:
    """Vary names Cookie besides what the app said."""
    assert vary_with_cookie(value) == expected
