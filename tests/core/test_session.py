"""What apps get of a login: frozen dataclasses like any other, though their ``__init__`` is our own."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest

from fotoweb_middleware.session import Session, User

ANNA = User(15001, "anna", "Anna Ek", "anna@tenant.example")
VALUES = [ANNA, Session("token", "bearer", 1_750_000_000.0, ANNA), Session("token", "bearer", None, None)]
ON_EACH = pytest.mark.parametrize("value", VALUES, ids=["user", "session", "session of nobody"])


@ON_EACH
def test_fields_stand_where_they_were_put(value: Any) -> None:
    """Each argument is the field of its name, by position and by keyword."""
    names = [field.name for field in dataclasses.fields(value)]
    told = dataclasses.asdict(value) | {name: getattr(value, name) for name in names}

    assert type(value)(**told) == type(value)(*told.values()) == value
    assert [getattr(type(value)(*range(len(names))), name) for name in names] == list(range(len(names)))


@ON_EACH
def test_nothing_can_be_changed(value: Any) -> None:
    """No field is set or deleted once it is made, and there is no room for others."""
    for field in dataclasses.fields(value):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, "other")
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(value, field.name)
    with pytest.raises((AttributeError, TypeError)):
        value.other = 1


@ON_EACH
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies(value: Any, copied: Any) -> None:
    """A copy equals what was copied, and has its hash."""
    assert (copied(value), hash(copied(value))) == (value, hash(value))


def test_replaced() -> None:
    """One field can be given another value in a new one."""
    session = Session("token", "bearer", 1_750_000_000.0, ANNA)

    assert dataclasses.replace(session, expires_at=None) == Session("token", "bearer", None, ANNA)


def test_no_argument_may_be_left_out() -> None:
    """Every field is given by whoever makes one."""
    with pytest.raises(TypeError, match="user"):
        Session("token", "bearer", None)  # type: ignore[call-arg]  # what is tried
