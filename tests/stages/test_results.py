"""What counts as the result of a refresh for requests that wait for one (stage 3)."""

from __future__ import annotations

import dataclasses

import pytest

from fotoweb_middleware.site import Site
from fotoweb_middleware.stages.refresh import known_result
from fotoweb_middleware.stages.renewal import REFRESH_STEP, Usable, has_newer_tokens
from tests.site.samples import NOW, a_record
from tests.stages.turned import Clocks, a_turned_site


@pytest.fixture
def site() -> Site:
    """Return a site that shares its cache with others."""
    return a_turned_site(Clocks(), shared_cache=True)


@pytest.mark.parametrize(
    ("version", "received_at", "expires_at", "is_known"),
    [
        (1 + REFRESH_STEP, NOW - 3, NOW - 3, True),
        (1 + REFRESH_STEP, NOW - 3, NOW - 1, True),
        (1 + REFRESH_STEP, NOW - 3.1, NOW - 1, False),
        (1 + REFRESH_STEP, NOW - 3.1, NOW, False),
        (1 + REFRESH_STEP, NOW - 3.1, NOW + 0.01, True),
        (1 + REFRESH_STEP, NOW + 30, NOW + 30, True),
        (REFRESH_STEP - 40, NOW - 3, NOW - 1, True),
    ],
)
def test_known_renewal(site: Site, version: int, received_at: float, expires_at: float, is_known: bool) -> None:
    """Newer tokens count if they are valid, or came while the request waited for them: three seconds."""
    before = site.near.adopt(a_record(received_at=NOW - 7200, expires_at=NOW - 3600)).record
    newest = site.near.adopt(a_record(version=version, received_at=received_at, expires_at=expires_at))

    assert known_result(site, before, NOW - 3) == (Usable(newest, was_renewed=True) if is_known else None)


def test_token_that_is_valid_again(site: Site) -> None:
    """A token that a clock called expired, and calls valid now, is used: nobody need renew it."""
    held = site.near.adopt(a_record())

    assert known_result(site, held.record, NOW) == Usable(held, was_renewed=True)


@pytest.mark.parametrize("version", [2, REFRESH_STEP, 3 * REFRESH_STEP])
def test_note_is_no_renewal(site: Site, version: int) -> None:
    """A note that the session was used brings no token, however many there were."""
    before = site.near.adopt(a_record(received_at=NOW - 7200, expires_at=NOW - 3600)).record
    site.near.adopt(dataclasses.replace(before, version=version))

    assert known_result(site, before, NOW) is None


@pytest.mark.parametrize(("version", "is_newer"), [(4, False), (5, False), (6, True)])
def test_only_a_higher_version_brings_newer_tokens(version: int, is_newer: bool) -> None:
    """Other tokens of the same version, or of one that an old backup brought back, are none to go on with."""
    assert has_newer_tokens(a_record(version=version, access_token="other"), a_record(version=5)) is is_newer
