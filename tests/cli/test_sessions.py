"""``fotoweb-middleware sessions``: who is signed in to an app, and an end to it, from another process."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fotoweb_middleware.cli import sessions
from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.stores.sqlite import SqliteStore
from fotoweb_middleware.testing import FakeClock, User
from tests.behaviour.kit import SECRET_KEY, Opening, Visited, Visitor
from tests.cli.samples import run
from tests.stores.redis_kit import free_port

TOKEN_SECONDS = 28_800
OTHER_KEY = "nW4qL8vR2yT6uB0mZ3xC7kJ1hG5fD9sA"

OpenSite = Callable[..., Visited]


@pytest.fixture(params=["sqlite", "local", pytest.param("redis", marks=pytest.mark.redis)])
def every_store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return what ``FOTOWEB_CACHE`` holds, for each kind of store that processes share."""
    if request.param == "redis":
        address: str = request.getfixturevalue("redis_server").url
        return address
    return "local://" if request.param == "local" else f"sqlite:///{tmp_path}/sessions.db"


@pytest.fixture
def open_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenSite:
    """Return a function that opens an app; the command has its environment and its clock."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    def open_with(address: str = "", mode: str = "sealed", **choices: Any) -> Visited:
        changes = choices.pop("changes", {})
        address = address or f"sqlite:///{tmp_path}/sessions.db"
        site = Opening("wsgi", None, mode, changes, address, **choices).open()  # type: ignore[arg-type]
        given = {
            "url": site.settings.url,
            "client_id": site.settings.client_id,
            "client_secret": site.settings.client_secret.get_secret_value(),
            "secret_key": ",".join(site.settings.secret_keys),
            "cache": address,
            "cookie_mode": mode,
            **changes,
        }
        for name, value in given.items():
            monkeypatch.setenv(f"FOTOWEB_{name.upper()}", str(value))
        monkeypatch.setattr(sessions, "time", SimpleNamespace(time=site.wall, monotonic=site.clock))
        return site

    return open_with


@pytest.fixture
def site(open_app: OpenSite) -> Visited:
    """Return an app whose sessions lie in a SQLite file."""
    return open_app()


def signed_in(site: Visited, user_name: str = "alice") -> Visitor:
    """Return somebody who is signed in."""
    visitor = site.visitor(user_name)
    visitor.log_in()
    return visitor


def listed() -> list[dict[str, Any]]:
    """Return what the command lists."""
    found: list[dict[str, Any]] = json.loads(run("sessions", "list", "--json").stdout)["sessions"]
    return found


def names() -> list[str]:
    """Return who is listed."""
    return [each["user_name"] for each in listed()]


# ------------------------------------------------------------------------------------------------------- what it lists


@pytest.mark.parametrize("mode", ["sealed", "reference"])
def test_who_is_signed_in(open_app: OpenSite, every_store: str, mode: str) -> None:
    """Every shared store tells who is signed in, in both cookie modes, the oldest login first."""
    site = open_app(every_store, mode)
    for user_name in ("bob", "alice"):
        signed_in(site, user_name)
        site.clock.advance(60)

    assert names() == ["bob", "alice"]


def test_what_is_shown(site: Visited) -> None:
    """A line has the session's id as in the log, since when, the user name and the full name; and nothing secret."""
    signed_in(site)
    header, line, total = run("sessions", "list").stdout.splitlines()

    (session,) = listed()
    assert header.split() == ["ID", "SINCE", "USER", "NAME"]
    assert line.split(maxsplit=3) == [session["id"], session["since"], "alice", session["full_name"]]
    assert re.fullmatch(r"[0-9a-f]{12} 2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ", f"{session['id']} {session['since']}")
    assert total == "1 signed in"


def test_the_id_of_the_log(site: Visited, caplog: pytest.LogCaptureFixture) -> None:
    """The id is the one in the app's log."""
    caplog.set_level("INFO", "fotoweb_middleware")
    signed_in(site)

    assert f"logged in session={listed()[0]['id']}" in caplog.text


