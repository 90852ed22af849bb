"""A Redis with a file of this machine beside it: what the processes of one machine know survives the Redis.

Without the file, a Redis that dies or restarts empty takes with it what was refreshed since the browsers' cookies were
written: two workers would then send one refresh token twice, and FotoWeb ends such sessions (docs/adr/0013).

The primary decides while it answers; the standby is written along, and asked along. What it can't do is let be.
Each promise is written once, as steps; the two faces only carry the steps out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

import anyio

from fotoweb_middleware.caches.protocol import AsyncCache, Cache, Lease, SaveOutcome, Stored
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["AsyncStandbyCache", "StandbyCache"]

R = TypeVar("R")

SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Step:
    """One call of one of the two caches; what is sent back is its result, or the ``CacheUnavailable`` it raised."""

    of_standby: bool
    call: Callable[[Any], Any]


Steps: TypeAlias = Generator[Step, Any, R]


def primary(call: Callable[[Any], Any]) -> Step:
    """Call the primary."""
    return Step(of_standby=False, call=call)


def standby(call: Callable[[Any], Any]) -> Step:
    """Call the standby."""
    return Step(of_standby=True, call=call)


def load_steps(key: str) -> Steps[Stored | None]:
    """Return what either knows: a tombstone before anything, then the higher version."""
    first = yield primary(lambda cache: cache.load(key))
    if is_tombstone(first):
        return Stored(None, 0)
    second = yield standby(lambda cache: cache.load(key))
    if isinstance(first, CacheUnavailable):
        if isinstance(second, Stored):
            return second
        raise first
    known: Stored | None = first
    if not isinstance(second, Stored):
        return known
    if second.value is None or known is None or second.version > known.version:
        return replace(second, is_settled=False)
    return known


def save_steps(key: str, value: bytes, *, create: bool, lease: Lease | None, **options: Any) -> Steps[SaveOutcome]:
    """Write to the primary, and what it took to the standby too; a logout that only the standby knows holds as well."""
    fenced = unpair(lease)[0] if lease is not None else None
    outcome = yield primary(lambda cache: cache.save(key, value, create=create, lease=fenced, **options))
    if outcome is not SaveOutcome.SAVED and not isinstance(outcome, CacheUnavailable):
        return check_outcome(outcome)
    is_new = create or outcome is SaveOutcome.SAVED
    beside = yield standby(lambda cache: cache.save(key, value, create=is_new, lease=None, **options))
    return SaveOutcome.BURIED if beside is SaveOutcome.BURIED else check_outcome(outcome)


def bury_steps(key: str, **options: Any) -> Steps[None]:
    """Write the tombstone to both."""
    yield standby(lambda cache: cache.bury(key, **options))
    done = yield primary(lambda cache: cache.bury(key, **options))
    if isinstance(done, CacheUnavailable):
        raise done


def take_steps(key: str, taken: list[Lease], **options: Any) -> Steps[Lease | None]:
    """Take the lease of this machine, then that of all; the first alone where the primary does not answer.

    Args:
        key: What is to be leased.
        taken: Receives the lease of this machine while that of all is asked for.
        options: As for ``Cache.take_lease``.
    """
    beside = yield standby(lambda cache: cache.take_lease(key, **options))
    if beside is None:
        return None
    if isinstance(beside, CacheUnavailable):
        beside = None
    else:
        taken.append(beside)
    lease = yield primary(lambda cache: cache.take_lease(key, **options))
    if isinstance(lease, CacheUnavailable):
        if beside is None:
            raise lease
        return pair(beside.fence, "", beside.owner, key)
    if lease is None:
        if beside is not None:
            yield standby(lambda cache: cache.free_lease(beside))
        return None
    return pair(lease.fence, lease.owner, beside.owner if beside is not None else "", key)


def free_steps(lease: Lease) -> Steps[None]:
    """Give up what was taken, in either."""
    primary_lease, standby_lease = unpair(lease)
    if standby_lease is not None:
        yield standby(lambda cache: cache.free_lease(standby_lease))
    if primary_lease is not None:
        done = yield primary(lambda cache: cache.free_lease(primary_lease))
        if isinstance(done, CacheUnavailable):
            raise done


def pair(fence: int, primary_owner: str, standby_owner: str, key: str) -> Lease:
    """Return one lease for two, of which one may be missing (then its owner is empty)."""
    return Lease(key, f"{primary_owner}{SEPARATOR}{standby_owner}", fence)


def unpair(lease: Lease) -> tuple[Lease | None, Lease | None]:
    """Return the primary's and the standby's lease."""
    owners = lease.owner.partition(SEPARATOR)[::2]
    first, second = (Lease(lease.key, owner, lease.fence) if owner else None for owner in owners)
    return first, second


def is_tombstone(answer: object) -> bool:
    """Return whether a load found a tombstone."""
    return isinstance(answer, Stored) and answer.value is None


def check_outcome(outcome: SaveOutcome | CacheUnavailable) -> SaveOutcome:
    """Return the primary's outcome, or raise its failure."""
    if isinstance(outcome, CacheUnavailable):
        raise outcome
    return outcome


