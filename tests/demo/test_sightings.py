"""How a refresh becomes visible to an app that is told nothing of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fotoweb_middleware.demo.sightings import MOST_BROWSERS, RefreshWatch, Sightings, fingerprint
from tests.demo.samples import ALICE, refresh_line, session_for


@pytest.fixture
def watch() -> RefreshWatch:
    """Return a watch that saw nothing yet."""
    return RefreshWatch()


@pytest.fixture
def sightings(watch: RefreshWatch) -> Sightings:
    """Return an empty book."""
    return Sightings(watch)


def test_a_fingerprint_does_not_tell_the_token() -> None:
    """Twelve digits, others for another token."""
    assert len(fingerprint("one")) == 12
    assert fingerprint("one") != fingerprint("two")


def test_the_first_token_is_a_login(sightings: Sightings) -> None:
    """It is noted with the time of the request."""
    name, seen = sightings.note(None, session_for("one", expires_at=160), 100)

    assert name
    assert [(each.kind, each.came_at, each.expires_at) for each in seen] == [("signed in", 100, 160)]


def test_the_same_token_is_noted_once(sightings: Sightings) -> None:
    """Requests with a known token add nothing."""
    name, _ = sightings.note(None, session_for("one"), 100)

    assert sightings.note(name, session_for("one"), 101)[0] == name
    assert len(sightings.note(name, session_for("one"), 102)[1]) == 1


def test_a_refreshed_token_is_told_with_the_time_of_the_refresh(sightings: Sightings, watch: RefreshWatch) -> None:
    """The middleware's log line tells when; newest first."""
    name, _ = sightings.note(None, session_for("one", expires_at=160), 100)
    watch.emit(refresh_line(215.5, 155.5))
    _, seen = sightings.note(name, session_for("two", expires_at=215.5), 157)

    assert [(each.kind, each.came_at) for each in seen] == [("refreshed", 155.5), ("signed in", 100)]


def test_another_login_is_no_refresh(sightings: Sightings) -> None:
    """A new token without a refresh came by a login."""
    name, _ = sightings.note(None, session_for("one", expires_at=160), 100)
    _, seen = sightings.note(name, session_for("two", expires_at=260), 200)

    assert [each.kind for each in seen] == ["signed in", "signed in"]


def test_an_unending_token_is_fine(sightings: Sightings) -> None:
    """FotoWeb may leave expires_in out."""
    assert sightings.note(None, session_for("one"), 100)[1][0].expires_at is None


def test_another_user_gets_a_list_of_their_own(sightings: Sightings) -> None:
    """What one user did is not shown to the next in the same browser."""
    name, _ = sightings.note(None, session_for("one"), 100)
    bob = replace(ALICE, user_id=7)
    other, seen = sightings.note(name, session_for("two", user=bob), 101)

    assert other != name
    assert len(seen) == 1


def test_a_made_up_name_is_not_taken(sightings: Sightings) -> None:
    """A cookie can't choose its own name."""
    assert sightings.note("mine", session_for("one", user=None), 100)[0] != "mine"


def test_only_so_many_browsers_are_remembered(sightings: Sightings) -> None:
    """The longest unseen one is forgotten."""
    first, _ = sightings.note(None, session_for("one"), 100)
    for number in range(MOST_BROWSERS):
        sightings.note(None, session_for(f"token {number}"), 101)

    assert sightings.note(first, session_for("one"), 102)[0] != first


def test_other_lines_are_no_refresh(watch: RefreshWatch) -> None:
    """Only a refresh counts, and only so many are remembered."""
    record = refresh_line(5, 1)
    record.args = ("logged in session=ab12 user=1",)
    watch.emit(record)
    watch.emit(refresh_line(6.25, 2))

    assert (watch.refreshed_at(5), watch.refreshed_at(6.25), watch.refreshed_at(None)) == (None, 2, None)


def test_old_refreshes_are_forgotten(watch: RefreshWatch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory has a limit."""
    monkeypatch.setattr("fotoweb_middleware.demo.sightings.MOST_REFRESHES", 2)
    for number in (1, 2, 3):
        watch.emit(refresh_line(number, number))

    assert [watch.refreshed_at(number) for number in (1, 2, 3)] == [None, 2, 3]
