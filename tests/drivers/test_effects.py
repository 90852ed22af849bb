"""Each effect is carried out, and each failure thrown into the flow (design: the flow decides what it means)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.effects import (
    AwaitLease,
    BuryRecord,
    Claim,
    Detach,
    Effect,
    Flow,
    LoadRecord,
    SaveRecord,
    TakeLease,
)
from fotoweb_middleware.errors import CacheUnavailable
from tests.drivers.kit import Engine, perform, performing, stepping


def save(key: str = "k", version: int = 1, *, create: bool = True, lease: Lease | None = None) -> SaveRecord:
    """Return an effect that saves."""
    return SaveRecord(key, b"v", version, 60, create=create, lease=lease)


def test_no_effects(engine: Engine) -> None:
    """A flow without effects gives its result."""

    def flow() -> Flow[str]:
        yield from ()
        return "done"

    assert engine.run(flow()) == "done"


def test_load_nothing(engine: Engine) -> None:
    """Loading gives what the cache holds: here nothing."""
    assert engine.run(perform(LoadRecord("k"))) is None


def test_save_and_load(engine: Engine) -> None:
    """Saving gives the outcome, and what was saved can be loaded."""
    assert engine.run(performing(save(), LoadRecord("k"))) == [SaveOutcome.SAVED, Stored(b"v", 1)]


def test_save_conditions(engine: Engine) -> None:
    """Every condition of a save reaches the cache."""
    outcomes = engine.run(performing(save(create=False), save(version=2), save(version=1)))
    assert outcomes == [SaveOutcome.MISSING, SaveOutcome.SAVED, SaveOutcome.NEWER]


def test_save_with_lease(engine: Engine) -> None:
    """The lease of a save reaches the cache: an older fence is refused."""
    old = engine.cache.memory.take_lease("k", ttl_seconds=60)
    assert old is not None
    engine.cache.memory.free_lease(old)

    def flow() -> Flow[list[SaveOutcome]]:
        newer = yield from TakeLease("k", 60)
        return [(yield from save(version=1, lease=newer)), (yield from save(version=2, lease=old))]

    assert engine.run(flow()) == [SaveOutcome.SAVED, SaveOutcome.NEWER]


def test_bury(engine: Engine) -> None:
    """Burying puts a tombstone."""
    assert engine.run(performing(BuryRecord("k", 60), LoadRecord("k"))) == [None, Stored(None, 0)]


def test_take_lease(engine: Engine) -> None:
    """Taking a lease gives the cache's lease."""
    lease = engine.run(perform(TakeLease("k", 60)))
    assert lease is not None
    assert (lease.key, lease.fence) == ("k", 1)


def test_take_lease_locally(engine: Engine) -> None:
    """A lease within this process alone asks no cache and has no fence."""
    lease = engine.run(perform(TakeLease("k", 60, local_only=True)))
    assert (lease, engine.cache.calls) == (Lease("k", "", 0), [])


