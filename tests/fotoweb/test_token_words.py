"""What an answer that can not be used is called in the log: what was wrong, and nothing that came; and the limits."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware.errors import FotoWebNonsense, FotoWebUnreachable
from fotoweb_middleware.fotoweb.messages import HttpReply
from fotoweb_middleware.fotoweb.tokens import read_expires_in
from fotoweb_middleware.fotoweb.user import read_text
from tests.fotoweb.samples import read, reply, success


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"token_type": "mac"}, "the token endpoint's answer has no token_type bearer"),
        ({"access_token": 7}, "the token endpoint's access_token is no token"),
        ({"refresh_token": 7}, "the token endpoint's refresh_token is no token"),
        ({"expires_in": "S3CR3T"}, "the token endpoint's expires_in is no number of seconds"),
    ],
)
def test_member_that_can_not_be_used(changes: dict[str, Any], words: str) -> None:
    """The line names the member."""
    with pytest.raises(FotoWebNonsense) as caught:
        read(success(**changes))
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (HttpReply(200, None, b"<html>"), "FotoWeb answered HTTP 200 with a web page in place of JSON"),
        (HttpReply(200, None, b"[]"), "FotoWeb answered HTTP 200 with no JSON object"),
        (HttpReply(418, None, b""), "the token endpoint answered HTTP 418"),
    ],
)
def test_answer_that_is_none(answer: HttpReply, words: str) -> None:
    """The line has the status."""
    with pytest.raises(FotoWebNonsense) as caught:
        read(answer)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (reply("", 503), "FotoWeb answered HTTP 503"),
        (reply('{"error":"server_error"}', 400), "FotoWeb answered server_error (HTTP 400)"),
    ],
)
def test_answer_that_says_later(answer: HttpReply, words: str) -> None:
    """The line has the status, and FotoWeb's error code where there is one."""
    with pytest.raises(FotoWebUnreachable) as caught:
        read(answer)
    assert str(caught.value) == words


@pytest.mark.parametrize(("text", "kept"), [("x" * 256, "x" * 256), ("x" * 257, "")])
def test_longest_text_about_a_user(text: str, kept: str) -> None:
    """A name of 256 characters is the longest that is taken."""
    assert read_text(text) == kept


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("9" * 15, 315_360_000.0), ("9" * 16, None), ("1." + "0" * 15, 1.0), ("1." + "0" * 16, None)],
)
def test_longest_number(text: str, seconds: float | None) -> None:
    """A lifetime as text has fifteen digits at most before and behind the point; ten years are the longest."""
    if seconds is None:
        with pytest.raises(FotoWebNonsense):
            read_expires_in(text)
    else:
        assert read_expires_in(text) == seconds
