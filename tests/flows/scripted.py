"""A driver that carries effects out in memory, writes them down, and fails the one it is told to fail."""

from __future__ import annotations

from types import GeneratorType
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

import httpx

from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.protocol import Lease
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
from fotoweb_middleware.errors import CacheUnavailable, FotoWebMiddlewareError, FotoWebNonsense, FotoWebUnreachable
from fotoweb_middleware.testing import FakeFotoWeb

R = TypeVar("R")

CACHE_EFFECTS = (LoadRecord, SaveRecord, BuryRecord, TakeLease, Claim)
CALL_EFFECTS = (PostForm, GetDocument)
LOOK: tuple[type[Effect[Any]], ...] = (TakeLease, Detach)
"""What a look at the server cache begins with: one request of this process looks for all."""


def failures_of(effect: type[Effect[Any]]) -> list[FotoWebMiddlewareError]:
    """Return every way an effect of this kind can fail."""
    if effect in CALL_EFFECTS:
        return [FotoWebUnreachable("scripted"), FotoWebNonsense("scripted")]
    return [CacheUnavailable("scripted")] if effect in CACHE_EFFECTS else []


class HasDriver(Protocol):
    """A world, as far as flows are stepped through by hand."""

    driver: ScriptedDriver


class ScriptedDriver:
    """Runs flows in the calling thread.

    Attributes:
        effects: The kind of every effect so far, in order.
        fail_at: The number of the effect that fails, and how.
        leases: The leases that are out.
    """

    def __init__(self, cache: MemoryCache, fake: FakeFotoWeb) -> None:
        self.cache = cache
        self.client = httpx.Client(transport=fake.transport())
        self.effects: list[type[Effect[Any]]] = []
        self.fail_at: tuple[int, FotoWebMiddlewareError] | None = None
        self.leases: list[Lease] = []
        self.busy: set[str] = set()

    def run(self, flow: Flow[R]) -> R:
        """Carry out a flow to its end, and give up the leases that it took."""
        before = list(self.leases)
        try:
            effect = next(flow)
            while True:
                try:
                    reply = self.perform(effect)
                except FotoWebMiddlewareError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(reply)
        except StopIteration as stop:
            result: R = stop.value
            return result
        finally:
            for lease in [lease for lease in self.leases if lease not in before]:
                self.free(lease)

    def perform(self, effect: Effect[Any]) -> Any:  # noqa: C901, PLR0911 (one line an effect)
        """Carry out one effect, or fail it."""
        number = len(self.effects)
        self.effects.append(type(effect))
        if self.fail_at is not None and self.fail_at[0] == number and not is_fallback(effect):
            raise self.fail_at[1]
        match effect:
            case LoadRecord(key):
                return self.cache.load(key)
            case SaveRecord(key, value, version, ttl_seconds, create, lease):
                return self.cache.save(key, value, version=version, ttl_seconds=ttl_seconds, create=create, lease=lease)
            case BuryRecord(key, ttl_seconds):
                self.cache.bury(key, ttl_seconds=ttl_seconds)
                return None
            case TakeLease(key, ttl_seconds, local_only):
                return self.take_lease(key, ttl_seconds, local_only=local_only)
            case AwaitLease(_, at_most_seconds):
                return at_most_seconds
            case Claim(key, ttl_seconds):
                return self.cache.take_lease(key, ttl_seconds=ttl_seconds) is not None
            case Detach(flow, lease):
                return self.detach(flow, lease)
            case PostForm(url, fields):
                headers = {"Content-Type": "application/x-www-form-urlencoded"}
                return reply_of(self.client.post(url, content=urlencode(fields), headers=headers))
            case GetDocument(url, accept, token):
                return reply_of(self.client.get(url, headers={"Accept": accept, "Authorization": f"Bearer {token}"}))
            case _:
                raise TypeError(effect)

    def take_lease(self, key: str, ttl_seconds: float, *, local_only: bool) -> Lease | None:
        """Take a lease, unless a test says that somebody else has it."""
        if key in self.busy or any(lease.key == key for lease in self.leases):
            return None
        lease = Lease(key, "", 0) if local_only else self.cache.take_lease(key, ttl_seconds=ttl_seconds)
        if lease is not None:
            self.leases.append(lease)
        return lease

    def detach(self, flow: Flow[R], lease: Lease | None) -> R:
        """Run a detached flow, and give its lease up."""
        try:
            return self.run(flow)
        finally:
            if lease is not None:
                self.free(lease)

    def free(self, lease: Lease) -> None:
        """Give a lease up."""
        self.leases.remove(lease)
        if lease.fence:
            self.cache.free_lease(lease)


def is_fallback(effect: Effect[Any]) -> bool:
    """Return whether an effect can't fail, since it stays within this process."""
    return isinstance(effect, TakeLease | Claim) and effect.local_only


def reply_of(response: httpx.Response) -> HttpReply:
    """Return a response as flows see it."""
    headers = response.headers
    return HttpReply(response.status_code, headers.get("retry-after"), response.content)


def run_to_renewal(world: HasDriver, flow: Flow[Any]) -> Flow[Any]:
    """Carry a request's flow out up to where it detaches the renewal of its token, and return that flow."""
    effect = next(flow)
    while not (isinstance(effect, Detach) and name_of(effect.flow) == "renew_for_all"):
        effect = flow.send(world.driver.perform(effect))
    return effect.flow


def name_of(flow: Flow[Any]) -> str:
    """Return the name of the function that a flow runs."""
    assert isinstance(flow, GeneratorType)
    return flow.__name__
