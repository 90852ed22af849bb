"""What an answer that was made with a session says to caches (R-CS12, T-CS-13)."""

from __future__ import annotations

import pytest

from fotoweb_middleware.response_headers import private_headers


def value_of(headers: list[tuple[str, str]], name: str) -> list[str]:
    """Return the values of a header."""
    return [value for header, value in headers if header.lower() == name]


def cache_control_with_cookie(value: str | None) -> list[str]:
    """Return what becomes of an app's Cache-Control beside a cookie of ours."""
    given = [] if value is None else [("cache-control", value)]
    return value_of(private_headers(given, has_session=True, sets_cookie=True), "cache-control")


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
    assert cache_control_with_cookie(value) == [value]


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
    """With a cookie of ours anything else is made private; what is for browsers' caches is kept (RFC 9111, 5.2.2)."""
    assert cache_control_with_cookie(value) == [expected]


def test_several_cache_control_headers_become_one() -> None:
    """With a cookie of ours, all that the app says is read."""
    given = [("Cache-Control", "public"), ("cache-control", "max-age=60")]

    headers = private_headers(given, has_session=True, sets_cookie=True)

    assert value_of(headers, "cache-control") == ["private, max-age=60"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], "Cookie"),
        ([""], "Cookie"),
        (["Accept"], "Accept, Cookie"),
        (["Accept,Origin"], "Accept, Origin, Cookie"),
        (["Accept", "Origin"], "Accept, Origin, Cookie"),
        (["cookie"], "cookie"),
        (["Accept, COOKIE"], "Accept, COOKIE"),
        (["Accept", "cookie"], "Accept, cookie"),
        (["*"], "*"),
        (["Accept, *"], "Accept, *"),
        (["X-Cookie"], "X-Cookie, Cookie"),
        ([",, "], "Cookie"),
    ],
)
@pytest.mark.parametrize("has_session", [True, False])
def test_vary(values: list[str], expected: str, has_session: bool) -> None:
    """One Vary header names Cookie beside what the app says, with a session and without."""
    headers = private_headers([("vary", value) for value in values], has_session=has_session, sets_cookie=False)

    assert value_of(headers, "vary") == [expected]


@pytest.mark.parametrize(
    ("has_session", "given", "expected"),
    [
        (True, [], ["private"]),
        (True, [("Cache-Control", "public, max-age=60")], ["public, max-age=60"]),
        (False, [], []),
        (False, [("Cache-Control", "public")], ["public"]),
    ],
)
def test_without_a_cookie_of_ours(has_session: bool, given: list[tuple[str, str]], expected: list[str]) -> None:
    """Private where a session was at hand and the app says nothing; else the app knows best."""
    assert value_of(private_headers(given, has_session=has_session, sets_cookie=False), "cache-control") == expected


@pytest.mark.parametrize(
    "name",
    ["CDN-Cache-Control", "cloudflare-cdn-cache-control", "Surrogate-Control", "X-Accel-Expires", "Edge-Control"],
)
@pytest.mark.parametrize("sets_cookie", [True, False])
def test_headers_for_one_kind_of_cache(name: str, sets_cookie: bool) -> None:
    """What tells a CDN or a proxy to keep the answer (RFC 9213) goes where a cookie of ours goes with it."""
    headers = private_headers([(name, "max-age=60")], has_session=True, sets_cookie=sets_cookie)

    assert value_of(headers, name.lower()) == ([] if sets_cookie else ["max-age=60"])


def test_the_rest_stays_in_its_order() -> None:
    """The app's other headers, its cookies among them, come first and as they were."""
    given = [("Content-Type", "text/html"), ("Set-Cookie", "theirs=1"), ("X-A", "1"), ("X-A", "2")]

    headers = private_headers(given, has_session=True, sets_cookie=True)

    assert headers[:4] == given
    assert [name for name, _ in headers[4:]] == ["Vary", "Cache-Control"]


@pytest.mark.parametrize("wrong", [[("name",)], [("name", "value", "more")], ["abc"]])
def test_a_wrong_header_raises(wrong: list[tuple[str, str]]) -> None:
    """What is no pair is the app's mistake and is told at once."""
    with pytest.raises(ValueError, match="unpack"):
        private_headers(wrong, has_session=True, sets_cookie=True)
