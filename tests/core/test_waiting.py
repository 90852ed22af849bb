"""Who may wait for FotoWeb in a server's thread, and for how long (``FotoWebClient.wait``)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future

import httpx
import pytest

from fotoweb_middleware.fotoweb import http
from fotoweb_middleware.fotoweb.http import FotoWebClient
from tests.core.samples import NOW, a_record, a_settings

SOON = 5.0
"""Nobody waits for so long where all is well."""


@pytest.fixture
def may_answer() -> Iterator[threading.Event]:
    """Return what lets FotoWeb answer; until then it is silent."""
    event = threading.Event()
    yield event
    event.set()


def a_client(may_answer: threading.Event, *, slots: int) -> FotoWebClient:
    """Return a client of a FotoWeb that is silent until it may answer."""

    def answer(_: httpx.Request) -> httpx.Response:
        may_answer.wait(20)
        return httpx.Response(200, content=b"{}")

    return FotoWebClient(
        a_settings(http_timeout=0.1),
        clock=lambda: NOW,
        monotonic=lambda: NOW,
        transport=httpx.MockTransport(answer),
        max_slow_waiters=slots,
    )


def call(client: FotoWebClient) -> Future[int]:
    """Call FotoWeb in a thread of its own."""
    return client.submit(
        lambda: client.get_document("/x", accept="*/*", tokens=a_record().tokens, timeout_seconds=20).status
    )


def test_result_that_is_there(may_answer: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done is handed out, however slow FotoWeb is, and whoever waits."""
    monkeypatch.setattr(http, "FREE_WAIT_SECONDS", 0.0)
    client, done = a_client(may_answer, slots=1), Future[int]()
    done.set_result(7)
    call(client)
    client._slow_waiters.acquire()

    assert client.wait(done) == 7


def test_anybody_may_wait_for_a_moment(may_answer: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where FotoWeb is not slow, a wait of a moment needs no slot."""
    monkeypatch.setattr(http, "FREE_WAIT_SECONDS", SOON)
    client, soon = a_client(may_answer, slots=1), Future[int]()
    client._slow_waiters.acquire()
    client._settings = a_settings(http_timeout=SOON)
    threading.Timer(0.05, soon.set_result, [7]).start()

    assert client.wait(soon) == 7


def test_nobody_waits_for_a_slow_fotoweb_without_a_slot(
    may_answer: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a call is unanswered, those for whom there is no slot get their 503 at once."""
    monkeypatch.setattr(http, "FREE_WAIT_SECONDS", 0.0)
    client = a_client(may_answer, slots=1)
    running = call(client)
    while not client._is_slow():
        pass
    client._slow_waiters.acquire()

    assert client.wait(running) is None
    may_answer.set()
    assert running.result(SOON) == 200
    assert not client._is_slow()


def test_slow_fotoweb_has_the_whole_time(may_answer: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has a slot waits as long as ``FOTOWEB_HTTP_TIMEOUT`` says, though nobody waits a moment for free then."""
    monkeypatch.setattr(http, "FREE_WAIT_SECONDS", SOON)
    client, soon = a_client(may_answer, slots=1), Future[int]()
    client._settings = a_settings(http_timeout=SOON)
    monkeypatch.setattr(client, "_is_slow", lambda: True)
    threading.Timer(0.05, soon.set_result, [7]).start()

    assert client.wait(soon) == 7
