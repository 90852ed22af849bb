"""A crowd's work is spread over the turns of an event loop. What is counted here are turns, not seconds."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import anyio
import anyio.lowlevel
import pytest

from fotoweb_middleware.drivers.loops import call_soon
from fotoweb_middleware.drivers.pace import STEPS_IN_A_TURN, Pace, PaceOfLoops, Rank
from fotoweb_middleware.effects import AwaitLease, Flow, LoadRecord, TakeLease
from tests.drivers.kit import ToyCache, awaiting_driver, perform
from tests.drivers.turns import Turns, together

pytestmark = pytest.mark.anyio
CROWD = 100


async def test_some_in_each_turn() -> None:
    """Of a crowd so many go on in each turn of the loop, and none is forgotten."""
    pace = Pace(3, call_soon)
    with Turns() as turns:

        async def step() -> None:
            await pace.keep(Rank.BEGINNING)
            turns.note()

        await together(*[step] * CROWD)
    assert (turns.are_at_most(3), turns.counts.total()) == (True, CROWD)


class Queued:
    """A pace of one in each turn, whose turns the test begins."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self._due: list[Callable[[], object]] = []
        self._pace = Pace(1, self._due.append)

    async def step(self, rank: Rank, name: str) -> None:
        """Note who goes on."""
        await self._pace.keep(rank)
        self.order.append(name)

    async def turn(self) -> None:
        """Begin a turn, and let whoever may go on do so."""
        self._due.pop(0)()
        await anyio.wait_all_tasks_blocked()


async def test_nearly_done_first() -> None:
    """Of those that wait the ones that are nearly done go on first, and among equals who came first."""
    queued = Queued()
    ranks = {"first": 2, "begins": 2, "begins later": 2, "calls": 1, "answered": 0, "answered later": 0}
    async with anyio.create_task_group() as tasks:
        for name, rank in ranks.items():
            tasks.start_soon(queued.step, Rank(rank), name)
            await anyio.wait_all_tasks_blocked()
        for _ in ranks:
            await queued.turn()
    assert queued.order == ["first", "answered", "answered later", "calls", "begins", "begins later"]


async def test_cancelled_in_the_queue() -> None:
    """One that goes away while it waits keeps none of the others."""
    queued = Queued()
    async with anyio.create_task_group() as tasks:
        await queued.step(Rank.CALLING, "first")
        with anyio.CancelScope() as scope:
            scope.cancel()
            await queued.step(Rank.CALLING, "cancelled")
        tasks.start_soon(queued.step, Rank.CALLING, "last")
        await anyio.wait_all_tasks_blocked()
        for _ in range(2):
            await queued.turn()
    assert queued.order == ["first", "last"]


async def test_alone() -> None:
    """Who is alone does not wait, at any time."""
    pace = Pace(1, call_soon)
    for _ in range(3):
        await pace.keep(Rank.BEGINNING)
        assert not any(pace._waiting)
        for _ in range(5):
            await anyio.lowlevel.checkpoint()


async def test_beginnings_are_spread() -> None:
    """Of flows that begin in one moment, and will be a while, so many do in each turn."""
    driver = awaiting_driver(ToyCache())
    with Turns() as turns:

        def flow() -> Flow[None]:
            turns.note()
            yield from AwaitLease("nobody's", 0.5)

        await together(*(lambda: driver.run(flow()) for _ in range(CROWD)))
    assert (turns.are_at_most(STEPS_IN_A_TURN), turns.counts.total()) == (True, CROWD)


async def test_nothing_left_of_a_crowd() -> None:
    """What has ended is no part of a crowd, whether it was cancelled, failed or came to its end."""
    driver = awaiting_driver(ToyCache())

    def failing() -> Flow[None]:
        yield from LoadRecord("x")
        raise ZeroDivisionError

    with anyio.move_on_after(0.01):
        await driver.run(perform(AwaitLease("nobody's", 30)))
    with pytest.raises(ZeroDivisionError):
        await driver.run(failing())
    await driver.run(perform(LoadRecord("x")))
    assert driver._under_way == set()


async def test_woken_are_spread() -> None:
    """Of all that wait for one lease, and are woken in one moment, so many go on in each turn."""
    driver, held = awaiting_driver(ToyCache()), anyio.Event()
    with Turns() as turns:

        def holding() -> Flow[None]:
            yield from TakeLease("k", 60, local_only=True)
            held.set()
            while len(driver._flights._wakes["k"]) < CROWD:
                yield from LoadRecord("x")

        def awaiting() -> Flow[None]:
            yield from AwaitLease("k", 30)
            turns.note()

        async def wait() -> None:
            await held.wait()
            await driver.run(awaiting())

        await together(lambda: driver.run(holding()), *[wait] * CROWD)
    assert (turns.are_at_most(STEPS_IN_A_TURN), turns.counts.total()) == (True, CROWD)


class TestAsyncio:
    """On asyncio a turn can be told exactly."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """Name the event loop."""
        return "asyncio"

    async def test_never_more_in_one_iteration(self) -> None:
        """No iteration of the loop has more than may go on."""
        pace, turns = Pace(3, call_soon), Turns()

        async def step() -> None:
            await pace.keep(Rank.BEGINNING)
            turns.note()

        with turns:
            await asyncio.gather(*(step() for _ in range(CROWD)))
        assert (max(turns.counts.values()), turns.counts.total()) == (3, CROWD)


async def test_queueing_waits_though_there_is_room() -> None:
    """Who queues goes on in one of the next turns, also where this one has room."""
    due: list[Callable[[], object]] = []
    pace = Pace(3, due.append)
    order = []

    async def queue() -> None:
        await pace.queue(Rank.BEGINNING)
        order.append("queued")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(queue)
        await anyio.wait_all_tasks_blocked()
        order.append("the next turn")
        due.pop()()
    assert order == ["the next turn", "queued"]


def test_loops_in_turn_have_their_own_paces() -> None:
    """Of two loops that are both there each has its own pace, however often one follows the other."""
    paces = PaceOfLoops(3)

    async def here() -> Pace:
        return paces.here()

    with asyncio.Runner() as one, asyncio.Runner() as other:
        seen = [(one.run(here()), other.run(here())) for _ in range(3)]

    assert len({*seen}) == 1
    assert seen[0][0] is not seen[0][1]


def test_each_loop_has_its_own_pace() -> None:
    """Turns of one loop are no turns of another, and a loop that has ended is forgotten."""
    paces = PaceOfLoops(3)

    async def here() -> Pace:
        assert paces.here() is paces.here()
        return paces.here()

    first, second = asyncio.run(here()), asyncio.run(here())
    trios = anyio.run(here, backend="trio"), anyio.run(here, backend="trio")
    gc.collect()

    assert len({id(pace) for pace in (first, second, *trios)}) == 4
    assert len(paces._of_asyncio) == 0
