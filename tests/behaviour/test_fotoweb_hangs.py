"""A FotoWeb that hangs or is gone: few wait for it, nobody loses a session to it, and it is left alone for a while."""

from __future__ import annotations

import dataclasses
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import anyio.from_thread
import httpx
import pytest

from fotoweb_middleware import FotoWebWSGIMiddleware, refresh
from fotoweb_middleware.fotoweb import http
from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb, Fault
from fotoweb_middleware.wsgi import MAX_SLOW_WAITERS
from tests.behaviour.kit import CALLBACK, FETCH, AsgiAdapter, Opening, Reply, Visited, Visitor

LIFETIME, STALE, EXPIRED = 300, 250, 301
AT_ONCE = 10
PATIENCE_SECONDS = 20.0
"""How long a test waits for what must come."""


@dataclasses.dataclass
class Hanging:
    """A site whose FotoWeb hangs from ``begin`` to ``end``."""

    site: Visited
    over: threading.Event = dataclasses.field(default_factory=threading.Event)

    def begin(self) -> None:
        """Let the token endpoint hang."""
        self.site.fake.fault("token", Fault.slow(0.01), times=1)

    def end(self) -> None:
        """Let it answer, and wait until the refresh that asked has its result."""
        refreshes = list(self.site.middleware._handler.refresher._in_flight.values())
        self.over.set()
        for future in refreshes:
            future.result(PATIENCE_SECONDS)


@pytest.fixture
def hanging(
    adapter: str, mode: str, portal: anyio.from_thread.BlockingPortal, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Hanging]]:
    """Return a function that opens such a site; requests wait as long as the test says, calls much longer."""
    opened: list[Hanging] = []
    monkeypatch.setattr(http, "FREE_WAIT_SECONDS", 0.0)

    def open_with(http_timeout: float) -> Hanging:
        monkeypatch.setattr(refresh, "CALL_TIMEOUTS", 2 * PATIENCE_SECONDS / http_timeout)
        over, clock = threading.Event(), FakeClock()
        fake = FakeFotoWeb(
            clients=[Client(redirect_uris=(CALLBACK,))], clock=clock, pause=lambda _: over.wait(PATIENCE_SECONDS)
        )
        fake.switch(access_token_lifetime_seconds=LIFETIME, refresh_reuse_revokes=True)
        site = Opening(adapter, portal, mode, {"http_timeout": http_timeout}, fake=fake, clock=clock).open()
        if adapter == "wsgi":  # With threads of its own for calls, as outside of tests.
            site.middleware = FotoWebWSGIMiddleware(
                site.app.serve_wsgi,
                site.settings,
                store=site.store,
                transport=fake.transport(),
                clock=site.wall,
                monotonic=clock,
            )
            site.adapter = dataclasses.replace(site.adapter, app=site.middleware)  # type: ignore[type-var]
        opened.append(Hanging(site, over))
        return opened[-1]

    yield open_with
    for each in opened:
        each.end()
        each.site.close()


def signed_in(site: Visited) -> Visitor:
    """Return somebody who is signed in, and known."""
    visitor = site.visitor()
    visitor.log_in()
    visitor.jar.forget_logins()
    assert visitor.get("/").status == 200
    return visitor


def test_answer_that_nobody_waited_for(hanging: Callable[..., Hanging]) -> None:
    """All who waited got their 503, then FotoWeb answers: its new tokens are used, and nobody is signed out."""
    trouble = hanging(http_timeout=0.3)
    site = trouble.site
    member = signed_in(site)
    token = member.get("/").seen["token"]
    site.clock.advance(EXPIRED)
    trouble.begin()

    replies = [member.get("/") for _ in range(2)]
    trouble.end()

    assert [(reply.status, reply.header("Retry-After")) for reply in replies] == [(503, "1")] * 2
    seen = member.get("/").seen
    assert (seen["token"] != token, seen["user"], site.refreshes) == (True, "alice", 1)


def test_most_threads_that_wait(hanging: Callable[..., Hanging]) -> None:
    """A server's threads are few: a handful of requests waits, all others are told at once to come again.

    Under ASGI who waits holds no thread, so all may.
    """
    trouble = hanging(http_timeout=PATIENCE_SECONDS)
    site = trouble.site
    member = signed_in(site)
    site.clock.advance(EXPIRED - 1)
    other = signed_in(site)
    site.clock.advance(1)
    trouble.begin()
    headers, replies = [*FETCH.items(), *member.jar.header("/")], queue.SimpleQueue[Reply]()
    threads = [
        threading.Thread(target=lambda: replies.put(site.adapter.request("GET", "/", headers))) for _ in range(AT_ONCE)
    ]
    for thread in threads:
        thread.start()

    waiting = AT_ONCE if isinstance(site.adapter, AsgiAdapter) else MAX_SLOW_WAITERS
    at_once = [replies.get(timeout=PATIENCE_SECONDS).status for _ in range(AT_ONCE - waiting)]
    others = [other.get("/").status for _ in range(3)]
    still_waiting = replies.empty()
    trouble.end()
    late = [replies.get(timeout=PATIENCE_SECONDS).status for _ in range(waiting)]
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert (at_once, others, still_waiting) == ([503] * (AT_ONCE - waiting), [200] * 3, True)
    assert (late, site.refreshes) == ([200] * waiting, 1)