def test_await_nobody(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the holder is elsewhere, waiting is one short pause, and gives the seconds it took."""
    monkeypatch.setattr(f"fotoweb_middleware.drivers.{module_of(engine)}.poll_seconds", lambda at_most: at_most / 1000)
    assert 0.01 <= engine.run(perform(AwaitLease("k", 10))) < 5


def module_of(engine: Engine) -> str:
    """Return the module of an engine's driver."""
    return "blocking" if engine.name == "threads" else "awaiting"


def test_claim_once(engine: Engine) -> None:
    """A key can be claimed once."""
    assert engine.run(performing(Claim("k", 60), Claim("k", 60), Claim("l", 60))) == [True, False, True]


def test_claim_once_over_flows(engine: Engine) -> None:
    """A claim outlives its flow, unlike a lease."""
    assert [engine.run(perform(Claim("k", 60))) for _ in range(3)] == [True, False, False]


def test_claim_once_together(engine: Engine) -> None:
    """Of several that claim at once, one succeeds."""
    results = engine.run_together(*(perform(Claim("k", 60)) for _ in range(10)))
    assert sorted(results) == [False] * 9 + [True]


def test_claimed_elsewhere(engine: Engine) -> None:
    """What another process claimed is claimed."""
    engine.cache.memory.take_lease("k", ttl_seconds=60)
    assert engine.run(perform(Claim("k", 60))) is False


def test_claim_locally(engine: Engine) -> None:
    """A claim within this process alone asks no cache."""
    results = engine.run(performing(Claim("k", 60, local_only=True), Claim("k", 60, local_only=True)))
    assert (results, engine.cache.calls) == ([True, False], [])


def test_claim_after_local_claim(engine: Engine) -> None:
    """What was claimed while the cache was down stays claimed when it is back (R-AC6)."""
    results = engine.run(performing(Claim("k", 60, local_only=True), Claim("k", 60)))
    assert results == [True, False]


def test_claim_ends(engine: Engine) -> None:
    """A claim within this process ends after its time."""
    assert engine.run(performing(Claim("k", 0, local_only=True), Claim("k", 60, local_only=True))) == [True, True]


def test_detach(engine: Engine) -> None:
    """A detached flow gives its result."""
    assert engine.run(perform(Detach(performing(save(), LoadRecord("k"))))) == [SaveOutcome.SAVED, Stored(b"v", 1)]


def test_detach_within_detach(engine: Engine) -> None:
    """A detached flow may detach another."""
    assert engine.run(perform(Detach(perform(Detach(perform(save())))))) is SaveOutcome.SAVED


@pytest.mark.parametrize(
    ("call", "effect"),
    [
        ("load", lambda: LoadRecord("k")),
        ("save", save),
        ("bury", lambda: BuryRecord("k", 60)),
        ("take_lease", lambda: TakeLease("k", 60)),
        ("take_lease", lambda: Claim("k", 60)),
        ("load", lambda: Detach(perform(LoadRecord("k")))),
    ],
    ids=["load", "save", "bury", "lease", "claim", "detach"],
)
def test_cache_down(engine: Engine, call: str, effect: Callable[[], Effect[Any]]) -> None:
    """A cache that does not answer is thrown into the flow, which goes on as it likes."""
    engine.cache.broken.add(call)
    failure, outcome = engine.run(performing(effect(), TakeLease("other", 60, local_only=True)))
    assert (type(failure), outcome) == (CacheUnavailable, Lease("other", "", 0))


@pytest.mark.parametrize("effect", [lambda: LoadRecord("k"), lambda: Detach(perform(LoadRecord("k")))])
def test_failure_not_caught(engine: Engine, effect: Callable[[], Effect[Any]]) -> None:
    """A failure that the flow does not catch ends the run."""
    engine.cache.broken.add("load")
    with pytest.raises(CacheUnavailable):
        engine.run(stepping(effect()))


def test_last_effect_fails(engine: Engine) -> None:
    """A flow may catch its last effect's failure and end."""
    engine.cache.broken.add("load")

    def flow() -> Flow[str]:
        try:
            yield from LoadRecord("k")
        except CacheUnavailable:
            return "ended well"
        return "not reached"

    assert engine.run(flow()) == "ended well"


def test_claim_locally_after_failure(engine: Engine) -> None:
    """With the cache down a claim can still be made within this process, once."""
    engine.cache.broken.add("take_lease")
    results = engine.run(performing(Claim("k", 60), Claim("k", 60, local_only=True), Claim("k", 60, local_only=True)))
    assert [str(result) for result in results] == ["the server cache did not answer", "True", "False"]


def test_error_of_the_flow(engine: Engine) -> None:
    """An error of the flow's own ends the run as it is."""

    def flow() -> Flow[None]:
        yield from LoadRecord("k")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        engine.run(flow())


def test_unknown_effect(engine: Engine) -> None:
    """An effect that the driver does not know is an error, and the flow is closed."""
    closed = []

    def flow() -> Generator[Effect[Any], Any, None]:
        try:
            yield Effect()
        finally:
            closed.append(True)

    with pytest.raises(TypeError):
        engine.run(flow())
    assert closed == [True]
