"""What must hold of whatever FotoWeb, or somebody in its place, answers: token replies, refusals, descriptors."""

from __future__ import annotations

import json
import math
import re

from fotoweb_middleware.errors import FotoWebError, FotoWebRefused, FotoWebUnreachable
from fotoweb_middleware.fotoweb.messages import HttpReply
from fotoweb_middleware.fotoweb.tokens import is_operator_fault, read_retry_after, read_token_reply
from fotoweb_middleware.fotoweb.user import read_user
from fotoweb_middleware.session import SessionRecord, TokenSet
from tests.core.samples import NOW

__all__ = ["check_identity", "check_retry_after", "check_token_reply"]

VISIBLE = re.compile(r"[!-~]{1,32768}")
HELD = "the-token-held-before"


def reply_of(data: bytes) -> HttpReply:
    """Read an answer: a line with the status, a line with Retry-After, the body."""
    status, _, rest = data.partition(b"\n")
    retry_after, _, body = rest.partition(b"\n")
    number = int(status) if re.fullmatch(rb"[1-5][0-9]{2}", status) else 200
    return HttpReply(number, retry_after.decode("latin-1") or None, body)


def check_token_reply(data: bytes) -> None:
    """Either tokens that fit a header and a lifetime that a clock can hold, or an error of our own tree."""
    reply = reply_of(data)
    try:
        tokens = read_token_reply(reply, now=NOW, refresh_token=HELD)
    except FotoWebError as error:
        check_error(error)
        return
    assert reply.status == 200
    assert VISIBLE.fullmatch(tokens.access_token)
    assert tokens.refresh_token is not None
    assert VISIBLE.fullmatch(tokens.refresh_token)
    assert f"Bearer {tokens.access_token}".encode("ascii").isascii()
    if tokens.expires_at is not None:
        assert math.isfinite(tokens.expires_at)
        assert NOW <= tokens.expires_at <= NOW + 3650 * 86_400
    assert same_when_kept(SessionRecord("id", 1, tokens, NOW, NOW, None))


def check_error(error: FotoWebError) -> None:
    """An error fits a line of the log, whatever was answered."""
    words = str(error)
    assert words.isascii()
    assert words.isprintable()
    assert len(words) <= 200
    match error:
        case FotoWebRefused():
            assert error.status in {400, 401, 403}
            assert is_operator_fault(error) in {True, False}
        case FotoWebUnreachable():
            assert error.retry_after_seconds is None or 0 <= error.retry_after_seconds <= 60
        case _:
            assert type(error).__name__ == "FotoWebNonsense"


def check_identity(data: bytes) -> None:
    """Either nobody, or a user whose name fits an environ and whose record fits a cookie."""
    user = read_user(reply_of(data))
    if user is None:
        return
    assert user.user_name
    for text in (user.user_name, user.full_name, user.email):
        assert text.isprintable()
        assert len(text) <= 256
        assert text.encode("utf-8").decode("latin-1")[:256].count("\n") == 0
    assert same_when_kept(SessionRecord("id", 1, TokenSet("a", "r", NOW, None), NOW, NOW, user))


def same_when_kept(record: SessionRecord) -> bool:
    """Return whether a session reads as it was written."""
    return SessionRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def check_retry_after(data: bytes) -> None:
    """Either no wait, or one between nothing and a minute."""
    seconds = read_retry_after(data.decode("latin-1"))
    assert seconds is None or 0 <= seconds <= 60
