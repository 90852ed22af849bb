"""``FOTOWEB_COOKIE_SAMESITE=strict``: browsers hold the cookie back on what another site began (T-CS-15)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.attacked import APP, APP_HOST, ONE_OF_EACH_KIND, AttackedServer
from tests.attacks.browser import SESSION, Browser
from tests.attacks.oracles import Case, check_oracles
from tests.attacks.raw_client import RawReply
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.servers.serving import Kind

pytestmark = pytest.mark.parametrize("kind", ONE_OF_EACH_KIND, ids=str)

MOST_HOPS = 12


@pytest.fixture
def case(kind: Kind, fotoweb: ScriptedFotoWeb, tmp_path: Path) -> Iterator[Case]:
    """Return a case on a server of its own, with Strict session cookies."""
    with AttackedServer(kind, fotoweb.url, tmp_path) as server:
        server.begin({"FOTOWEB_COOKIE_SAMESITE": "strict"})
        opened = Case(server, fotoweb)
        yield opened
        check_oracles(opened)


def go_to(browser: Browser, target: str, dropped_hops: int = 0) -> RawReply:
    """Go to a page and wherever that leads; FotoWeb approves at once. Return the last answer.

    Args:
        browser: Who goes; its jar holds Strict cookies back while a redirect chain began at FotoWeb.
        target: The page.
        dropped_hops: How often the session cookie is lost on the first hop after the callback.
    """
    reply = browser.nav(target)
    for _ in range(MOST_HOPS):
        if reply.status in {302, 303}:
            url = reply.location
            reply = browser.come_back(browser.approve(url) if url.startswith(browser.fotoweb.url) else url)
        elif (refresh := reply.header("Refresh")) is not None:
            if dropped_hops:
                browser.jar.take(APP, f"{SESSION}=; Max-Age=0; Path=/; Secure")
                dropped_hops -= 1
            reply = browser.nav(refresh.partition("url=")[2], Sec_Fetch_Site="same-origin")
        else:
            break
    return reply


def test_strict_cookie_makes_no_loop(browser: Browser) -> None:
    """A Strict cookie is not sent with a redirect from FotoWeb; one login is enough all the same (T-CS-15)."""
    assert go_to(browser, "/deep?x=1").seen["query"] == "x=1"

    assert browser.posts == 1
    (value,) = [v for reply in browser.replies for v in reply.all("Set-Cookie") if v.startswith(f"{SESSION}=")]
    assert value.endswith("; SameSite=Strict")


def test_cookie_lost_on_the_first_hop(browser: Browser) -> None:
    """Where the cookie is lost on the first hop after the callback, a second login brings it (T-CS-15)."""
    assert go_to(browser, "/deep", dropped_hops=1).is_from_app
    assert browser.posts == 2


def test_cookie_lost_on_every_hop(browser: Browser) -> None:
    """Where it is lost each time, a page says so after at most three logins (T-CS-15)."""
    reply = go_to(browser, "/deep", dropped_hops=MOST_HOPS)

    assert (reply.status, reply.header("Refresh"), reply.header("Location")) == (400, None, None)
    assert 2 <= browser.posts <= 3
    assert browser.session_cookies == {}
    assert browser.jar.snapshot(APP_HOST).keys() <= {f"{SESSION}-attempts"}
