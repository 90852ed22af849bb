"""What other answers of the token endpoint mean, and that nothing which comes can break the reader (R-TE9, R-TE11)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.errors import FotoWebNonsense, FotoWebRefused, FotoWebUnreachable
from fotoweb_middleware.fotoweb.messages import HttpReply
from fotoweb_middleware.fotoweb.tokens import is_operator_fault
from tests.fotoweb.samples import NOW, read, reply, success

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("status", [100, 201, 204, 206, 301, 302, 303, 307, 308, 402, 404, 405, 418])
def test_status_nonsense(status: int) -> None:
    """A status that the token endpoint has no use for is nonsense, whatever the body says (T-TE-06)."""
    with pytest.raises(FotoWebNonsense, match=f"HTTP {status}"):
        read(HttpReply(status, None, success().body))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
def test_status_unreachable(status: int) -> None:
    """5xx and 429 say: try again later, even where the body names an error that would end the session."""
    with pytest.raises(FotoWebUnreachable, match=f"HTTP {status}"):
        read(reply('{"error":"invalid_grant"}', status))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("86400", 60.0),
        ("-1", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
        ("9" * 400, None),
        ("\uff13", None),
        ("nan", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    """Retry-After counts in seconds up to a minute; dates and garbage don't."""
    with pytest.raises(FotoWebUnreachable) as caught:
        read(reply("", 503, header))
    assert caught.value.retry_after_seconds == seconds


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable"])
def test_temporary_error(error: str) -> None:
    """A 400 whose error says that it will pass counts as unreachable."""
    with pytest.raises(FotoWebUnreachable, match=error):
        read(reply(json.dumps({"error": error}), 400))


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused(status: int) -> None:
    """400, 401 and 403 with an error code are a refusal with that code."""
    with pytest.raises(FotoWebRefused) as caught:
        read(reply('{"error":"invalid_grant","error_description":"S3CR3T"}', status))
    assert (caught.value.error, caught.value.status) == ("invalid_grant", status)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"error":7}',
        b'{"error":null}',
        b'{"error":""}',
        b'{"error":"a b"}',
        b'{"error":"<script>\\n"}',
        b'{"error":"\\u00e9"}',
        b'{"error":"a\\"b"}',
        b'{"error":"a\\\\b"}',
        b'{"error":"' + b"x" * 65 + b'"}',
        b"[" * 200_000,
    ],
)
def test_refused_without_code(body: bytes) -> None:
    """A refusal whose error code can't be read is a refusal without one."""
    with pytest.raises(FotoWebRefused) as caught:
        read(reply(body, 400))
    assert caught.value.error == ""


@pytest.mark.parametrize(
    ("error", "is_fault"),
    [
        ("invalid_client", True),
        ("unauthorized_client", True),
        ("unsupported_grant_type", True),
        ("invalid_request", True),
        ("invalid_scope", True),
        ("invalid_grant", False),
        ("access_denied", False),
        ("", False),
    ],
)
def test_operator_fault(error: str, is_fault: bool) -> None:
    """What the operator must mend is told from what a new login mends (R-TE11)."""
    assert is_operator_fault(FotoWebRefused(error, status=400)) is is_fault


def test_error_holds_no_secret() -> None:
    """Neither a refusal nor nonsense repeats what the answer said besides the error code (R-OP3)."""
    with pytest.raises(FotoWebRefused) as caught:
        read(reply('{"error":"invalid_grant","error_description":"S3CR3T","access_token":"S3CR3T"}', 400))
    assert "S3CR3T" not in repr(caught.value) + str(caught.value)


def expect_one_of_four(answer: HttpReply) -> None:
    """Check that an answer gives tokens fit for a header, or one of the three errors."""
    try:
        tokens = read(answer)
    except (FotoWebNonsense, FotoWebRefused, FotoWebUnreachable):
        return
    assert tokens.access_token.isascii()
    assert tokens.access_token.isprintable()
    assert tokens.expires_at is None or NOW <= tokens.expires_at <= NOW + 315_360_000


@given(status=st.sampled_from([200, 200, 400, 401, 403, 404, 429, 503]), body=st.binary(max_size=200))
def test_any_bytes(status: int, body: bytes) -> None:
    """Whatever bytes come, reading gives tokens or one of three errors (R-TE9)."""
    expect_one_of_four(reply(body, status))


@given(
    status=st.sampled_from([200, 400, 401, 503]),
    members=st.fixed_dictionaries(
        {},
        optional={
            "access_token": json_values | st.just("AT"),
            "token_type": json_values | st.just("Bearer"),
            "expires_in": json_values,
            "refresh_token": json_values,
            "error": json_values,
        },
    ),
    retry_after=st.none() | st.text(max_size=20),
)
def test_any_document(status: int, members: dict[str, Any], retry_after: str | None) -> None:
    """Whatever JSON comes, reading gives tokens or one of three errors (R-TE9)."""
    expect_one_of_four(reply(json.dumps(members), status, retry_after))
