"""A file of this machine beside a Redis: what it adds, and that it never stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.testing.cache_contract import CacheContract, CacheTrial
from tests.caches.standby_kit import DOWN, FACES, Pair, opened


@pytest.fixture(params=FACES)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Return two empty caches behind each face."""
    with opened(request.param) as made:
        yield made


class TestContract(CacheContract):
    """Both together keep every promise of a cache, also with the standby down, and with the primary down for leases."""

    @pytest.fixture(params=["both", "no standby"])
    def trial(self, request: pytest.FixtureRequest, pair: Pair) -> CacheTrial:
        """Return an empty cache and what turns its clock."""
        pair.file.is_down = request.param == "no standby"
        return CacheTrial(pair.cache, pair.clock.advance)


def test_shared(pair: Pair) -> None:
    """Other processes see the same, so copies in memory are checked again."""
    assert pair.cache.shared


def test_what_was_refreshed_survives_the_primary(pair: Pair) -> None:
    """A version that was saved is read by this machine's processes while the primary is down."""
    pair.save(2)
    pair.redis.is_down = True

    assert pair.cache.load("k") == Stored(b"v2", 2)


def test_emptied_primary_is_told_again(pair: Pair) -> None:
    """A primary that restarted empty: the version is read from the standby, and marked as not settled."""
    pair.save(2)
    pair.empty_redis()

    assert pair.cache.load("k") == Stored(b"v2", 2, is_settled=False)
    assert pair.save(2) is SaveOutcome.SAVED
    assert pair.cache.load("k") == Stored(b"v2", 2)


def test_higher_version_wins(pair: Pair) -> None:
    """What was saved while the primary was down outranks what it held before."""
    pair.save(1)
    pair.redis.is_down = True
    with pytest.raises(CacheUnavailable):
        pair.save(2)
    pair.redis.is_down = False

    assert pair.cache.load("k") == Stored(b"v2", 2, is_settled=False)


def test_other_machines_version_wins(pair: Pair) -> None:
    """What another machine wrote to the primary outranks this machine's older copy."""
    pair.save(1)
    pair.redis.save("k", b"v2", version=2, ttl_seconds=60, create=True)

    assert pair.cache.load("k") == Stored(b"v2", 2)


def test_failed_save_is_told(pair: Pair) -> None:
    """While the primary is down a save fails, so that its writer owes it; this machine has it all the same."""
    pair.redis.is_down = True

    with pytest.raises(CacheUnavailable, match=DOWN):
        pair.save(1)

    assert pair.cache.load("k") == Stored(b"v1", 1)


def test_logout_of_this_machine_survives_the_primary(pair: Pair) -> None:
    """A tombstone holds here while the primary is down, and after it restarted empty; it is then to be told again."""
    pair.save(1)
    pair.cache.bury("k", ttl_seconds=60)
    pair.redis.is_down = True
    assert pair.cache.load("k") == Stored(None, 0)
    assert pair.save(2) is SaveOutcome.BURIED

    pair.empty_redis()

    assert pair.cache.load("k") == Stored(None, 0, is_settled=False)
    assert pair.save(2) is SaveOutcome.BURIED


def test_logout_of_another_machine_holds(pair: Pair) -> None:
    """The primary's tombstone wins over this machine's copy, and over a save."""
    pair.save(1)
    pair.redis.bury("k", ttl_seconds=60)

    assert pair.cache.load("k") == Stored(None, 0)
    assert pair.save(2) is SaveOutcome.BURIED


def test_logout_while_the_primary_is_down(pair: Pair) -> None:
    """This machine honours it at once; the caller learns that the others were not told."""
    pair.save(1)
    pair.redis.is_down = True

    with pytest.raises(CacheUnavailable, match=DOWN):
        pair.cache.bury("k", ttl_seconds=60)

    assert pair.cache.load("k") == Stored(None, 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda pair: pair.cache.load("k"),
        lambda pair: pair.save(1),
        lambda pair: pair.cache.bury("k", ttl_seconds=1),
        lambda pair: pair.cache.take_lease("k", ttl_seconds=1),
    ],
    ids=["load", "save", "bury", "take_lease"],
)
def test_both_down(pair: Pair, call: Callable[[Pair], object]) -> None:
    """With both out of reach the primary's failure is told."""
    pair.redis.is_down = pair.file.is_down = True

    with pytest.raises(CacheUnavailable, match=DOWN):
        call(pair)


def test_nothing_known_while_the_primary_is_down(pair: Pair) -> None:
    """That the standby knows nothing proves nothing."""
    pair.redis.is_down = True

    with pytest.raises(CacheUnavailable, match=DOWN):
        pair.cache.load("k")


def test_update_writes_only_over_what_is_there(pair: Pair) -> None:
    """An update that the primary refuses leaves nothing behind on this machine."""
    assert pair.save(1, create=False) is SaveOutcome.MISSING

    pair.redis.is_down = True
    with pytest.raises(CacheUnavailable):
        pair.cache.load("k")


def test_update_while_the_primary_is_down_creates_nothing(pair: Pair) -> None:
    """An update of what this machine does not know either leaves nothing behind."""
    pair.redis.is_down = True
    with pytest.raises(CacheUnavailable):
        pair.save(1, create=False)

    assert pair.file.load("k") is None


def test_update_after_the_file_was_lost(pair: Pair) -> None:
    """An update that the primary took is kept on this machine too, whatever was there."""
    pair.redis.save("k", b"v1", version=1, ttl_seconds=60, create=True)
    pair.save(2, create=False)

    assert pair.file.load("k") == Stored(b"v2", 2)


def test_logout_outlasts_an_outage(pair: Pair) -> None:
    """After a logout while the primary was down this machine's tombstone wins over what the primary still holds."""
    pair.save(1)
    pair.redis.is_down = True
    with pytest.raises(CacheUnavailable):
        pair.cache.bury("k", ttl_seconds=60)
    pair.redis.is_down = False

    assert pair.cache.load("k") == Stored(None, 0, is_settled=False)


def test_both_are_closed_though_one_fails(pair: Pair) -> None:
    """A file that can't be closed keeps no connection to Redis open."""
    pair.file.closes_badly = True

    with pytest.raises(CacheUnavailable):
        pair.cache.close()
    assert (pair.file.calls, pair.redis.calls) == (["close"], ["close"])
