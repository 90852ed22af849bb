"""The awaitable face of ``redis://`` and ``rediss://``."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread
import redis
import redis.asyncio

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.caches.redis_address import read_address
from fotoweb_middleware.caches.redis_blocking import QUEUE_SECONDS, RedisCache
from fotoweb_middleware.caches.redis_connections import Epoch, open_asyncio_client
from fotoweb_middleware.caches.redis_failures import is_wrong_type
from fotoweb_middleware.caches.redis_health import Health
from fotoweb_middleware.caches.redis_patience import within
from fotoweb_middleware.caches.redis_scripts import (
    RedisCall,
    build_bury,
    build_free_lease,
    build_load,
    build_save,
    build_take_lease,
)
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["AsyncRedisCache"]

R = TypeVar("R")

THREADS = 32
"""Most threads that wait for Redis at a time, in each event loop that is not asyncio's."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one event loop of asyncio holds.

    Attributes:
        client: Of redis-py.
        turns: As many as it may have connections.
        epoch: Of its connections.
        calls: All that are queued or under way.
        queued: Those of them that wait for their turn: Redis has not been asked yet.
    """

    client: redis.asyncio.Redis
    turns: asyncio.Semaphore
    epoch: Epoch
    calls: set[asyncio.Task[Any]] = field(default_factory=set)
    queued: set[asyncio.Task[Any] | None] = field(default_factory=set)


UndoOf = Callable[[Held, R], None]


class AsyncRedisCache:
    """The awaitable face. Under asyncio redis-py's own; under trio, which redis-py can't, the blocking one in threads.

    A call that was sent is carried to its end though its caller is cancelled: a connection never goes back with an
    answer outstanding, which the next caller would read as its own (redis-py, March 2023).

    Args:
        url: See ``RedisCache``.
        namespace: See ``RedisCache``.
        timeout_seconds: See ``RedisCache``.
        queue_seconds: See ``RedisCache``.

    Raises:
        SettingsError: The address can't be read.
    """

    shared = True

    def __init__(
        self, url: str, *, namespace: str, timeout_seconds: float = 1.0, queue_seconds: float = QUEUE_SECONDS
    ) -> None:
        self._blocking = RedisCache(
            url, namespace=namespace, timeout_seconds=timeout_seconds, queue_seconds=queue_seconds
        )
        self._url = url
        self._namespace = namespace
        self._most_calls: int = read_address(url)["max_connections"]
        self._timeout_seconds = timeout_seconds
        self._queue_seconds = queue_seconds
        self._health = Health(url, timeout_seconds=timeout_seconds)
        # Of its own: where it can't connect, the connections that are there go on.
        self._sweeping = RedisCache(
            url,
            namespace=namespace,
            timeout_seconds=timeout_seconds,
            health=Health(url, timeout_seconds=timeout_seconds, served_by=self._health),
        )
        # By process and event loop. What came over a fork stays here untouched: to close it would meddle with the
        # parent's event loop.
        self._held: dict[tuple[int, asyncio.AbstractEventLoop], Held] = {}
        self._threads: anyio.lowlevel.RunVar[anyio.CapacityLimiter] = anyio.lowlevel.RunVar(f"redis {id(self)}")

    async def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        if not is_asyncio():
            return await self._in_thread("load", partial(self._blocking.load, key))
        return await self._run(build_load(self._namespace, key))

    async def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """See ``Cache.save``."""
        conditions: dict[str, Any] = {"version": version, "ttl_seconds": ttl_seconds, "create": create, "lease": lease}
        if not is_asyncio():
            return await self._in_thread("save", partial(self._blocking.save, key, value, **conditions))
        return await self._run(build_save(self._namespace, key, value, **conditions))

    async def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""
        if not is_asyncio():
            return await self._in_thread("bury", partial(self._blocking.bury, key, ttl_seconds=ttl_seconds))
        return await self._run(build_bury(self._namespace, key, ttl_seconds=ttl_seconds))

    async def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``. A lease whose taker was cancelled meanwhile is given back."""
        if not is_asyncio():
            return await self._in_thread("take_lease", partial(self._blocking.take_lease, key, ttl_seconds=ttl_seconds))
        return await self._run(build_take_lease(self._namespace, key, ttl_seconds=ttl_seconds), self._give_back)

    async def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        if not is_asyncio():
            return await self._in_thread("free_lease", partial(self._blocking.free_lease, lease))
        return await self._run(build_free_lease(self._namespace, lease))

    async def aclose(self) -> None:
        """See ``Cache.close``. Other event loops keep what they hold until they close it."""
        self._blocking.close()
        if not is_asyncio():
            return
        held = self._held.pop((os.getpid(), asyncio.get_running_loop()), None)
        if not any(process == os.getpid() and not loop.is_closed() for process, loop in list(self._held)):
            self._sweeping.close()
        if held is not None:
            while held.calls:  # What one of them leaves behind (a lease to give back) is another.
                await asyncio.wait(held.calls)
            with contextlib.suppress(redis.RedisError, OSError):
                await held.client.connection_pool.disconnect()

    async def _in_thread(self, name: str, work: Callable[[], R]) -> R:
        threads = self._threads.get(None)
        if threads is None:
            threads = anyio.CapacityLimiter(THREADS)
            self._threads.set(threads)
        try:
            # Only the wait for a thread can be cut short; the call itself goes to its end, which is bounded.
            with anyio.fail_after(self._queue_seconds):
                return await anyio.to_thread.run_sync(work, limiter=threads)
        except TimeoutError:
            raise self._health.no_turn(name) from None

    async def _run(self, call: RedisCall[R], undo: UndoOf[R] | None = None) -> R:
        self._sweeping.sweeper.open()
        try:
            self._health.check(call)
        except CacheUnavailable:
            self._wake_sweeper()
            raise
        held = self._hold()
        task = self._start(held, call)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            if task in held.queued:
                task.cancel()
            elif undo is not None:
                task.add_done_callback(partial(undo_result, partial(undo, held)))
            raise
        return task.result()

    def _start(self, held: Held, call: RedisCall[R]) -> asyncio.Task[R]:
        task = asyncio.create_task(self._carry_out(held, call))
        held.calls.add(task)  # The loop keeps weak references only.
        held.queued.add(task)
        task.add_done_callback(partial(self._ended, held, call))
        return task

    def _ended(self, held: Held, call: RedisCall[Any], task: asyncio.Task[Any]) -> None:
        held.calls.discard(task)
        held.queued.discard(task)  # One that is cancelled before its first step never leaves the queue.
        if task.cancelled():  # In the queue, or with its event loop.
            self._health.may_have_happened(call)
        else:
            task.exception()  # So that asyncio does not log it where nobody waits for it any more.
        self._wake_sweeper()

    def _wake_sweeper(self) -> None:
        self._sweeping.sweeper.wake(self._sweeping.give_up)

    async def _carry_out(self, held: Held, call: RedisCall[R]) -> R:
        async with self._turn(held, call):
            self._health.admit(call)  # As in RedisCache._ask_in_turn.
            try:
                async with within(self._timeout_seconds):
                    result = call.read(await self._ask(held.client, call))
            except Exception as error:  # noqa: BLE001 (as in RedisCache._ask_in_turn)
                if self._health.needs_new_connections(error):
                    held.epoch.begin()
                failure = self._health.failed(call, error)
            else:
                self._health.answered(call)
                return result
        raise failure  # Out here, so that it drags along neither redis-py's error nor the connection in its frames.

    @contextlib.asynccontextmanager
    async def _turn(self, held: Held, call: RedisCall[Any]) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._queue_seconds if held.turns.locked() else None):
                await held.turns.acquire()
        except TimeoutError:
            raise self._health.queue_too_long(call) from None
        finally:
            held.queued.discard(asyncio.current_task())
        try:
            yield
        finally:
            held.turns.release()

    async def _ask(self, client: redis.asyncio.Redis, call: RedisCall[Any]) -> object:
        execute: Callable[..., Awaitable[object]] = client.execute_command
        try:
            return await execute(*call.command)
        except redis.exceptions.NoScriptError:
            return await execute(*call.in_full)
        except redis.ResponseError as error:
            if is_wrong_type(error):
                return None
            raise

    def _hold(self) -> Held:
        process, loop = os.getpid(), asyncio.get_running_loop()
        held = self._held.get((process, loop))
        if held is None:
            for other in [key for key in list(self._held) if key[0] == process and key[1].is_closed()]:
                self._held.pop(other, None)
            epoch = Epoch()
            client = open_asyncio_client(self._url, step_seconds=self._timeout_seconds / 2, epoch=epoch)
            held = Held(client, asyncio.Semaphore(self._most_calls), epoch)
            self._held[process, loop] = held
        return held

    def _give_back(self, held: Held, lease: Lease | None) -> None:
        if lease is not None:
            _ = self._start(held, build_free_lease(self._namespace, lease))


def is_asyncio() -> bool:
    """Return whether asyncio runs this task (trio may run inside a thread or as a guest of asyncio's loop)."""
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False


def undo_result(undo: Callable[[R], None], task: asyncio.Task[R]) -> None:
    """Undo what a call did whose caller has gone."""
    if not task.cancelled() and task.exception() is None:
        undo(task.result())
