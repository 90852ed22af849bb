"""What ``fotoweb_simulator = true`` in pytest's ini file turns on: a simulator, and fixtures for it.

The simulator listens on a loopback port of the test process, and ``FOTOWEB_*`` point to it, from before the first
``conftest.py`` is imported until the end of the session. So apps are tested unchanged, even if they wrap themselves at
import. A replacement for ``Context`` finds the clocks and sessions that must be reset between tests.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import pytest

from fotoweb_middleware import asgi, tickets, wsgi
from fotoweb_middleware.context import Context
from fotoweb_middleware.fotoweb.http import MAX_CALLS_AT_ONCE
from fotoweb_middleware.stores import MemoryStore
from fotoweb_middleware.testing.sign_in import LOGIN_URL, SignIn, sign_in_with
from fotoweb_middleware.testing.simulated_fotoweb import SimulatedFotoWeb

__all__ = ["fotoweb", "sign_in", "start"]

R = TypeVar("R")

PLUGIN_NAME = "fotoweb_simulator"
LAST_REFRESH_SECONDS = 5.0
STORED_SESSIONS = 10_000
SYSTEM_CLOCK, SYSTEM_MONOTONIC = time.time, time.monotonic


class Pool(ThreadPoolExecutor):
    """Where the middlewares' calls to FotoWeb run, so that a test begins when those of the last one are over."""

    def __init__(self) -> None:
        super().__init__(MAX_CALLS_AT_ONCE, thread_name_prefix="fotoweb")
        self.running: set[Future[Any]] = set()

    def submit(self, work: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Run it in a thread, and remember it until it is over."""
        future = super().submit(work, *args, **kwargs)
        self.running.add(future)
        future.add_done_callback(self.running.discard)
        return future


class SimulatorPlugin:
    """Lets ``FOTOWEB_*`` name a simulator, and lets each test begin with nothing."""

    def __init__(self) -> None:
        self.fotoweb = SimulatedFotoWeb()
        self.patch = pytest.MonkeyPatch()
        self._pool = Pool()
        self._contexts: weakref.WeakValueDictionary[int, Context] = weakref.WeakValueDictionary()
        self._test_number = 0
        self._store = MemoryStore(STORED_SESSIONS, self.fotoweb.clock.monotonic)
        self._serving = self.fotoweb.serve()

    def start(self) -> None:
        """Listen, and take the environment over."""
        fotoweb = self.fotoweb
        fotoweb.url = self._serving.start()
        for name in [name for name in os.environ if name.startswith("FOTOWEB_")]:
            self.patch.delenv(name)
        self.patch.setenv("FOTOWEB_URL", fotoweb.url)
        self.patch.setenv("FOTOWEB_CLIENT_ID", fotoweb.client.client_id)
        self.patch.setenv("FOTOWEB_CLIENT_SECRET", fotoweb.client.client_secret)
        self.patch.setenv("FOTOWEB_SECRET_KEY", secrets.token_urlsafe(32))
        for module in (asgi, wsgi, tickets):
            self.patch.setattr(module, "Context", self._open_context)

    def stop(self) -> None:
        """Give everything back."""
        self.patch.undo()
        self._pool.shutdown()
        self._serving.stop()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Begin with nothing, before the fixtures of the test are set up."""
        wait(self._pool.running.copy(), LAST_REFRESH_SECONDS)  # Nobody waits for a refresh that WSGI began at the end.
        self.fotoweb.clock.reset()
        self.fotoweb.reset()
        self._test_number += 1
        for context in list(self._contexts.values()):
            self._begin_test(context)

    def _open_context(self, settings: Any, *callbacks: Any, **arguments: Any) -> Context:
        """Stand in for ``Context``, which both middlewares make as they are made, and jobs when they open a ticket."""
        clock = self.fotoweb.clock
        if arguments.get("clock", SYSTEM_CLOCK) is SYSTEM_CLOCK:
            arguments["clock"] = clock
        if arguments.get("monotonic", SYSTEM_MONOTONIC) is SYSTEM_MONOTONIC:
            arguments["monotonic"] = clock.monotonic
        if arguments.get("store") is None:  # Whatever FOTOWEB_CACHE, or the app's code, says; shared with jobs.
            arguments["store"] = self._store
        arguments["executor"] = arguments.get("executor") or self._pool
        # Test clients say http://testserver and the like, and some keep a Secure cookie to themselves there. This
        # changes the app's own Settings object, for good: who looks at it in a test sees "false".
        object.__setattr__(settings, "cookie_secure", "false")
        context = Context(settings, *callbacks, **arguments)
        self._begin_test(context)
        self._contexts[id(context)] = context
        return context

    def _begin_test(self, context: Context) -> None:
        """Let a middleware forget whom it knows, and read no cookie of an earlier test.

        What is left in its store can't be reached without such a cookie.
        """
        settings = context.settings
        context.session_cache.clear()
        binding = f"{settings.url}\n{settings.client_id}\n{settings.cookie_name}\ntest {self._test_number}"
        context.sealer.binding = binding
        context.client.breaker.note(None)  # FotoWeb is there again.


def start(config: pytest.Config) -> None:
    """Run the simulator until the end of the session."""
    plugin = SimulatorPlugin()
    config.add_cleanup(plugin.stop)
    plugin.start()
    config.pluginmanager.register(plugin, PLUGIN_NAME)
    config.pluginmanager.register(sys.modules[__name__], f"{PLUGIN_NAME}_fixtures")


def plugin_of(config: pytest.Config) -> SimulatorPlugin:
    """Return what ``start`` registered."""
    plugin: SimulatorPlugin = config.pluginmanager.getplugin(PLUGIN_NAME)
    return plugin


@pytest.fixture
def fotoweb(pytestconfig: pytest.Config) -> SimulatedFotoWeb:
    """The simulator of FotoWeb: ``clock.advance(seconds)``, ``fault``, ``switch``, ``users``."""
    return plugin_of(pytestconfig).fotoweb


@pytest.fixture
def sign_in(pytestconfig: pytest.Config) -> SignIn:
    """Sign a user in: ``sign_in(client)``, ``sign_in(client, "bob")``; awaited for async clients."""
    plugin = plugin_of(pytestconfig)

    def sign_in(client: Any, user: str = "alice", *, login_url: str = LOGIN_URL) -> Any:
        return sign_in_with(client, plugin.fotoweb, user, login_url, plugin.patch)

    return sign_in
