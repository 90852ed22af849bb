"""From ``FOTOWEB_CACHE`` to a store."""

from __future__ import annotations

import errno
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.stores import MemoryStore, SqliteStore, Store, open_store
from fotoweb_middleware.stores.base import StoredEntry
from fotoweb_middleware.testing import FakeClock
from tests.settings.samples import settings
from tests.stores.sqlite_kit import fails, save


@pytest.fixture(autouse=True)
def homeless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep ``local://`` out of the home directory."""
    monkeypatch.setenv("HOME", str(tmp_path / "nonexistent"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave ``local://`` no safe place: both directories are open to everybody, so anybody could swap its folder."""
    tmp_path.chmod(0o777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give ``local://`` a runtime directory of its own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def opened(cache: str, **changes: Any) -> Store:
    """Return the store of an address."""
    return open_store(settings(cache=cache, **changes), clock=time.time, monotonic=time.monotonic)


def refused(cache: str) -> str:
    """Return the message with which an address is refused."""
    read = settings(cache=cache)
    with pytest.raises(SettingsError) as raised:
        open_store(read, clock=time.time, monotonic=time.monotonic)
    return str(raised.value)


def test_memory(caplog: pytest.LogCaptureFixture) -> None:
    """``memory://`` is this process's memory, holds as many sessions as set, runs on the given clock, and warns not."""
    clock = FakeClock()
    store = open_store(settings(cache="memory://", cache_size=1), clock=time.time, monotonic=clock)
    save(store, "a")
    save(store, "b", ttl_seconds=60)
    kept = [store.load(key) for key in ("a", "b")]
    clock.advance(61)
    assert (kept, store.load("b"), caplog.messages) == ([None, StoredEntry(b"v", 1)], None, [])


def test_local_is_shared(own_folder: Path) -> None:
    """What one process writes to ``local://`` another one reads; the file lies in the runtime directory."""
    first, second = opened("local://"), opened("local://")
    save(first)
    assert second.load("k") == StoredEntry(b"v", 1)
    assert len(list(own_folder.rglob("*.sqlite"))) == 1


@pytest.mark.parametrize("change", [{"client_id": "another"}, {"url": "https://another.test"}])
@pytest.mark.usefixtures("own_folder")
def test_local_of_another_configuration(change: dict[str, str]) -> None:
    """Another client or site on the same machine has a file of its own."""
    first, second = opened("local://"), opened("local://", **change)
    save(first)
    assert second.load("k") is None


@pytest.mark.usefixtures("own_folder")
def test_local_while_a_key_is_changed() -> None:
    """Another key names the same file: processes that restart one by one have to agree."""
    first, second = opened("local://"), opened("local://", secret_key="another-key-of-32-characters-or-more")
    save(first)
    assert second.load("k") == StoredEntry(b"v", 1)


@pytest.mark.usefixtures("nowhere")
def test_local_without_a_place(caplog: pytest.LogCaptureFixture) -> None:
    """With no safe place for its file ``local://`` is this process's memory, with one warning."""
    assert isinstance(opened("local://"), MemoryStore)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_local_without_a_temporary_directory(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A container without any temporary directory starts, with one warning."""

    def raise_as_there() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp', '/var/tmp']")

    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(tempfile, "gettempdir", raise_as_there)
    assert isinstance(opened("local://"), MemoryStore)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``sqlite://`` is the file that it names, in full or relative to where the app was started."""
    monkeypatch.chdir(tmp_path)
    relative = opened("sqlite:///sessions.db")
    monkeypatch.chdir("/")
    save(relative)
    full = opened(f"sqlite:///{tmp_path}/sessions.db")
    assert isinstance(full, SqliteStore)
    assert (full.load("k"), full.path) == (StoredEntry(b"v", 1), tmp_path / "sessions.db")


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_sqlite_file_of_another_user(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that belongs to somebody else is refused, and the message says what to do."""
    planted = tmp_path / f"sessions.db{suffix}"
    planted.touch(0o600)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)  # Only root could give the file away instead.
    message = refused(f"sqlite:///{tmp_path}/sessions.db")
    assert f"{planted} belongs to another user (uid {owner})" in message
    assert "chown" in message


@pytest.mark.parametrize("mode", [0o666, 0o602])
def test_sqlite_file_writable_for_others(mode: int, tmp_path: Path) -> None:
    """A file that others may write to is refused, and the message says what to do."""
    path = tmp_path / "sessions.db"
    path.touch()
    path.chmod(mode)
    assert f"chmod 600 {path}" in refused(f"sqlite:///{path}")


@pytest.mark.parametrize("is_own_group", [True, False])
def test_sqlite_file_of_a_group(is_own_group: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that a group may write to is refused, unless it is one of this process's: volumes come like that."""
    path = tmp_path / "sessions.db"
    path.touch()
    path.chmod(0o660)
    group = path.stat().st_gid
    monkeypatch.setattr(os, "getegid", lambda: group if is_own_group else group + 1)
    monkeypatch.setattr(os, "getgroups", list)
    if is_own_group:
        save(opened(f"sqlite:///{path}"))
    else:
        assert f"chmod 600 {path}" in refused(f"sqlite:///{path}")


def test_sqlite_file_planted_later(tmp_path: Path) -> None:
    """A file that was put there after the start is not opened either."""
    path = tmp_path / "sessions.db"
    store = opened(f"sqlite:///{path}")
    path.touch()
    path.chmod(0o666)
    assert "chmod 600" in fails(lambda: store.load("k"))


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_redis(scheme: str) -> None:
    """A Redis is not connected to yet, and its password not shown."""
    store = opened(f"{scheme}://:S3CR3T@cache.example/0")
    assert (type(store).__name__, store.shared, "S3CR3T" in repr(store)) == ("RedisStore", True, False)
