"""Two processes that share a store: one refresh between them, a logout that both honour, and the newest version wins.

A process is a middleware of its own here: all they have in common is the store. Each test runs over every shared
store, in both cookie modes, with both processes behind one middleware and with each behind another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import anyio.from_thread
import pytest

from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb, Fault
from tests.behaviour.kit import CALLBACK, NAVIGATION, Opening, Visitor, in_parallel
from tests.behaviour.pairs import Meanwhile, Pair, log_out, twin_of
from tests.behaviour.watched import SAVE_UNDER_LOCK
from tests.providers.redis_server import admin

RECHECK_SECONDS = 5
NOTE_SECONDS = 11
"""After these a request is noted for the idle limit; shorter than the lock of a refresh."""

STALE_SECONDS = 51
EXPIRED_SECONDS = 101

TWO_MACHINES = "redis of two machines"
REDIS = ("redis", TWO_MACHINES)


@pytest.fixture(params=["sqlite", "local", *(pytest.param(name, marks=pytest.mark.redis) for name in REDIS)])
def kind(request: pytest.FixtureRequest) -> str:
    """Name the shared store, and whether the processes have more in common than that: the machine."""
    name: str = request.param
    return name


@pytest.fixture(params=["asgi+asgi", "wsgi+wsgi", "asgi+wsgi", "wsgi+asgi"])
def adapters(request: pytest.FixtureRequest) -> list[str]:
    """Name the middleware of the first process, and of the second."""
    names: str = request.param
    return names.split("+")


@pytest.fixture
def meanwhile() -> Meanwhile:
    """Return what a test may set."""
    return Meanwhile()


@pytest.fixture
def common(
    mode: str,
    kind: str,
    empty_store: Callable[[str], str],
    portal: anyio.from_thread.BlockingPortal,
    meanwhile: Meanwhile,
) -> Opening:
    """Return what both processes are opened with: a store, a FotoWeb and a clock; see the times above."""
    clock = FakeClock()
    fake = FakeFotoWeb(clients=[Client(redirect_uris=(CALLBACK,))], clock=clock, pause=meanwhile)
    fake.switch(access_token_lifetime_seconds=100, refresh_reuse_revokes=True)
    address = empty_store("redis" if kind in REDIS else kind)
    return Opening("", portal, mode, {"session_idle": 200}, address=address, fake=fake, clock=clock)


@pytest.fixture
def pair(
    adapters: list[str], common: Opening, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pair]:
    """Return the same app in two processes, as far as memory goes."""
    first = replace(common, adapter=adapters[0]).open()
    if kind == TWO_MACHINES:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "elsewhere"))
    second = replace(common, adapter=adapters[1]).open()
    assert first.store.shared
    yield first, second
    first.close()
    second.close()


@pytest.fixture
def member(pair: Pair) -> Visitor:
    """Return somebody who logged in at the first process and was seen by both."""
    visitor = pair[0].visitor()
    visitor.log_in()
    assert visitor.get("/").status == 200
    assert twin_of(visitor, pair[1]).get("/").status == 200
    return visitor


@pytest.fixture
def lose_everything(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], None]:
    """Return what empties the store as an accident does: its files are deleted, or its Redis is started again."""

    def lose() -> None:
        if kind in REDIS:
            with admin(request.getfixturevalue("redis_of_all").url) as client:
                client.flushall()
        for file in [path for path in tmp_path.rglob("*") if path.is_file()]:
            file.unlink()

    return lose


def test_one_refresh_between_processes(pair: Pair, member: Visitor) -> None:
    """Eight requests on an expired token, four in each process: one refresh, eight answers, and the session lives.

    Shows R-TE14.
    """
    first, second = pair
    first.clock.advance(EXPIRED_SECONDS)
    headers = [*NAVIGATION.items(), *member.jar.header("/")]

    replies = in_parallel(8, lambda number: pair[number % 2].adapter.request("GET", "/", headers))

    assert [reply.status for reply in replies] == [200] * 8
    assert len({reply.seen["token"] for reply in replies}) == 1
    assert first.refreshes == 1
    assert twin_of(member, second).get("/").status == 200


def test_waiting_for_another_process(pair: Pair, member: Visitor, meanwhile: Meanwhile) -> None:
    """While one process refreshes, a request in the other waits and goes on with the result."""
    first, second = pair
    twin, tokens = twin_of(member, second), []
    waiting = threading.Thread(target=lambda: tokens.append(twin.get("/").seen["token"]))
    watched = second.store.begin_again()

    def begin_and_wait() -> None:
        waiting.start()
        assert watched.wait_for("acquire_lock")

    meanwhile.work = begin_and_wait
    first.fake.fault("token", Fault.slow(0.01), times=1)
    first.clock.advance(EXPIRED_SECONDS)
    token = member.get("/").seen["token"]
    waiting.join(30)

    assert (tokens, first.refreshes) == ([token], 1)


def test_logout_elsewhere(pair: Pair, member: Visitor) -> None:
    """A logout at one process is honoured by the other within FOTOWEB_CACHE_RECHECK, and by a third at once."""
    first, second = pair
    twin = twin_of(member, second)
    log_out(member)
    first.clock.advance(RECHECK_SECONDS)

    assert twin.get("/").status == 401
    assert twin_of(twin, first).get("/").status == 401


def test_fresh_session_asks_seldom(pair: Pair, member: Visitor) -> None:
    """Of a fresh session the store is asked no more often than FOTOWEB_CACHE_RECHECK says."""
    first, second = pair
    twin, watched = twin_of(member, second), second.store.begin_again()
    for _ in range(2 * RECHECK_SECONDS):
        assert twin.get("/").status == 200
        assert twin.get("/").status == 200
        first.clock.advance(1)

    assert watched.calls == ["load"]


@pytest.mark.parametrize(
    ("age_seconds", "status"), [(STALE_SECONDS, 200), (EXPIRED_SECONDS, 401)], ids=["stale", "expired"]
)
def test_logout_while_a_refresh_is_in_flight(
    pair: Pair, member: Visitor, meanwhile: Meanwhile, age_seconds: float, status: int
) -> None:
    """A refresh that is in flight during a logout elsewhere does not bring the session back, here or there."""
    first, second = pair
    old, twin = twin_of(member, first), twin_of(member, second)
    meanwhile.work = lambda: log_out(twin)
    first.fake.fault("token", Fault.slow(0.01), times=1)
    first.clock.advance(age_seconds)

    assert member.get("/").status == status
    assert first.refreshes == 1
    for visitor in (member, old, twin_of(member, second), twin_of(old, second)):
        assert visitor.get("/").status == 401


def test_note_comes_after_a_refresh(pair: Pair, member: Visitor) -> None:
    """A note for the idle limit, written when the other process has just refreshed, overwrites nothing."""
    first, second = pair
    twin, tokens = twin_of(member, second), []

    def refresh_elsewhere() -> None:
        first.clock.advance(EXPIRED_SECONDS)
        tokens.append(member.get("/").seen["token"])

    second.store.before("save", refresh_elsewhere)
    first.clock.advance(NOTE_SECONDS)
    assert twin.get("/").status == 200
    first.clock.advance(RECHECK_SECONDS)

    assert [twin.get("/").seen["token"], member.get("/").seen["token"]] == tokens * 2
    assert set(first.fake.posts_per_refresh_token.values()) == {1}


def test_note_comes_during_a_refresh(pair: Pair, member: Visitor) -> None:
    """A note that the other process wrote during a refresh does not stand in the refresh's way."""
    first, second = pair
    twin = twin_of(member, second)
    first.clock.advance(STALE_SECONDS)

    def note_elsewhere() -> None:
        first.clock.advance(NOTE_SECONDS)
        twin.get("/")

    first.store.before(SAVE_UNDER_LOCK, note_elsewhere)
    old = member.get("/").seen["token"]
    first.clock.advance(RECHECK_SECONDS)

    tokens = [member.get("/").seen["token"], twin.get("/").seen["token"]]

    assert tokens[0] == tokens[1] != old
    assert first.refreshes == 1


