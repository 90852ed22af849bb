"""How good answers of the token endpoint are read, and what does not pass for one (T-TE-01 to 06, R-TE6 to 10)."""

from __future__ import annotations

import pytest

from fotoweb_middleware.errors import FotoWebNonsense
from fotoweb_middleware.session import TokenSet
from tests.fotoweb.samples import ABSENT, NOW, read, reply, success


def test_success() -> None:
    """A good answer gives its tokens, when they came and when they expire."""
    assert read(success()) == TokenSet("AT-1", "RT-1", NOW, NOW + 28800)


@pytest.mark.parametrize("token_type", ["bearer", "Bearer", "BEARER", "bEaReR"])
def test_token_type_any_case(token_type: str) -> None:
    """The token type is bearer in whatever case (RFC 6749, 5.1; T-TE-01)."""
    assert read(success(token_type=token_type)).access_token == "AT-1"


@pytest.mark.parametrize("token_type", ["mac", "DPoP", "", " bearer", "bearer\n", None, ABSENT, ["bearer"], 1])
def test_token_type_other(token_type: object) -> None:
    """Any other token type is nonsense: nobody could say how to use it (T-TE-01)."""
    with pytest.raises(FotoWebNonsense):
        read(success(token_type=token_type))


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("3600", 3600.0),
        ("28800.000000", 28800.0),
        ("3600.5", 3600.5),
        ("0", 0.0),
        ("-0.0", 0.0),
        ("1e3", 1000.0),
        ('"3600"', 3600.0),
        ('"28800.000000"', 28800.0),
        ("999999999999", 315_360_000.0),
        ("9" * 400, 315_360_000.0),
        ("1" + "0" * 4000, 315_360_000.0),
    ],
)
def test_expires_in(written: str, seconds: float) -> None:
    """``expires_in`` comes as an integer, as FotoWeb's decimal literal or as digits; ten years are the most (R-TE8)."""
    body = f'{{"access_token":"AT","token_type":"bearer","expires_in":{written}}}'
    assert read(reply(body)).expires_at == NOW + seconds


@pytest.mark.parametrize("expires_in", [ABSENT, None])
def test_expires_in_absent(expires_in: object) -> None:
    """Without ``expires_in`` no expiry is known."""
    assert read(success(expires_in=expires_in)).expires_at is None


@pytest.mark.parametrize(
    "written",
    [
        "-1",
        "-0.5",
        "true",
        "false",
        '"abc"',
        '"1e3"',
        '"-1"',
        '""',
        '" 3600"',
        '"3600\\n"',
        '"3_600"',
        '"\uff13\uff16"',
        '"1."',
        '"NaN"',
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "[]",
        "{}",
        '"' + "9" * 16 + '"',
        "-" + "9" * 400,
        "9" * 5000,
    ],
)
def test_expires_in_nonsense(written: str) -> None:
    """Whatever else stands for a number of seconds is nonsense, and nothing worse (T-TE-02)."""
    body = f'{{"access_token":"AT","token_type":"bearer","expires_in":{written}}}'
    with pytest.raises(FotoWebNonsense):
        read(reply(body))


@pytest.mark.parametrize(
    "token",
    [
        "A\r\nX-Admin: 1",
        "A B",
        "A\n",
        "\u00e9",
        "\x00",
        "A\u2028B",
        "\ud800",
        "A\x7f",
        "A" * 32_769,
        "A" * 1_000_000,
        "",
        123,
        True,
        {},
        [],
        None,
        ABSENT,
    ],
)
def test_access_token_nonsense(token: object) -> None:
    """An access token that no header could carry never leaves the reader (T-TE-05, R-TE7)."""
    with pytest.raises(FotoWebNonsense):
        read(success(access_token=token))


def test_access_token_length_limit() -> None:
    """A token of 32,768 visible ASCII characters is the longest that is taken."""
    assert len(read(success(access_token="~" * 32_768)).access_token) == 32_768


@pytest.mark.parametrize("absent", [ABSENT, None, ""])
def test_refresh_token_kept(absent: object) -> None:
    """Where no new refresh token comes the old one is kept (R-TE10)."""
    assert read(success(refresh_token=absent), refresh_token="RT-0").refresh_token == "RT-0"


def test_refresh_token_replaced() -> None:
    """A new refresh token replaces the old one (R-TE10)."""
    assert read(success(), refresh_token="RT-0").refresh_token == "RT-1"


def test_refresh_token_never() -> None:
    """A login whose answer brings no refresh token has none."""
    assert read(success(refresh_token=ABSENT)).refresh_token is None


@pytest.mark.parametrize("token", ["A B", "A\r\nB", "\u00e9", 7, False, [], {}])
def test_refresh_token_nonsense(token: object) -> None:
    """A refresh token that is none is nonsense, and does not pass for an absent one."""
    with pytest.raises(FotoWebNonsense):
        read(success(refresh_token=token), refresh_token="RT-0")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"access_token":"\\ud800","token_type":"bearer"}',
        '{"access_token":"A","token_type":"bearer"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"access_token":"A","token_type":"bearer"}',
        b"\xff\xfe",
        b"null",
        b"[]",
        b"123",
        b'"x"',
        b"",
        b"<html><form>log in</form></html>",
        b'{"error":"invalid_grant"}',
        b'{"access_token":"A","token_type":"bearer"',
        b'{"access_token":"A","token_type":"bearer"} {}',
    ],
)
def test_success_body_nonsense(body: bytes) -> None:
    """A 200 whose body is no token answer is nonsense, however it fails to be one (T-TE-04, T-TE-06, R-TE9)."""
    with pytest.raises(FotoWebNonsense):
        read(reply(body))
