"""A request may go away at any moment: what it held is freed, and what must not be cut is not (R-TE16)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.drivers.awaiting import AwaitingDriver
from fotoweb_middleware.effects import AwaitLease, Detach, Effect, Flow, LoadRecord, SaveRecord, TakeLease
from fotoweb_middleware.errors import CacheUnavailable
from tests.drivers.kit import PausingFace, ToyCache, awaiting_driver
from tests.settings.samples import settings

pytestmark = pytest.mark.anyio


class Stage:
    """A cache whose ``load("stop")`` waits until the test goes on, and a driver on it."""

    def __init__(self) -> None:
        self.cache = ToyCache()
        self.reached = anyio.Event()
        self.go_on = anyio.Event()
        stage = self

        class StoppingFace(PausingFace):
            async def load(self, key: str) -> Stored | None:
                if key == "stop":
                    stage.reached.set()
                    await stage.go_on.wait()
                return await super().load(key)

        self.driver = AwaitingDriver(settings(), StoppingFace(self.cache))
        self.log: list[str] = []

    def holding(self) -> Flow[None]:
        """Take a lease and stop."""
        yield from TakeLease("k", 60)
        yield from LoadRecord("stop")
        self.log.append("not reached where cancelled")

    def refreshing(self) -> Flow[None]:
        """Do what a refresh does: take a lease, and detach a flow that stops and then saves."""
        lease = yield from TakeLease("k", 60)
        try:
            yield from Detach(self.saving(), lease)
        except CacheUnavailable:
            return
        yield from LoadRecord("next")
        self.log.append("asker went on")

    def saving(self) -> Flow[None]:
        """Stop, then save."""
        yield from LoadRecord("stop")
        outcome = yield from SaveRecord("session", b"tokens", 1, 60, create=True)
        self.log.append(outcome.value)

    async def is_free(self) -> bool:
        """Return whether the lease can be had again, here and from the cache."""

        def take() -> Flow[bool]:
            return (yield from TakeLease("k", 60)) is not None

        return not self.cache.is_leased("k") and await self.driver.run(take())


@pytest.fixture
def stage() -> Callable[[], Stage]:
    """Return what sets a stage; it needs a running loop."""
    return Stage


async def cancel_in_scope(stage: Stage, flow: Flow[None], *, then: Callable[[], object] = lambda: None) -> None:
    """Run a flow until it stops, then cancel the scope it runs in."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.driver.run, flow)
        await stage.reached.wait()
        tasks.cancel_scope.cancel()
        then()


async def test_lease_freed(stage: Callable[[], Stage]) -> None:
    """A cancelled run frees its lease, in this process and in the cache."""
    on = stage()
    await cancel_in_scope(on, on.holding())
    assert (on.log, await on.is_free()) == ([], True)


async def test_lease_freed_by_time_out(stage: Callable[[], Stage]) -> None:
    """So does one whose time is over."""
    on = stage()
    with anyio.move_on_after(0.02):
        await on.driver.run(on.holding())
    assert await on.is_free()


async def test_flow_closed(stage: Callable[[], Stage]) -> None:
    """A cancelled run closes its flow."""
    on = stage()

    def flow() -> Generator[Effect[Any], Any, None]:
        try:
            yield LoadRecord("stop")
        except GeneratorExit:
            on.log.append("closed")
            raise

    await cancel_in_scope(on, flow())
    assert on.log == ["closed"]


async def test_cancelled_while_taking(stage: Callable[[], Stage]) -> None:
    """A run cancelled while the cache gives the lease holds nothing in this process."""
    on = stage()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await on.driver.run(on.holding())
    assert await on.is_free()


async def test_waiter_forgotten(stage: Callable[[], Stage]) -> None:
    """A waiter that is cancelled is not woken any more."""
    on = stage()

    def waiting() -> Flow[None]:
        yield from AwaitLease("k", 30)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(on.driver.run, on.holding())
        await on.reached.wait()
        with anyio.move_on_after(0.02):
            await on.driver.run(waiting())
        left = len(on.driver._flights._wakes["k"])
        on.go_on.set()
    assert left == 0


