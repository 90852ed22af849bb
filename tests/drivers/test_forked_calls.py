"""A child calls FotoWeb, whatever calls its parent was at when it forked."""

from __future__ import annotations

import os
import sys
import threading
import time

import anyio
import pytest

from fotoweb_middleware.drivers import calling
from fotoweb_middleware.drivers.awaiting import AwaitingDriver
from fotoweb_middleware.drivers.blocking import BlockingDriver
from fotoweb_middleware.effects import HttpReply, PostForm
from fotoweb_middleware.errors import FotoWebUnreachable
from tests.drivers.first_load import (
    try_fork_in_first_load,
    try_fork_in_first_load_of_a_loop,
    try_fork_in_first_request,
)
from tests.drivers.forking import forked, insist, repeated_elsewhere, run_trial
from tests.drivers.kit import RawServer, ToyCache, awaiting_driver, blocking_driver, perform, raw_server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
SECRETS = (("client_secret", "S3CR3T"),)


def try_calls_under_way() -> None:
    """Fork while hung calls of the parent hold every place in its client."""
    calling.MAX_CONNECTIONS = 2
    driver = blocking_driver(ToyCache(), None, http_timeout=5)
    go_on = threading.Event()
    with RawServer(lambda *_: insist(go_on.wait(20))) as hung, raw_server(OK) as server:
        calls = [threading.Thread(target=call_in_vain, args=(driver, hung.url)) for _ in range(2)]
        for call in calls:
            call.start()
        while len(hung.requests) < len(calls):
            time.sleep(0.005)
        forked(lambda: insist(driver.run(perform(PostForm(server.url, SECRETS))) == HttpReply(200, None, b"{}")))
        go_on.set()
        for call in calls:
            call.join()


def call_in_vain(driver: BlockingDriver, url: str) -> None:
    """Call where nobody answers."""
    try:
        driver.run(perform(PostForm(url, SECRETS)))
    except FotoWebUnreachable:
        return
    raise AssertionError(url)


def test_calls_under_way() -> None:
    """Calls of the parent's threads take no place from those of the child."""
    run_trial(try_calls_under_way)


def try_calls_in_child_of_loop() -> None:
    """Call from an event loop, and fork once it is over and while another runs."""
    driver: AwaitingDriver = awaiting_driver(ToyCache(), None)
    with raw_server(OK) as server:

        def call() -> None:
            insist(anyio.run(driver.run, perform(PostForm(server.url, SECRETS))).status == 200)

        call()
        with repeated_elsewhere(call):
            for _ in range(5):
                forked(call)


def test_calls_of_event_loops() -> None:
    """A child calls FotoWeb from an event loop of its own, also while loops of the parent call."""
    run_trial(try_calls_in_child_of_loop)


def try_imports_of_a_call() -> None:
    """Call FotoWeb for the first time, once the driver is prepared."""
    driver = blocking_driver(ToyCache(), None)
    driver.prepare()
    with raw_server(OK) as server:
        before = set(sys.modules)
        driver.run(perform(PostForm(server.url.replace("127.0.0.1", "localhost"), SECRETS)))
        insist(set(sys.modules) == before)


def test_a_call_imports_nothing() -> None:
    """No fork can come in the middle of an import of ours: the child would never get that module."""
    run_trial(try_imports_of_a_call)


def test_fork_in_first_load() -> None:
    """A child can call FotoWeb that was forked while another thread was loading what calls need."""
    run_trial(try_fork_in_first_load)


def test_fork_in_first_load_of_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """So can a child whose parent's event loops were about to call."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    run_trial(try_fork_in_first_load_of_a_loop)


def test_fork_in_first_request() -> None:
    """A child can decide about requests that was forked while another thread was importing the gate."""
    run_trial(try_fork_in_first_request)
