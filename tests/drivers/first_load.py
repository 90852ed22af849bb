"""Trials for ``test_forked_calls``; they must not import httpx or the gate, as the kit does."""

from __future__ import annotations

import os
import sys
import threading
import time

from fotoweb_middleware import Settings
from fotoweb_middleware.caches import forks
from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.drivers.blocking import BlockingDriver
from fotoweb_middleware.drivers.calling import ClientOptions
from fotoweb_middleware.drivers.later import LaterGate
from fotoweb_middleware.site import open_site
from tests.drivers.forking import forked, insist


def a_settings() -> Settings:
    """Return settings of no matter."""
    key = "V3ryR4nd0mK3y-9f8e7d6c5b4a3928-1706"
    return Settings(url="https://f.example", client_id="c", client_secret="s3cr3t" * 4, secret_key=key)


class Halt:
    """Stands before all importers, and halts the import of one module until somebody is about to fork.

    Args:
        name: The module.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_there, self._goes_on = threading.Event(), threading.Event()
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, *_: object) -> None:
        """See ``importlib.abc.MetaPathFinder``."""
        if name == self._name and not self._goes_on.is_set():
            self._is_there.set()
            insist(self._goes_on.wait(20))
            time.sleep(0.1)  # Until it has begun to fork; a fork waits for the import, so it can't be waited for.

    def let_fork(self) -> None:
        """Return when the import is in the middle, and let it go on at the moment of the fork."""
        insist(self._is_there.wait(20))
        self._goes_on.set()


def try_fork_in_first_load() -> None:
    """Fork while another thread loads httpx for the first time; the child loads and uses it too."""
    driver = BlockingDriver(a_settings(), MemoryCache(10))
    insist("httpx" not in sys.modules, not driver.is_prepared)
    halt = Halt("httpx._client")
    forks.PATIENCE_SECONDS = 30  # A machine that stands still must not make the fork give up its wait.
    loading = threading.Thread(target=driver.prepare)
    loading.start()
    halt.let_fork()

    forked(lambda: insist(driver._ready_client() is not None, driver.is_prepared))

    loading.join()
    insist(driver.is_prepared)


def try_fork_in_first_load_of_a_loop() -> None:
    """Fork while another thread loads what event loops call with; the child loads it too; neither loads httpx."""
    options = ClientOptions(a_settings(), None, may_do_without_httpx=True)
    insist("httpcore" not in sys.modules, not options.are_loaded)
    halt = Halt("httpcore._models")
    forks.PATIENCE_SECONDS = 30  # As above.
    loading = threading.Thread(target=options.load)
    loading.start()
    halt.let_fork()

    forked(lambda: insist(not options.load().for_httpx, "httpcore._models" in sys.modules, "httpx" not in sys.modules))

    loading.join()
    insist(options.are_loaded)


def try_fork_in_first_request() -> None:
    """Fork while another thread imports the gate for its first request; the child imports and uses it too."""
    site = open_site(a_settings(), clock=time.time, monotonic=time.monotonic, entropy=os.urandom, shared_cache=False)
    gate = LaterGate(site)
    insist("fotoweb_middleware.pages.layout" not in sys.modules)
    halt = Halt("fotoweb_middleware.pages.layout")
    forks.PATIENCE_SECONDS = 30  # As above.
    loading = threading.Thread(target=gate.load)
    loading.start()
    halt.let_fork()

    forked(lambda: insist(gate.load().site is gate.site))

    loading.join()