async def test_detached_runs_to_its_end(stage: Callable[[], Stage]) -> None:
    """A detached flow runs to its end though its asker is cancelled, and its asker does not go on."""
    on = stage()
    await cancel_in_scope(on, on.refreshing(), then=on.go_on.set)
    await settled(on)
    assert (on.log, on.cache.memory.load("session")) == (["saved"], Stored(b"tokens", 1))


async def settled(on: Stage) -> None:
    """Wait until the detached flow has ended."""
    await until(lambda: bool(on.log))


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    with anyio.fail_after(10):
        while not is_so():
            await anyio.lowlevel.checkpoint()


async def test_detached_lease_freed_after_it(stage: Callable[[], Stage]) -> None:
    """The lease that it was handed is held until it has ended, and freed then."""
    on = stage()
    held = []

    def look_and_go_on() -> None:
        held.append(on.cache.is_leased("k"))
        on.go_on.set()

    await cancel_in_scope(on, on.refreshing(), then=look_and_go_on)
    await settled(on)
    await anyio.wait_all_tasks_blocked()
    assert (held, await on.is_free()) == ([True], True)


async def test_detached_failure_after_cancel(stage: Callable[[], Stage]) -> None:
    """A detached flow that fails after its asker is gone disturbs nobody, and its lease is freed."""
    on = stage()
    on.cache.broken.add("save")
    await cancel_in_scope(on, on.refreshing(), then=on.go_on.set)
    await until(lambda: not on.cache.is_leased("k"))
    assert (on.log, await on.is_free()) == ([], True)


async def test_asker_that_stays(stage: Callable[[], Stage]) -> None:
    """Without a cancellation the asker goes on after the detached flow."""
    on = stage()
    on.go_on.set()
    await on.driver.run(on.refreshing())
    assert on.log == ["saved", "asker went on"]


async def test_call_cancelled(anyio_backend: str) -> None:
    """A waiter without a holder, cancelled in its pause, ends at once."""
    driver = awaiting_driver(ToyCache())

    def pausing() -> Flow[None]:
        while True:
            yield from AwaitLease("nobody", 30)

    with anyio.move_on_after(0.05) as scope:
        await driver.run(pausing())
    assert scope.cancelled_caught


class TestTaskCancel:
    """Servers of asyncio cancel the task itself, which no anyio scope can shield."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """Name the event loop."""
        return "asyncio"

    async def cancel(self, on: Stage, flow: Flow[None], times: int = 1) -> None:
        """Run a flow until it stops, then cancel its task."""
        task = asyncio.create_task(on.driver.run(flow))
        await on.reached.wait()
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        on.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def test_lease_freed(self) -> None:
        """A cancelled task frees its lease."""
        on = Stage()
        await self.cancel(on, on.holding())
        assert (on.log, await on.is_free()) == ([], True)

    async def test_lease_free_in_process_though_cancelled_twice(self) -> None:
        """A task cancelled again while it frees its lease is free in this process all the same."""
        on = Stage()
        await self.cancel(on, on.holding(), times=3)
        assert "k" not in on.driver._flights._wakes

    @pytest.mark.parametrize("times", [1, 3])
    async def test_detached_runs_to_its_end(self, times: int) -> None:
        """A detached flow runs to its end though the task is cancelled, once or again and again."""
        on = Stage()
        await self.cancel(on, on.refreshing(), times)
        await settled(on)
        await anyio.wait_all_tasks_blocked()
        assert (on.log, await on.is_free()) == (["saved"], True)

    async def test_detached_though_all_is_cancelled(self) -> None:
        """Whoever cancels all tasks does not cut one that has yet to begin, whose lease would never be freed."""
        on = Stage()
        on.go_on.set()
        task = asyncio.create_task(on.driver.run(on.refreshing()))
        await until(lambda: bool(on.driver._tasks))
        for each in (task, *on.driver._tasks):
            each.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await settled(on)
        await anyio.wait_all_tasks_blocked()
        assert (on.log, await on.is_free()) == (["saved"], True)

    async def test_detached_task_forgotten(self) -> None:
        """A detached flow that has ended leaves nothing behind."""
        on = Stage()
        on.go_on.set()
        await on.driver.run(on.refreshing())
        await asyncio.sleep(0)
        assert on.driver._tasks == set()