def test_note_comes_after_a_logout(pair: Pair, member: Visitor) -> None:
    """A note for the idle limit, written when the other process has just logged out, brings nothing back."""
    first, second = pair
    twin = twin_of(member, second)
    second.store.before("save", lambda: log_out(member))
    first.clock.advance(NOTE_SECONDS)
    twin.get("/")

    stored = second.store.stored_session()
    assert stored is not None
    assert stored.value is None
    first.clock.advance(RECHECK_SECONDS)
    assert twin.get("/").status == 401


@pytest.mark.parametrize("save", ["save", SAVE_UNDER_LOCK], ids=["note", "refresh"])
def test_lost_entry_is_not_created_by_an_update(
    pair: Pair, member: Visitor, lose_everything: Callable[[], None], save: str
) -> None:
    """In reference mode a note or a refresh creates no entry that is gone: only a cookie can carry a session on."""
    first, _ = pair
    watched = first.store.begin_again()
    watched.before(save, lose_everything)
    first.clock.advance(EXPIRED_SECONDS if save == SAVE_UNDER_LOCK else NOTE_SECONDS)
    member.get("/")

    assert save in watched.calls
    assert (first.store.stored_session() is None) == (first.settings.cookie_mode == "reference")


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
def test_old_cookie_gets_the_newest(pair: Pair, member: Visitor, *, is_known: bool) -> None:
    """A cookie older than the last refresh gets the newest token, and the newest cookie, at the other process too.

    Shows R-CS11.
    """
    first, second = pair
    old = twin_of(member, second)
    if not is_known:
        second.restart()
    first.clock.advance(EXPIRED_SECONDS)
    token = member.get("/").seen["token"]

    reply = old.get("/")

    assert (reply.seen["token"], first.refreshes) == (token, 1)
    assert bool(reply.all("Set-Cookie")) == (first.settings.cookie_mode == "sealed")
    assert twin_of(old, first).get("/").all("Set-Cookie") == []


def test_newest_cookie_outlives_the_cache(pair: Pair, member: Visitor, lose_everything: Callable[[], None]) -> None:
    """A process that knows an old version takes the newer one from a cookie; in reference mode nothing is left."""
    first, second = pair
    old = twin_of(member, second)
    first.clock.advance(EXPIRED_SECONDS)
    token = member.get("/").seen["token"]
    lose_everything()

    replies = [twin_of(member, second).get("/"), old.get("/")]

    if first.settings.cookie_mode == "reference":
        assert [reply.status for reply in replies] == [401, 401]
        return
    assert [reply.seen["token"] for reply in replies] == [token, token]
    assert first.refreshes == 1


def test_opening_is_lazy(adapter: str, mode: str, portal: anyio.from_thread.BlockingPortal) -> None:
    """A Redis that is down at start stops nothing: an anonymous request is answered as ever."""
    site = Opening(adapter, portal, mode, address="redis://127.0.0.1:1").open()

    assert site.visitor().visit("/").status == 302
