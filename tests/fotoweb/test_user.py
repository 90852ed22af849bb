"""Who is logged in, as the API descriptor says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.fotoweb.messages import HttpReply
from fotoweb_middleware.fotoweb.user import read_user
from fotoweb_middleware.session import User


def descriptor(status: int = 200, **changes: Any) -> HttpReply:
    """Return a full API descriptor, as far as it matters here."""
    user = {"userId": 15001, "userName": "anna", "fullName": "Anna Ek", "email": "anna@tenant.example", **changes}
    return HttpReply(status, None, json.dumps({"server": "FotoWeb", "user": user}).encode())


def test_user() -> None:
    """The descriptor tells key, login name, full name and e-mail address."""
    assert read_user(descriptor()) == User(15001, "anna", "Anna Ek", "anna@tenant.example")


def test_user_not_ascii() -> None:
    """Names may have any letters."""
    user = read_user(descriptor(userName="j\u00f6rg", fullName="\u5f20\u4f1f"))
    assert user == User(15001, "j\u00f6rg", "\u5f20\u4f1f", "anna@tenant.example")


@pytest.mark.parametrize("value", [None, 7, "", "a\nb", "a\x00b", "\u202eanna", "\ud800", "x" * 257, ["a"]])
def test_user_without_full_name(value: object) -> None:
    """A full name that is none, or could break a header or a log line, counts as empty."""
    assert read_user(descriptor(fullName=value)) == User(15001, "anna", "", "anna@tenant.example")


@pytest.mark.parametrize("value", [None, 7, "", "a\r\nX-Admin: 1", "x" * 257])
def test_user_without_name(value: object) -> None:
    """Without a readable login name nobody is named."""
    assert read_user(descriptor(userName=value)) is None


@pytest.mark.parametrize("value", [None, "15001", 1.5, True, [1]])
def test_user_without_id(value: object) -> None:
    """Without a numeric key nobody is named."""
    assert read_user(descriptor(userId=value)) is None


@pytest.mark.parametrize("status", [201, 204, 302, 401, 403, 404, 500])
def test_other_status(status: int) -> None:
    """Only a 200 names somebody."""
    assert read_user(descriptor(status)) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"user":null}', b'{"user":[]}', b'{"user":"anna"}'])
def test_other_body(body: bytes) -> None:
    """A body without a user names nobody, and fails nothing."""
    assert read_user(HttpReply(200, None, body)) is None


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    """Whatever bytes come, reading raises nothing."""
    assert read_user(HttpReply(200, None, body)) is None