class StandbyCache:
    """The blocking face.

    Args:
        primary_cache: Shared by all machines.
        standby_cache: Shared by the processes of this one.
    """

    shared = True

    def __init__(self, primary_cache: Cache, standby_cache: Cache) -> None:
        self._primary = primary_cache
        self._standby = standby_cache

    def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        return self._run(load_steps(key))

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """See ``Cache.save``."""
        return self._run(save_steps(key, value, create=create, lease=lease, version=version, ttl_seconds=ttl_seconds))

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""
        self._run(bury_steps(key, ttl_seconds=ttl_seconds))

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""
        return self._run(take_steps(key, [], ttl_seconds=ttl_seconds))

    def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        self._run(free_steps(lease))

    def close(self) -> None:
        """See ``Cache.close``."""
        try:
            self._standby.close()
        finally:
            self._primary.close()

    def _run(self, steps: Steps[R]) -> R:
        answer: object = None
        try:
            while True:
                step = steps.send(answer)
                try:
                    answer = step.call(self._standby if step.of_standby else self._primary)
                except CacheUnavailable as error:
                    answer = error
        except StopIteration as stop:
            result: R = stop.value
            return result


class AsyncStandbyCache:
    """The awaitable face.

    Args:
        primary_cache: Shared by all machines.
        standby_cache: Shared by the processes of this one.
    """

    shared = True

    def __init__(self, primary_cache: AsyncCache, standby_cache: AsyncCache) -> None:
        self._primary = primary_cache
        self._standby = standby_cache

    async def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        return await self._run(load_steps(key))

    async def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """See ``Cache.save``."""
        steps = save_steps(key, value, create=create, lease=lease, version=version, ttl_seconds=ttl_seconds)
        return await self._run(steps)

    async def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""
        await self._run(bury_steps(key, ttl_seconds=ttl_seconds))

    async def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``. Where the taker is cancelled half-way, this machine's lease is given back."""
        taken: list[Lease] = []
        try:
            return await self._run(take_steps(key, taken, ttl_seconds=ttl_seconds))
        except BaseException:
            with anyio.CancelScope(shield=True), contextlib.suppress(CacheUnavailable):
                for lease in taken:
                    await self._standby.free_lease(lease)
            raise

    async def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        await self._run(free_steps(lease))

    async def aclose(self) -> None:
        """See ``Cache.close``."""
        try:
            await self._standby.aclose()
        finally:
            await self._primary.aclose()

    async def _run(self, steps: Steps[R]) -> R:
        answer: object = None
        try:
            while True:
                step = steps.send(answer)
                try:
                    answer = await step.call(self._standby if step.of_standby else self._primary)
                except CacheUnavailable as error:
                    answer = error
        except StopIteration as stop:
            result: R = stop.value
            return result
