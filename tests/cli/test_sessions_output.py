"""``fotoweb-middleware sessions``: what it prints, and that what it does does not depend on who reads that."""

from __future__ import annotations

import pytest

from fotoweb_middleware.cli import sessions
from fotoweb_middleware.testing import User
from tests.behaviour.kit import Visited
from tests.cli.samples import run
from tests.cli.test_sessions import OpenSite, names, open_app, signed_in, site

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


def test_name_that_imitates_the_columns(open_app: OpenSite) -> None:
    """A user name with gaps is quoted, in the list and in what ``revoke`` says."""
    site = open_app()
    site.fake.add_user(User(user_name="alice  Root", user_id=7, full_name="Root  of all"))
    signed_in(site, "alice  Root")

    assert run("sessions", "list").stdout.splitlines()[1].endswith("Z  'alice  Root'  'Root  of all'")
    assert "of 'alice  Root', signed in since" in run("sessions", "revoke-all", "--yes").stdout


def test_wrong_proxy(site: Visited, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that holds no proxy's address is told in words, not in a traceback."""
    signed_in(site)
    monkeypatch.setenv("HTTP_PROXY", "ftp://u:planted@p.example")
    done = run("sessions", "list")

    assert (done.exit_code, "planted" in done.output) == (1, False)
    assert done.stderr.startswith("bad   HTTP_PROXY is not the address of an HTTP proxy.\n      To do: ")