def test_stale_token_waits_for_nothing(hanging: Callable[..., Hanging]) -> None:
    """With a token that is still valid nobody notices: the answer is whole before FotoWeb has said anything."""
    trouble = hanging(http_timeout=PATIENCE_SECONDS)
    site = trouble.site
    member = signed_in(site)
    site.clock.advance(STALE)
    trouble.begin()
    headers = [*FETCH.items(), *member.jar.header("/")]

    answered = [ask(site, headers) for _ in range(3)]
    is_hanging = not trouble.over.is_set()
    trouble.end()
    for finish in answered:
        finish()

    assert (is_hanging, site.app.calls) == (True, 4)
    assert (member.get("/").seen["user"], site.refreshes) == ("alice", 1)


def ask(site: Visited, headers: list[tuple[str, str]]) -> Callable[[], Any]:
    """Send a request and return once its answer is whole: with what waits for all that follows it."""
    adapter: Any = site.adapter
    if not isinstance(adapter, AsgiAdapter):
        assert adapter.request("GET", "/", headers).status == 200
        return lambda: None
    is_whole, statuses = threading.Event(), []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        elif not message.get("more_body", False):
            is_whole.set()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    serving = adapter.portal.start_task_soon(site.middleware, adapter.scope("http", "GET", "/", headers), receive, send)
    assert is_whole.wait(PATIENCE_SECONDS)
    assert statuses == [200]
    return lambda: serving.result(PATIENCE_SECONDS)


# ---------------------------------------------------------------------------------------------------- circuit breaker


class CountingFotoWeb(FakeFotoWeb):
    """A FotoWeb that counts tries to call its token endpoint."""

    calls = 0

    def transport(self) -> Any:
        """Return the transport."""
        inner = super().transport()

        def handle(request: httpx.Request) -> httpx.Response:
            self.calls += 1
            return inner.handle_request(request)

        return httpx.MockTransport(handle)


@pytest.fixture
def breaking(adapter: str, mode: str, portal: anyio.from_thread.BlockingPortal) -> tuple[Visited, list[Visitor]]:
    """Return a site with people whose tokens have all expired."""
    clock = FakeClock()
    fake = CountingFotoWeb(clients=[Client(redirect_uris=(CALLBACK,))], clock=clock, pause=lambda _: None)
    fake.switch(access_token_lifetime_seconds=LIFETIME)
    site = Opening(adapter, portal, mode, fake=fake, clock=clock).open()
    visitors = [site.visitor() for _ in range(12)]
    for visitor in visitors:
        visitor.log_in()
    clock.advance(EXPIRED)
    fake.calls = 0
    return site, visitors


def test_calls_fail_at_once_for_a_while(breaking: tuple[Visited, list[Visitor]]) -> None:
    """After five calls in a row without an answer none is tried for two seconds; then one tries again."""
    site, visitors = breaking
    fake: Any = site.fake
    fake.switch(reachable=False)

    def calls_of(count: int) -> int:
        before = fake.calls
        replies = [visitors.pop().get("/") for _ in range(count)]
        assert {(reply.status, int(reply.header("Retry-After") or 0) >= 1) for reply in replies} == {(503, True)}
        return int(fake.calls - before)

    assert (calls_of(5), calls_of(2)) == (5, 0)
    site.clock.advance(1.9)
    assert calls_of(1) == 0
    site.clock.advance(0.2)
    assert (calls_of(1), calls_of(1)) == (1, 0)
    fake.switch(reachable=True)
    site.clock.advance(2.1)
    assert {visitor.get("/").status for visitor in visitors} == {200}


def test_answers_of_any_kind_are_answers(breaking: tuple[Visited, list[Visitor]]) -> None:
    """A FotoWeb that answers, with whatever, is asked for each session."""
    site, visitors = breaking
    fake: Any = site.fake
    fake.fault("token", Fault.bad_gateway())

    assert {visitor.get("/").status for visitor in visitors} == {503}
    assert fake.calls == len(visitors)


def test_an_answer_closes_the_breaker(breaking: tuple[Visited, list[Visitor]]) -> None:
    """Four calls without an answer, one with: from there it counts again."""
    site, visitors = breaking
    fake: Any = site.fake
    for _ in range(2):
        fake.switch(reachable=False)
        assert [visitors.pop().get("/").status for _ in range(4)] == [503] * 4
        fake.switch(reachable=True)
        assert visitors.pop().get("/").status == 200
