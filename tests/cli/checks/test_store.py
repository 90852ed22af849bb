"""The session store: written, read and revoked once."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from fotoweb_middleware.cli.checks import store as store_check
from fotoweb_middleware.cli.checks.store import check_store, try_store
from fotoweb_middleware.errors import SettingsError, StoreUnavailable
from fotoweb_middleware.stores import MemoryStore, SaveOutcome, StoredEntry, StoreLock
from tests.cli.samples import settings


class Odd(MemoryStore):
    """A store that fails in one of its calls."""

    def __init__(self, **answers: Any) -> None:
        super().__init__(10, time.monotonic)
        self._answers = answers
        self.closed = False

    def save(self, *arguments: Any, **options: Any) -> SaveOutcome:
        """Answer as told, else as a store does."""
        if "save" in self._answers:
            outcome: SaveOutcome = self._answer("save")
            return outcome
        return super().save(*arguments, **options)

    def load(self, key: str) -> StoredEntry | None:
        """Answer as told, else as a store does."""
        return self._answer("load") if "load" in self._answers else super().load(key)

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """Do nothing where told so."""
        if "revoke" not in self._answers:
            super().revoke(key, ttl_seconds=ttl_seconds)

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """Answer as told, else as a store does."""
        if "acquire_lock" not in self._answers:
            return super().acquire_lock(key, ttl_seconds=ttl_seconds)
        lock: StoreLock | None = self._answer("acquire_lock")
        return lock

    def release_lock(self, lock: StoreLock) -> None:
        """Fail or do nothing where told so."""
        if "release_lock" not in self._answers:
            super().release_lock(lock)
        else:
            self._answer("release_lock")

    def close(self) -> None:
        """Remember it."""
        self.closed = True

    def _answer(self, name: str) -> Any:
        answer = self._answers[name]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_memory_store_is_well() -> None:
    """A store that does what it should is ok, and its reach is told."""
    (finding,) = check_store(settings(cache="memory://"))

    assert finding.level == "ok"
    assert "only this process" in finding.what


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"save": SaveOutcome.NEWER}, "lost an entry"),
        ({"load": None}, "lost an entry"),
        ({"load": StoredEntry(b"other", 1)}, "lost an entry"),
        ({"revoke": None}, "did not keep a logout"),
        ({"acquire_lock": None}, "does not stop two processes from refreshing one token at once"),
        ({"acquire_lock": StoreLock("k", "me", 1)}, "does not stop two processes from refreshing one token at once"),
        ({"release_lock": None}, "does not stop two processes from refreshing one token at once"),
    ],
)
def test_faulty_store(answers: dict[str, Any], words: str) -> None:
    """Each way in which a store can fail has its words and its advice."""
    finding = try_store(Odd(**answers), "redis://cache.example")

    assert finding.level == "bad"
    assert words in finding.what
    assert finding.hint


@pytest.mark.parametrize("call", ["save", "load", "acquire_lock", "release_lock"])
def test_store_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Whatever call fails first, its reason is the finding."""
    store = Odd(**{call: StoreUnavailable("no route")})
    monkeypatch.setattr(store_check, "open_store", lambda *_, **__: store)

    (finding,) = check_store(settings())

    assert (finding.level, finding.what) == ("bad", "The session store can't be used: no route.")
    assert finding.hint


@pytest.mark.parametrize(
    ("cache", "said", "what", "hint"),
    [
        ("redis://cache.example", "Redis at x: refused; start it.", "Redis at x: refused.", "Start it."),
        ("redis://cache.example", "Redis at x: may not (ACL); look.", "Redis at x: may not (ACL).", "permissions"),
        ("redis://cache.example", "Redis at x was down.", "Redis at x was down.", "Look into its log."),
        ("sqlite:///sessions.db", "locked; by another.", "locked; by another.", "sqlite3 shell"),
    ],
)
def test_advice_fits_the_store(monkeypatch: pytest.MonkeyPatch, cache: str, said: str, what: str, hint: str) -> None:
    """What a Redis's words advise is the advice; nobody is asked for the password of a file."""
    monkeypatch.setattr(store_check, "open_store", lambda *_, **__: Odd(save=StoreUnavailable(said)))
    monkeypatch.setattr(store_check, "would_be_roots_file", lambda _: False)

    (finding,) = check_store(settings(cache=cache))

    assert finding.what == f"The session store can't be used: {what}"
    assert hint in finding.hint