def test_names_that_a_terminal_would_obey(site: Visited) -> None:
    """Control characters in a name don't reach the terminal, letters of all languages do."""
    for user_id, full_name in enumerate(("J\u00f6rg", "\x1b[2J\u202e"), 700):
        user = site.fake.add_user(User(user_name=f"user{user_id}", user_id=user_id, full_name=full_name))
        signed_in(site, user.user_name)
    shown = run("sessions", "list").stdout

    assert "J\u00f6rg" in shown
    assert [character for character in shown if not character.isprintable()] == ["\n"] * 4


def test_somebody_unknown(open_app: OpenSite) -> None:
    """A session without a user is listed too, and can be ended by its id."""
    site = open_app(changes={"fetch_user": False})
    visitor = signed_in(site)
    shown, session = run("sessions", "list").stdout, listed()[0]
    done = run("sessions", "revoke", session["id"])
    site.clock.advance(6)

    assert ("(unknown)" in shown, session["user_name"]) == (True, None)
    assert (done.exit_code, visitor.get("/").status) == (0, 401)


def test_nobody(site: Visited) -> None:
    """Where nobody is signed in any more, that is all there is to say."""
    visitor = signed_in(site)
    visitor.send("POST", "/oauth2/logout")
    done = run("sessions", "list")

    assert (done.exit_code, done.stdout) == (0, "0 signed in\n")


def test_refused_by_fotoweb(site: Visited) -> None:
    """A session that FotoWeb refused to refresh is not listed."""
    visitor = signed_in(site)
    site.fake.revoke_everything()
    site.clock.advance(TOKEN_SECONDS)

    assert (names(), visitor.get("/").status, names()) == (["alice"], 401, [])


@pytest.mark.parametrize(
    ("seconds", "changes", "refresh_tokens"),
    [(43_200, {}, True), (600, {"session_idle": 600}, True), (TOKEN_SECONDS, {}, False)],
    ids=["lifetime", "idle", "token that can't be refreshed"],
)
def test_over(open_app: OpenSite, seconds: float, changes: dict[str, Any], refresh_tokens: bool) -> None:
    """A session whose time is over is not listed, though the store may keep it for longer."""
    site = open_app(changes=changes)
    site.fake.switch(refresh_tokens=refresh_tokens)
    signed_in(site)
    site.clock.advance(seconds - 1)
    before = names()
    site.clock.advance(1)

    assert (before, names()) == (["alice"], [])


def test_other_apps_in_the_same_store(open_app: OpenSite) -> None:
    """Apps with another key, cookie name or client that share the store are not listed, and not ended."""
    clock, others = FakeClock(), ({"secret_key": OTHER_KEY}, {"cookie_name": "other"})
    theirs = [signed_in(open_app(changes=changes, clock=clock), "bob") for changes in others]
    site = open_app(changes={"secret_key": SECRET_KEY, "cookie_name": "fotoweb"}, clock=clock)
    mine = signed_in(site)

    assert (names(), run("sessions", "revoke-all", "--yes").exit_code) == (["alice"], 0)
    site.clock.advance(6)
    assert [visitor.get("/").status for visitor in (mine, *theirs)] == [401, 200, 200]


