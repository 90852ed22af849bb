"""``PREFIX/health``: what probes and load balancers are told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest

from tests.behaviour.kit import FETCH, AsgiAdapter, Opening, Visited, Visitor

LIVE, READY = "/oauth2/health/live", "/oauth2/health/ready"
OPEN_SECONDS = 2

OpenSite = Callable[..., Visited]


@pytest.fixture
def site(open_site: OpenSite) -> Visited:
    """Return a site that serves both."""
    return open_site(health=True)


def told(visitor: Visitor) -> dict[str, Any]:
    """Return what ``ready`` says, whatever its status."""
    content: dict[str, Any] = json.loads(visitor.get(READY).body)
    return content


@pytest.mark.parametrize("path", [LIVE, READY])
def test_off_by_default(open_site: OpenSite, path: str) -> None:
    """Without ``FOTOWEB_HEALTH`` both are unknown pages, as any other below the prefix."""
    visitor = open_site().visitor()
    assert (visitor.get(path).status, visitor.get("/oauth2/nothing").status) == (404, 404)


def test_live(site: Visited, visitor: Visitor) -> None:
    """``live`` is 200 for anybody, asks neither store nor app, also while the store is down."""
    site.store.begin_again().is_down = True
    reply = visitor.get(LIVE)

    assert (reply.status, json.loads(reply.body), site.store.calls, site.app.calls) == (200, {"live": True}, [], 0)


@pytest.mark.parametrize("path", [LIVE, READY])
def test_headers(visitor: Visitor, path: str) -> None:
    """Both are JSON that nobody may keep, and set no cookie."""
    reply = visitor.get(path)

    assert (reply.header("Content-Type"), reply.header("Cache-Control")) == ("application/json", "no-store")
    assert reply.all("Set-Cookie") == []


@pytest.mark.parametrize("path", [LIVE, READY])
def test_methods(visitor: Visitor, path: str) -> None:
    """HEAD answers without a body; other methods get 405."""
    assert (visitor.send("HEAD", path).status, visitor.send("HEAD", path).body) == (200, b"")
    assert visitor.send("POST", path, FETCH).status == 405


def test_nothing_else_below_health(visitor: Visitor) -> None:
    """Other paths below ``PREFIX/health`` are unknown pages."""
    assert [visitor.get(path).status for path in ("/oauth2/health", f"{LIVE}/", f"{READY}/x")] == [404] * 3


def test_below_a_mount(open_site: OpenSite) -> None:
    """Both are relative to the app's mount."""
    visitor = open_site(health=True, _mount="/sub").visitor()

    assert [visitor.get(f"/sub{path}").status for path in (LIVE, READY)] == [200, 200]


def test_ready(site: Visited, visitor: Visitor) -> None:
    """``ready`` tells all that there is, and asks the store one question."""
    site.store.begin_again()

    assert told(visitor) == {
        "ready": True,
        "store": {"reachable": True, "failing": []},
        "fotoweb": {"last_answer_seconds_ago": None, "circuit": "closed"},
    }
    assert site.store.calls == ["load"]


def test_store_down(site: Visited, visitor: Visitor) -> None:
    """A store that is down makes the app unready in reference mode alone; ready again when it is back."""
    site.store.is_down = True
    reply = visitor.get(READY)
    site.store.is_down = False

    is_sealed = site.settings.cookie_mode == "sealed"
    content = json.loads(reply.body)
    assert (reply.status, content["ready"]) == ((200, True) if is_sealed else (503, False))
    assert content["store"] == {"reachable": False, "failing": ["load"]}
    assert (visitor.get(READY).status, told(visitor)["store"]) == (200, {"reachable": True, "failing": []})


def test_store_that_takes_no_writes(site: Visited, visitor: Visitor) -> None:
    """A store that can be read and not written to, such as a full Redis, is told of; the app stays ready."""
    site.store.before("use_once", lambda: setattr(site.store, "is_down", True))
    visitor.visit(visitor.approve(visitor.visit("/").location))
    site.store.is_down = False

    content = told(visitor)
    assert (content["ready"], content["store"]["reachable"]) == (True, True)
    assert "use_once" in content["store"]["failing"]


def test_last_answer(site: Visited, member: Visitor) -> None:
    """It tells how many seconds ago FotoWeb answered, with a session and without one."""
    site.clock.advance(30)

    assert [told(who)["fotoweb"]["last_answer_seconds_ago"] for who in (member, site.visitor())] == [30, 30]


def test_circuit(site: Visited, visitor: Visitor) -> None:
    """After five calls that FotoWeb did not answer the circuit is open, later half-open; the app stays ready."""
    callbacks = [visitor.approve(visitor.visit("/").location) for _ in range(5)]
    site.fake.switch(reachable=False)
    for callback in callbacks:
        visitor.visit(callback)
    while_open = told(visitor)
    site.clock.advance(OPEN_SECONDS)

    assert (while_open["ready"], while_open["fotoweb"]["circuit"]) == (True, "open")
    assert told(visitor)["fotoweb"]["circuit"] == "half-open"


def test_store_is_asked_in_a_thread(site: Visited, visitor: Visitor, portal: anyio.from_thread.BlockingPortal) -> None:
    """The store is never asked on the event loop."""
    threads: list[threading.Thread] = []
    site.store.before("load", lambda: threads.append(threading.current_thread()))
    visitor.get(READY)

    assert (len(threads), portal.call(threading.current_thread) in threads) == (1, False)


def test_probes_at_the_same_time_share_a_question(portal: anyio.from_thread.BlockingPortal) -> None:
    """Under ASGI anybody's probes hold one thread of those that ask the store, however many come at once."""
    site = Opening("asgi", portal, "sealed", changes={"health": True}).open()
    adapter, asked = site.adapter, threading.Event()
    assert isinstance(adapter, AsgiAdapter)
    site.store.begin_again().before("load", lambda: asked.wait(20))

    async def probe_many() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(adapter._request, "GET", READY, list(FETCH.items()), b"")
            tasks.start_soon(anyio.to_thread.run_sync, asked.set)

    portal.call(probe_many)

    assert site.store.calls == ["load"]
