"""What every case stands on: one FotoWeb and one process of each server for all cases of a worker; fresh browsers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from anyio.from_thread import BlockingPortal

from tests.attacks.attacked import AttackedServer
from tests.attacks.browser import Browser
from tests.attacks.oracles import Case, check_oracles
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.behaviour.kit import opened_portal
from tests.servers.conftest import pytest_runtest_makereport
from tests.servers.serving import Kind

__all__ = ["pytest_runtest_makereport"]

Serve = Callable[[Kind], AttackedServer]


@pytest.fixture(scope="session")
def fotoweb() -> Iterator[ScriptedFotoWeb]:
    """Return the FotoWeb of all cases; each browser has a user of its own there."""
    with ScriptedFotoWeb() as running:
        yield running


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    """Run an event loop for the ASGI middleware of sites in this process."""
    with opened_portal("asyncio") as opened:
        yield opened


@pytest.fixture(scope="session")
def serve(fotoweb: ScriptedFotoWeb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Return a function that starts a server, once for all cases of this worker."""
    running: dict[str, AttackedServer] = {}
    with contextlib.ExitStack() as stack:

        def started(kind: Kind) -> AttackedServer:
            if kind.name not in running:
                server = AttackedServer(kind, fotoweb.url, tmp_path_factory.mktemp(kind.name))
                stack.enter_context(server).begin()
                running[kind.name] = server
            return running[kind.name]

        yield started


@pytest.fixture(scope="session")
def serve_hastily(fotoweb: ScriptedFotoWeb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Return the same for servers that wait for FotoWeb for a second; for logins that must fail anyway."""
    running: dict[str, AttackedServer] = {}
    with contextlib.ExitStack() as stack:

        def started(kind: Kind) -> AttackedServer:
            if kind.name not in running:
                server = AttackedServer(kind, fotoweb.url, tmp_path_factory.mktemp(f"hasty-{kind.name}"))
                stack.enter_context(server).begin({"FOTOWEB_HTTP_TIMEOUT": "1"})
                running[kind.name] = server
            return running[kind.name]

        yield started


@pytest.fixture
def case(kind: Kind, serve: Serve, fotoweb: ScriptedFotoWeb) -> Iterator[Case]:
    """Return a case on the server that the test is about; the oracles are held against it at the end."""
    opened = Case(serve(kind), fotoweb)
    yield opened
    check_oracles(opened)


@pytest.fixture
def browser(case: Case) -> Browser:
    """Return somebody who never was there."""
    return case.browser()


@pytest.fixture
def member(browser: Browser) -> Browser:
    """Return somebody who is logged in."""
    browser.log_in()
    return browser
