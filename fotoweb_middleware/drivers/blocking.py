"""Carries effects out for the WSGI door: plain calls, safe from any number of threads."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from fotoweb_middleware.caches.forks import keep_over_forks
from fotoweb_middleware.caches.protocol import Cache, Lease
from fotoweb_middleware.drivers.calling import ClientOptions, failure_from_httpx
from fotoweb_middleware.drivers.failures import cache_failure, failure_of
from fotoweb_middleware.drivers.flights import Flights, poll_seconds
from fotoweb_middleware.drivers.timed_call import TimedCall
from fotoweb_middleware.effects import (
    AwaitLease,
    BuryRecord,
    Claim,
    Detach,
    Effect,
    Flow,
    GetDocument,
    HttpReply,
    LoadRecord,
    PostForm,
    SaveRecord,
    TakeLease,
)
from fotoweb_middleware.settings import Settings

if TYPE_CHECKING:
    import httpx

__all__ = ["BlockingDriver"]

R = TypeVar("R")


class BlockingDriver:
    """Runs flows to their end in the calling thread.

    Args:
        settings: For time-outs and TLS.
        cache: The server cache.
        transport: Where calls to FotoWeb go instead of the network; for tests.
    """

    def __init__(self, settings: Settings, cache: Cache, transport: httpx.BaseTransport | None = None) -> None:
        self._cache = cache
        self._flights = Flights()
        self._timeout_seconds = settings.http_timeout
        self._client_options = ClientOptions(settings, transport)
        self.start_anew(whole=False)
        keep_over_forks(self)

    def start_anew(self, *, whole: bool) -> None:  # noqa: ARG002 (a client is never taken over)
        """See ``caches.forks``. The calls that hold places in the parent's client would never give them back here."""
        self.lock = threading.Lock()
        self._client: httpx.Client | None = None

    @property
    def is_prepared(self) -> bool:
        """Whether a call to FotoWeb could begin at once."""
        return self._client_options.are_loaded

    def prepare(self) -> None:
        """Load what calls to FotoWeb need, where it was not loaded before: it takes a tenth of a second."""
        self._client_options.load()

    def _ready_client(self) -> httpx.Client:
        options = self._client_options.load()
        import httpx  # noqa: PLC0415 (``load`` did it)

        with self.lock:
            if self._client is None:
                self._client = httpx.Client(**options.for_httpx)
            return self._client

    def run(self, flow: Flow[R]) -> R:
        """Carry out every effect of ``flow`` and return what it returns."""
        return self._run(flow, [])

    def _run(self, flow: Flow[R], leases: list[Lease]) -> R:
        try:
            effect = next(flow)
            while True:
                try:
                    reply = self._perform(effect, leases)
                except Exception as error:  # noqa: BLE001 (what is no failure of an effect is raised again)
                    effect = flow.throw(failure_of(effect, error))
                else:
                    effect = flow.send(reply)
        except StopIteration as stop:
            result: R = stop.value
            return result
        finally:
            with contextlib.ExitStack() as stack:  # One that fails keeps none of the others from its end.
                for lease in leases:
                    stack.callback(self._release, lease)
                flow.close()

    def _perform(self, effect: Effect[Any], leases: list[Lease]) -> object:
        match effect:
            case LoadRecord(key):
                return self._cache.load(key)
            case SaveRecord(key, value, version, ttl_seconds, create, lease):
                return self._cache.save(
                    key, value, version=version, ttl_seconds=ttl_seconds, create=create, lease=lease
                )
            case BuryRecord(key, ttl_seconds):
                self._cache.bury(key, ttl_seconds=ttl_seconds)
                return None
            case TakeLease():
                return self._take_lease(effect, leases)
            case AwaitLease():
                return self._await_lease(effect)
            case Claim():
                return self._claim(effect)
            case PostForm() | GetDocument():
                return self._call(effect)
            case Detach(flow, lease):
                return self._detach(flow, lease, leases)
            case _:
                raise TypeError(effect)

    def _take_lease(self, effect: TakeLease, leases: list[Lease]) -> Lease | None:
        if not self._flights.begin(effect.key):
            return None
        lease: Lease | None = None
        try:
            lease = (
                Lease(effect.key, "", 0)
                if effect.local_only
                else self._cache.take_lease(effect.key, ttl_seconds=effect.ttl_seconds)
            )
        finally:
            if lease is None:
                self._flights.end(effect.key)
        if lease is not None:
            leases.append(lease)
        return lease

    def _release(self, lease: Lease) -> None:
        try:
            if lease.fence:
                self._cache.free_lease(lease)
        except Exception as error:  # noqa: BLE001 (it ends by itself, and the flow has its result)
            cache_failure(error)
        finally:
            self._flights.end(lease.key)

    def _await_lease(self, effect: AwaitLease) -> float:
        started = time.monotonic()
        woken = threading.Event()
        if self._flights.wait(effect.key, woken.set):
            woken.wait(effect.at_most_seconds)
            self._flights.stop_waiting(effect.key, woken.set)
        else:
            time.sleep(poll_seconds(effect.at_most_seconds))
        return time.monotonic() - started

    def _claim(self, effect: Claim) -> bool:
        if not effect.local_only and self._cache.take_lease(effect.key, ttl_seconds=effect.ttl_seconds) is None:
            return False
        return self._flights.claim(effect.key, effect.ttl_seconds)

    def _detach(self, flow: Flow[R], lease: Lease | None, leases: list[Lease]) -> R:
        # Nobody cancels a thread, so the flow simply runs; but its lease must end with it and not with the caller.
        if lease is None:
            return self._run(flow, [])
        leases.remove(lease)
        return self._run(flow, [lease])

    def _call(self, effect: PostForm | GetDocument) -> HttpReply:
        self.prepare()  # Imports httpx with a lock that no fork interrupts.
        import httpx  # noqa: PLC0415

        client = self._ready_client()
        try:
            return TimedCall(client, effect).result(self._timeout_seconds)
        except httpx.HTTPError as error:
            raise failure_from_httpx(error) from None
