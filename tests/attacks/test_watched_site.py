"""The oracles see what goes wrong in this process too: each kind of fault is planted here once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import anyio.from_thread
import pytest

from tests.attacks.in_process import open_site
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.attacks.watched_site import WatchedSite, watched_case
from tests.behaviour.kit import Visitor

pytestmark = pytest.mark.parametrize("adapter", ["asgi", "wsgi"])

Fault = Callable[[WatchedSite, Visitor], Any]


def nothing(_site: WatchedSite, member: Visitor) -> None:
    """Do what is right."""
    assert member.get("/").status == 200


def call_without_session(site: WatchedSite, _member: Visitor) -> None:
    """Call the app where the case names no open path."""
    assert site.visitor("nobody").get("/open").status == 200


def show_anothers_token(site: WatchedSite, member: Visitor) -> None:
    """Hand one person's cookies to another."""
    other = site.visitor("u0")
    other.jar.cookies = dict(member.jar.cookies)
    other.get("/")


def say_it_in_the_log(site: WatchedSite, member: Visitor) -> None:
    """Log a token, as a library might at DEBUG."""
    logging.getLogger("some.library").debug("sent %s", member.get("/").seen["token"])


def print_a_traceback(_site: WatchedSite, _member: Visitor) -> None:
    """Log an error that nobody was ready for."""
    try:
        {"there": 1}["missing"]
    except LookupError:
        logging.getLogger("fotoweb_middleware").exception("failed")


def set_a_bad_cookie(site: WatchedSite, member: Visitor) -> None:
    """Set a cookie of ours that scripts may read."""
    site.app.headers = [("Set-Cookie", "__Host-fotoweb=x; Max-Age=9; Path=/; HttpOnly; Secure")]
    member.get("/")


def send_a_refresh_token_again(_site: WatchedSite, member: Visitor) -> None:
    """Have FotoWeb note what no client may do."""
    member.site.fake.violations.append("posted again")  # type: ignore[attr-defined]  # It is the scripted one.


def run(adapter: str, portal: anyio.from_thread.BlockingPortal, fotoweb: ScriptedFotoWeb, fault: Fault) -> None:
    """Log somebody in, and let something go wrong."""
    with watched_case(fotoweb) as case:
        site = open_site(adapter, portal, fotoweb, case=case, public_paths=("/open",))
        member = site.visitor(fotoweb.new_user())
        member.log_in()
        fault(site, member)
        site.close()


def test_nothing_wrong(adapter: str, portal: anyio.from_thread.BlockingPortal, fotoweb: ScriptedFotoWeb) -> None:
    """Where nothing is wrong nothing is found."""
    run(adapter, portal, fotoweb, nothing)


@pytest.mark.parametrize(
    ("fault", "oracle"),
    [
        (print_a_traceback, "I1"),
        (show_anothers_token, "I2"),
        (call_without_session, "I3"),
        (send_a_refresh_token_again, "I4"),
        (say_it_in_the_log, "I6"),
        (set_a_bad_cookie, "fotoweb' has the attributes"),
    ],
)
def test_fault_is_found(
    adapter: str, portal: anyio.from_thread.BlockingPortal, fotoweb: ScriptedFotoWeb, fault: Fault, oracle: str
) -> None:
    """What an oracle is about is found, and named."""
    with pytest.raises(AssertionError, match=oracle):
        run(adapter, portal, fotoweb, fault)