def test_keys_are_changed(site: Visited, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that an older key sealed is listed as long as that key is set."""
    signed_in(site)
    monkeypatch.setenv("FOTOWEB_SECRET_KEY", f"{OTHER_KEY},{SECRET_KEY}")
    both = names()
    monkeypatch.setenv("FOTOWEB_SECRET_KEY", OTHER_KEY)

    assert (both, names()) == (["alice"], [])


def test_session_that_the_store_had_lost(site: Visited) -> None:
    """A sealed session that the store lost is listed again once it was used."""
    visitor = signed_in(site)
    site.store.close()
    Path(site.settings.cache.removeprefix("sqlite:///")).unlink()
    site.clock.advance(6)
    visitor.get("/")

    assert names() == ["alice"]


# ------------------------------------------------------------------------------------------------------- what it ends


@pytest.mark.parametrize("mode", ["sealed", "reference"])
def test_revoke_one(open_app: OpenSite, every_store: str, mode: str) -> None:
    """A session that was revoked ends within the recheck time in the app, and others live on."""
    site = open_app(every_store, mode)
    alice, bob = signed_in(site), signed_in(site, "bob")
    session_id = next(each["id"] for each in listed() if each["user_name"] == "alice")
    done = run("sessions", "revoke", session_id)
    site.clock.advance(site.settings.cache_recheck)

    assert (done.exit_code, names()) == (0, ["bob"])
    assert f"Ended {session_id} of alice, signed in since " in done.stdout
    assert [visitor.get("/").status for visitor in (alice, bob)] == [401, 200]


def test_cookie_of_a_revoked_session(site: Visited) -> None:
    """A sealed cookie does not bring it back, not even in a process that knows nothing, a lifetime later."""
    visitor = signed_in(site)
    run("sessions", "revoke", "--user", "alice")
    statuses = []
    for seconds in (0, site.settings.session_lifetime - 1):
        site.clock.advance(seconds)
        site.restart()
        statuses.append(visitor.get("/").status)

    assert (statuses, names()) == ([401, 401], [])


def test_revoke_a_person(site: Visited) -> None:
    """All sessions of one person end; the name counts letter by letter, as in FOTOWEB_ALLOWED_USERS."""
    site.fake.add_user(User(user_name="Alice", user_id=700))
    visitors = [signed_in(site, user_name) for user_name in ("alice", "Alice", "alice")]
    done = run("sessions", "revoke", "--user", "alice")
    site.clock.advance(site.settings.cache_recheck)

    assert (done.exit_code, done.stdout.count("Ended ")) == (0, 2)
    assert [visitor.get("/").status for visitor in visitors] == [401, 200, 401]


def test_revoke_all(site: Visited) -> None:
    """Everybody's session ends."""
    visitors = [signed_in(site, user_name) for user_name in ("alice", "bob")]
    done = run("sessions", "revoke-all", "--yes")
    site.clock.advance(site.settings.cache_recheck)

    assert (done.exit_code, "2 ended; within 5 s" in done.stdout) == (0, True)
    assert [visitor.get("/").status for visitor in visitors] == [401, 401]


class Terminal(io.StringIO):
    """Somebody at a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ("typed", "exit_code", "left"),
    [
        (Terminal("y\n"), 0, []),
        (Terminal("\n"), 1, ["alice"]),
        (Terminal(""), 1, ["alice"]),
        (io.StringIO("y\n"), 1, ["alice"]),
    ],
    ids=["yes", "no", "end of file", "no terminal"],
)
def test_revoke_all_asks(
    site: Visited, monkeypatch: pytest.MonkeyPatch, typed: io.StringIO, exit_code: int, left: list[str]
) -> None:
    """Without --yes the command asks at a terminal, and ends nothing where there is none."""
    signed_in(site)
    monkeypatch.setattr("sys.stdin", typed)

    assert (run("sessions", "revoke-all").exit_code, names()) == (exit_code, left)


@pytest.mark.parametrize("whose", [("0123456789ab",), ("--user", "bob")])
def test_nothing_to_revoke(site: Visited, whose: tuple[str, ...]) -> None:
    """Where no session fits, the command says so, and ends with 1."""
    signed_in(site)
    done = run("sessions", "revoke", *whose)

    assert (done.exit_code, done.stdout, names()) == (1, "", ["alice"])
    assert re.match(f"There is no session .*'{whose[-1]}'", done.stderr)


@pytest.mark.parametrize("arguments", [(), ("revoke",), ("revoke", "0123456789ab", "--user", "alice"), ("end",)])
def test_usage(arguments: tuple[str, ...]) -> None:
    """A wrong command line ends with 1, and nothing is tried."""
    done = run("sessions", *arguments)

    assert (done.exit_code, done.stderr.startswith("usage: ")) == (1, True)


def test_event(site: Visited, caplog: pytest.LogCaptureFixture) -> None:
    """Each end is an event with the reason "revoked", in the command's own log."""
    caplog.set_level("DEBUG", "fotoweb_middleware")
    signed_in(site)
    caplog.clear()
    (session,) = listed()
    run("sessions", "revoke-all", "--yes")

    assert f"session ended session={session['id']} reason=revoked" in caplog.text


# --------------------------------------------------------------------------------------------- where it can see nothing


def test_memory(open_app: OpenSite) -> None:
    """Of memory:// the command says that nobody else can see it, and what to use."""
    open_app("memory://")
    done = run("sessions", "list")

    assert (done.exit_code, done.stdout) == (1, "")
    assert "The session store is memory://, in the memory of each process of the app" in done.stderr
    assert "To do: Set FOTOWEB_CACHE=" in done.stderr


@pytest.mark.parametrize("address", ["local://", "sqlite:///{}/sessions.db"])
def test_no_file_yet(open_app: OpenSite, tmp_path: Path, address: str) -> None:
    """A file that is not there is not made, as it would be root's own: the app may use another one."""
    open_app(address.format(tmp_path))
    done = run("sessions", "list")

    assert (done.exit_code, "has no file" in done.stderr) == (1, True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_redis_is_down(open_app: OpenSite) -> None:
    """A store that is out of reach is told with its cause and what to do."""
    pytest.importorskip("redis")
    open_app(f"redis://:S3CR3T@127.0.0.1:{free_port()}/0")
    done = run("sessions", "revoke-all", "--yes")

    assert (done.exit_code, done.stdout, "S3CR3T" in done.stderr) == (1, "", False)
    assert re.search("(?s)connection refused.*To do: Start Redis", done.stderr)


def test_store_that_fails_in_between(site: Visited, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that fails after some were ended: those are told, and the command ends with 1."""
    for user_name in ("alice", "bob"):
        signed_in(site, user_name)
        site.clock.advance(1)
    revoke, times = SqliteStore.revoke, count(1)

    def fail_at_the_second(store: SqliteStore, key: str, *, ttl_seconds: float) -> None:
        if next(times) == 2:
            raise StoreUnavailable("down, as the test wants it")
        revoke(store, key, ttl_seconds=ttl_seconds)

    monkeypatch.setattr(SqliteStore, "revoke", fail_at_the_second)
    done = run("sessions", "revoke-all", "--yes")

    assert (done.exit_code, done.stdout.count("Ended "), names()) == (1, 1, ["bob"])
    assert "The session store can't be used: down" in done.stderr


def test_wrong_settings(open_app: OpenSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong settings are told as by the other commands."""
    open_app()
    monkeypatch.delenv("FOTOWEB_SECRET_KEY")
    done = run("sessions", "list")

    assert (done.exit_code, "FOTOWEB_SECRET_KEY is not set" in done.stderr) == (1, True)


def test_settings_and_store_made_in_code(open_app: OpenSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--app reads settings that code makes, and --store a store of somebody's own."""
    site = open_app("memory://", shared=True)
    signed_in(site)
    monkeypatch.setitem(sys.modules, "made_in_code", site)
    for name in ("URL", "CLIENT_ID", "CLIENT_SECRET", "SECRET_KEY", "CACHE", "COOKIE_MODE"):
        monkeypatch.delenv(f"FOTOWEB_{name}")
    done = run("sessions", "list", "--app", "made_in_code:settings", "--store", "made_in_code:store")

    assert (done.exit_code, " alice " in done.stdout) == (0, True)


def test_store_that_is_not_there(site: Visited) -> None:
    """A store that can't be imported is told as such."""
    done = run("sessions", "list", "--store", "no_such_module:store")

    assert (done.exit_code, "--store holds 'no_such_module:store', but there is no module" in done.stderr) == (1, True)
