"""``fotoweb-middleware sessions``: what it does does not depend on who reads what it says."""

from __future__ import annotations

import pytest

from fotoweb_middleware.cli import sessions
from tests.behaviour.kit import Visited
from tests.cli.samples import run
from tests.cli.test_sessions import names, open_app, signed_in, site

__all__ = ["open_app", "site"]


def test_nobody_reads_what_it_says(site: Visited, monkeypatch: pytest.MonkeyPatch) -> None:
    """All sessions are ended even if the output's reader is gone, as after ``| head -1``."""
    for user_name in ("alice", "bob"):
        signed_in(site, user_name)

    def fail(_text: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(sessions, "write", fail)
    with pytest.raises(BrokenPipeError):
        run("sessions", "revoke-all", "--yes")
    assert names() == []
