"""Any store, watched: what it raises becomes ``StoreUnavailable``, and the log is told when trouble begins and ends."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from fotoweb_middleware import telemetry
from fotoweb_middleware.errors import LockUnanswered, StoreUnavailable
from fotoweb_middleware.events import EventEmitter, EventName
from fotoweb_middleware.stores import forks
from fotoweb_middleware.stores.base import Store, StoreLock

P = ParamSpec("P")
R = TypeVar("R")

MAX_UNANSWERED = 1000
"""Of more locks than this the oldest are forgotten; they end by themselves."""


class MonitoredStore:
    """Stands before a store.

    However many calls fail, the log has one line when trouble begins and one when it is over: when something works
    again that had failed. (That a full Redis can be read does not mean that it can be written to.) A store of
    somebody's own may raise what its database does, though it ought not to: that counts as out of reach, and its author
    finds the traceback in the log.

    A lock that was asked for in vain, and may be granted late, is released once something works again that had failed.

    Attributes:
        name: The store's class.
        path: Its file, where it is one.
        shared: Whether other processes see the same entries.
    """

    def __init__(self, store: Store, monotonic: Callable[[], float], events: EventEmitter | None = None) -> None:
        self._events = events or EventEmitter()
        self._store = store
        self.name = type(store).__name__
        self.path: object = getattr(store, "path", None)
        self._system = self.name.removesuffix("Store").lower()
        self._monotonic = monotonic
        self._failed_at = -math.inf
        self.shared = store.shared
        self.load = self._watch("load", store.load)
        self.save = self._watch("save", store.save)
        self.revoke = self._watch("revoke", store.revoke)
        self.acquire_lock = self._watch("acquire_lock", store.acquire_lock)
        self.release_lock = self._watch("release_lock", store.release_lock)
        self.use_once = self._watch("use_once", store.use_once)
        self.keys = self._watch("keys", store.keys)
        self.close = store.close
        self.after_fork_in_child()
        forks.register(self)

    def after_fork_in_child(self) -> None:
        """Begin with nothing told, and with a lock that nobody holds."""
        self._lock = threading.Lock()
        self._failing: set[str] = set()
        self._began_at = 0.0
        self._unanswered: deque[StoreLock] = deque(maxlen=MAX_UNANSWERED)

    @property
    def has_pushed_out(self) -> bool:
        """Whether it is a memory that was full, so that entries were lost before their time."""
        return bool(getattr(self._store, "has_pushed_out", False))

    @property
    def failing(self) -> list[str]:
        """The calls, by name, that failed when they were last tried, as long as none of them has worked again."""
        with self._lock:
            return sorted(self._failing)

    def failed_within(self, seconds: float) -> bool:
        """Return whether a call failed in this process, not longer ago than ``seconds``."""
        return self._monotonic() - self._failed_at < seconds

    def _watch(self, what: str, method: Callable[P, R]) -> Callable[P, R]:
        def watched(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                result = measured(self._system, what, method, *args, **kwargs)
            except StoreUnavailable as error:
                if isinstance(error, LockUnanswered):
                    self._unanswered.append(StoreLock(error.key, error.owner, fence=0))
                self._failed(what, error)
                raise
            except Exception as error:  # noqa: BLE001 (it may be anybody's store)
                unavailable = StoreUnavailable(f"it raised {type(error).__name__}")
                self._failed(what, unavailable, unexpected=error)
                raise unavailable from None
            if what in self._failing:
                self._worked(what)
            return result

        return watched

    def _failed(self, what: str, error: StoreUnavailable, *, unexpected: Exception | None = None) -> None:
        now = self._failed_at = self._monotonic()
        with self._lock:
            is_first = not self._failing
            self._failing.add(what)
            if is_first:
                self._began_at = now
        if is_first:
            cause = str(error).removesuffix(".")
            line = (
                f"The session store is failing: {what}: {cause}. Until it works again, logouts and refreshes may not "
                "reach other processes, and sessions in reference mode may get 503. The middleware keeps retrying."
            )
            self._events.emit(EventName.STORE_LOST, operation=what, cause=cause, line=line, unexpected=unexpected)

    def _worked(self, what: str) -> None:
        with self._lock:
            is_over = what in self._failing
            self._failing.clear()
        if is_over:  # A warning too, to be seen where the beginning was.
            seconds = round(self._monotonic() - self._began_at, 1)
            line = f"The session store works again after {seconds:.1f} s."
            self._events.emit(EventName.STORE_BACK, seconds=seconds, line=line)
            self._release_unanswered()

    def _release_unanswered(self) -> None:
        """Release the locks that nobody knows whether they were granted. Who asked for them does not wait any more."""
        with contextlib.suppress(IndexError):
            while True:
                lock = self._unanswered.popleft()
                try:
                    self.release_lock(lock)
                except StoreUnavailable:
                    self._unanswered.append(lock)
                    return


def measured(system: str, what: str, method: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a store's method, and tell OpenTelemetry, where it is installed, how that went."""
    if telemetry.active is None:
        return method(*args, **kwargs)
    began = time.perf_counter()
    failure: Exception | None = None
    try:
        return method(*args, **kwargs)
    except Exception as error:
        failure = error
        raise
    finally:
        with contextlib.suppress(Exception):  # The operator's span processors; the call itself has ended.
            telemetry.active.store_called(system, what, time.perf_counter() - began, failure)
