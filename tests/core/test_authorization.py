"""Whom ``FOTOWEB_ALLOWED_USERS`` names."""

from __future__ import annotations

import pytest

from fotoweb_middleware.authorization import is_listed
from fotoweb_middleware.session import User
from fotoweb_middleware.settings.rules import read_allowed_users

ALICE = User(1, "alice", "Alice Berg", "alice@Example.test")


@pytest.mark.parametrize(
    ("entries", "is_named"),
    [
        ("alice", True),
        ("bob, @elsewhere.test, alice", True),
        ("@EXAMPLE.test", True),
        ("Alice", False),
        ("alice@Example.test", False),
        ("@ample.test", False),
        ("@www.example.test", False),
        ("@test", False),
    ],
)
def test_what_a_list_names(entries: str, is_named: bool) -> None:
    """User names count letter by letter, e-mail domains as a whole and in any case."""
    assert is_listed(ALICE, read_allowed_users(entries)) == is_named


@pytest.mark.parametrize(
    ("user_name", "email"),
    [
        ("@example.test", ""),
        ("alice ", ""),
        ("\u0430lice", ""),
        ("x", ""),
        ("x", "@example.test"),
        ("x", "x@"),
        ("x", "x@example.test@elsewhere.test"),
        ("x", "x@elsewhere.test, y@example.test"),
        ("x", "x@\uff45xample.test"),
        ("x", "x@EXAMPLE\u3002test"),
        ("x", "x@ban\u212a.test"),
    ],
)
def test_lookalikes(user_name: str, email: str) -> None:
    """What only looks like a listed name or domain, or becomes one in Unicode's lower case, is not on the list."""
    assert not is_listed(User(2, user_name, "", email), ("alice", "@example.test", "@bank.test"))


def test_unknown_user() -> None:
    """Nobody knows who it is, so no list names them."""
    assert not is_listed(None, ("alice",))


def test_domain_of_other_letters() -> None:
    """A domain in other letters than ASCII's is compared as it is written."""
    listed = read_allowed_users("@m\u00fcnchen.example, Ren\u00e9e")

    assert is_listed(User(3, "x", "", "x@m\u00fcnchen.example"), listed)
    assert is_listed(User(4, "Ren\u00e9e", "", ""), listed)