@pytest.mark.parametrize(
    ("cache", "what"),
    [
        (
            "redis+sentinel://:planted@127.0.0.1:1/mymaster",
            "Redis 'mymaster' of the sentinels 127.0.0.1:1: no sentinel can be asked: connection refused.",
        ),
        ("redis+cluster://:planted@127.0.0.1:1", "Redis Cluster at 127.0.0.1:1: connection refused."),
    ],
)
def test_sentinels_and_clusters(cache: str, what: str) -> None:
    """Of sentinels and clusters it is told who is missing."""
    (finding,) = check_store(settings(cache=cache))

    assert (finding.level, finding.what) == ("bad", f"The session store can't be used: {what}")
    assert "planted" not in finding.hint


def test_local_tells_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where local:// keeps its sessions is told, so that two processes can be compared."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    (finding,) = check_store(settings(cache="local://"))

    (file,) = (tmp_path / "fotoweb-middleware").glob("*.sqlite")
    assert finding.level == "ok"
    assert f"local:// (the file {file})" in finding.what


def test_local_without_a_safe_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where local:// found no place for its file, the check warns as the app's log does, and says what to do."""
    monkeypatch.setattr(store_check, "open_store", lambda *_, **__: MemoryStore(10, time.monotonic))

    (finding,) = check_store(settings(cache="local://"))

    assert finding.level == "warn"
    assert "no place for its file" in finding.what
    assert "sqlite:///" in finding.hint


def test_why_local_has_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder that was looked at is named, so that one of them can be made fit."""
    tmp_path.chmod(0o777)  # Anybody could put a file of theirs there.
    for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    (finding,) = check_store(settings(cache="local://"))

    assert finding.level == "warn"
    places = f"{tmp_path}/XDG_RUNTIME_DIR and {tmp_path}/XDG_STATE_HOME"
    assert f"no place for its file ({tmp_path} is not safe; {places} can't be used either)" in finding.what


def test_local_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files have no owners there is no file, and the check says so."""
    monkeypatch.delattr(os, "geteuid")

    (finding,) = check_store(settings(cache="local://"))

    assert "no place for its file (there is none on Windows)" in finding.what


def test_store_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are given back, also after a failure."""
    store = Odd(save=StoreUnavailable("no"))
    monkeypatch.setattr(store_check, "open_store", lambda *_, **__: store)

    check_store(settings())

    assert store.closed


@pytest.mark.parametrize("error", [SettingsError("install the extra"), StoreUnavailable("no route")])
def test_store_that_can_not_be_opened(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A store that can't be opened is a finding; its password is not shown."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(store_check, "open_store", fail)

    (finding,) = check_store(settings(cache="redis://:planted@cache.example/0"))

    assert finding.level == "bad"
    assert str(error) in str(finding)
    assert "planted" not in str(finding)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of somebody else's")
def test_root_makes_no_file_in_the_apps_folder(tmp_path: Path) -> None:
    """Run as root, the check leaves no file behind that the app, as another user, would refuse."""
    folder = tmp_path / "app"
    folder.mkdir()
    os.chown(folder, 12345, 12345)

    (finding,) = check_store(settings(cache=f"sqlite:///{folder}/sessions.db"))

    assert finding.level == "warn"
    assert "Run this as the app's user" in str(finding)
    assert list(folder.iterdir()) == []
