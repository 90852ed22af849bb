"""Problem details for programs."""

from __future__ import annotations

import json

import pytest

from fotoweb_middleware.pages import problem_json


def test_members() -> None:
    """The members are those of RFC 9457, the type a stable URN, and an extension stands beside them."""
    expected = {
        "type": "urn:fotoweb-middleware:not-signed-in",
        "title": "Not signed in",
        "status": 401,
        "detail": "Sign in.",
        "login_url": "/oauth2/login",
    }
    body = problem_json(401, "Not signed in", "Sign in.", type_code="not_signed_in", login_url="/oauth2/login")

    assert expected == json.loads(body)


def test_absent_member_is_left_out() -> None:
    """Where a login would not help, none is named."""
    assert "login_url" not in json.loads(problem_json(400, "a", "b", type_code="c"))


def test_target_is_checked() -> None:
    """A program follows this member, so it obeys the rule for links."""
    with pytest.raises(ValueError, match="target"):
        problem_json(401, "a", "b", type_code="c", login_url="javascript:alert(1)")


def test_hostile_text_is_plain_ascii_json() -> None:
    """Whatever a text holds, the document is ASCII and reads back the same, a lone surrogate included."""
    words = '\u2028\x00"\\ </script> \udcff é'
    body = problem_json(400, words, words, type_code="c")

    assert body.isascii()
    assert words == json.loads(body)["detail"]
