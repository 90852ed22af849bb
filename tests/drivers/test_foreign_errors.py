"""A cache of somebody's own raises what it may not: to whoever uses the app it is a cache that is down."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from fotoweb_middleware.effects import BuryRecord, Claim, Effect, LoadRecord, PostForm, SaveRecord, TakeLease
from fotoweb_middleware.errors import CacheUnavailable
from tests.drivers.kit import Engine, ToyCache, perform, performing

SECRET = "postgresql://user:pa55word@db"


class ForeignCache(ToyCache):
    """A cache whose database has errors of its own."""

    def _note(self, name: str, key: str) -> None:
        self.calls.append((name, key))
        if name in self.broken:
            raise LookupError(SECRET)


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("load", LoadRecord("k")),
        ("save", SaveRecord("k", b"v", 1, 60, create=True, lease=None)),
        ("bury", BuryRecord("k", 60)),
        ("take_lease", TakeLease("k", 60)),
        ("take_lease", Claim("k", 60)),
    ],
    ids=["load", "save", "bury", "lease", "claim"],
)
def test_it_is_down(engine: Engine, caplog: pytest.LogCaptureFixture, name: str, effect: Effect[Any]) -> None:
    """The flow is told that it is down, by the kind of error alone; the log has the traceback for its author."""
    engine.cache.__class__ = ForeignCache
    engine.cache.broken = {name}

    (error,) = engine.run(performing(effect))

    assert isinstance(error, CacheUnavailable)
    assert (str(error), SECRET in repr(error)) == ("it raised LookupError", False)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)


def test_lease_that_can_not_be_given_up(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """A flow's result is not lost by it: the lease ends by itself, and is free within this process."""
    engine.cache.__class__ = ForeignCache
    engine.cache.broken = {"free_lease"}

    assert engine.run(perform(TakeLease("k", 60))) is not None

    assert len(caplog.records) == 1
    assert engine.run(perform(TakeLease("k", 60))) is None
    assert [name for name, _ in engine.cache.calls] == ["take_lease", "free_lease", "take_lease"]


def test_fault_of_ours(engine: Engine) -> None:
    """What is no failure of the cache is not called one."""

    def fail(_request: Any) -> Any:
        raise LookupError(SECRET)

    engine.handler = fail
    engine.__post_init__()

    with pytest.raises(LookupError):
        engine.run(perform(PostForm("https://fotoweb.test/token", (("a", "b"),))))
