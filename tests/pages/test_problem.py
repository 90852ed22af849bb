"""Problem details for programs."""

from __future__ import annotations

import json

import pytest

from fotoweb_middleware.pages import problem_json


def test_members() -> None:
    """The members are those of RFC 9457, the type a stable URN, and extensions stand beside them."""
    expected = {
        "type": "urn:fotoweb-middleware:not-signed-in",
        "title": "Not signed in",
        "status": 401,
        "detail": "Sign in.",
        "login_url": "/oauth2/login",
    }
    body = problem_json(401, "Not signed in", "Sign in.", type_code="not_signed_in", login_url="/oauth2/login")

    assert expected == json.loads(body)


def test_without_a_type_code() -> None:
    """Without a code of its own the type is about:blank."""
    assert json.loads(problem_json(400, "a", "b"))["type"] == "about:blank"


def test_absent_member_is_left_out() -> None:
    """A member that is None is not written."""
    assert "login_url" not in json.loads(problem_json(400, "a", "b", login_url=None))


def test_other_kinds_of_members_stay_what_they_are() -> None:
    """Numbers and booleans are written as such."""
    document = json.loads(problem_json(503, "a", "b", retry_after_seconds=5, expires_at=1.5, retryable=True))

    assert (document["retry_after_seconds"], document["expires_at"], document["retryable"]) == (5, 1.5, True)


@pytest.mark.parametrize("name", ["login_url", "logout_url"])
def test_targets_are_checked(name: str) -> None:
    """A program follows these members, so they obey the rule for links."""
    with pytest.raises(ValueError, match="target"):
        problem_json(401, "a", "b", type_code=None, **{name: "javascript:alert(1)"})


def test_type_cannot_be_overwritten() -> None:
    """The type comes from type_code alone."""
    with pytest.raises(ValueError, match="type_code"):
        problem_json(401, "a", "b", type="https://evil.example")


def test_hostile_text_is_plain_ascii_json() -> None:
    """Whatever a text holds, the document is ASCII and reads back the same, a lone surrogate included."""
    words = '\u2028\x00"\\ </script> \udcff é'
    body = problem_json(400, words, words)

    assert body.isascii()
    assert words == json.loads(body)["detail"]


def test_not_a_number_is_refused() -> None:
    """NaN is no JSON."""
    with pytest.raises(ValueError, match="JSON"):
        problem_json(400, "a", "b", expires_at=float("nan"))
