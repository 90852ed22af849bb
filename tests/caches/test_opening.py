"""From ``FOTOWEB_CACHE`` to a cache."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fotoweb_middleware.caches.faces import InlineFace
from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.offloaded import OffloadedFace
from fotoweb_middleware.caches.opening import open_async_cache, open_cache, tell_that_local_is_memory
from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.testing import FakeClock
from tests.settings.samples import settings


@pytest.fixture(autouse=True)
def untold() -> Iterator[None]:
    """Let the warning that comes once in a process come again."""
    tell_that_local_is_memory.cache_clear()
    yield
    tell_that_local_is_memory.cache_clear()


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


def test_memory() -> None:
    """``memory://`` is this process's memory."""
    assert isinstance(open_cache(settings(cache="memory://")), MemoryCache)


def test_local_is_shared(own_folder: Path) -> None:
    """What one process writes to ``local://`` another one reads; the file lies in the runtime directory."""
    first, second = open_cache(settings(cache="local://")), open_cache(settings(cache="local://"))
    first.save("k", b"v", version=1, ttl_seconds=60, create=True)

    assert second.load("k") == Stored(b"v", 1)
    assert len(list(own_folder.rglob("*.sqlite"))) == 1


@pytest.mark.parametrize("change", [{"client_id": "another"}, {"url": "https://another.test"}])
@pytest.mark.usefixtures("own_folder")
def test_local_of_another_configuration(change: dict[str, str]) -> None:
    """Another client or site on the same machine has a file of its own."""
    first, second = open_cache(settings(cache="local://")), open_cache(settings(cache="local://", **change))
    first.save("k", b"v", version=1, ttl_seconds=60, create=True)

    assert second.load("k") is None


@pytest.mark.usefixtures("own_folder")
def test_local_while_a_key_is_changed() -> None:
    """Another key names the same file: processes that restart one by one have to agree."""
    first = open_cache(settings(cache="local://"))
    second = open_cache(settings(cache="local://", secret_key="another-key-of-32-characters-or-more"))
    first.save("k", b"v", version=1, ttl_seconds=60, create=True)

    assert second.load("k") == Stored(b"v", 1)


@pytest.mark.usefixtures("own_folder")
def test_local_never_blocks_an_event_loop() -> None:
    """The ASGI door reads and writes the file in threads."""
    assert isinstance(open_async_cache(settings(cache="local://")), OffloadedFace)


@pytest.mark.usefixtures("nowhere")
def test_local_without_a_place() -> None:
    """With no safe place for its file ``local://`` is this process's memory, through both doors."""
    assert isinstance(open_cache(settings(cache="local://")), MemoryCache)
    assert isinstance(open_async_cache(settings(cache="local://")), InlineFace)


def test_memory_awaitable() -> None:
    """The ASGI door gets the awaitable face of the same."""
    assert isinstance(open_async_cache(settings(cache="memory://")), InlineFace)


def test_size() -> None:
    """The cache holds as many sessions as ``FOTOWEB_CACHE_SIZE`` says."""
    cache = open_cache(settings(cache="memory://", cache_size=1))
    for key in ("a", "b"):
        cache.save(key, b"v", version=1, ttl_seconds=60, create=True)
    assert cache.load("a") is None


def test_clock() -> None:
    """The cache runs on the clock it is given."""
    clock = FakeClock()
    cache = open_cache(settings(cache="memory://"), monotonic=clock)
    cache.bury("k", ttl_seconds=60)
    clock.advance(61)
    assert cache.load("k") is None


@pytest.mark.usefixtures("nowhere")
def test_local_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    """``local://`` says once in a process that it found no place."""
    open_cache(settings(cache="local://"))
    open_async_cache(settings(cache="local://"))
    told = [record for record in caplog.records if record.name == "fotoweb_middleware.caches"]
    assert [record.levelno for record in told] == [logging.WARNING]


def test_memory_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """``memory://`` is what it says and needs no warning."""
    open_cache(settings(cache="memory://"))
    assert not [record for record in caplog.records if record.name == "fotoweb_middleware.caches"]


def test_sqlite(tmp_path: Path) -> None:
    """``sqlite://`` is the file that it names, given in full."""
    address = f"sqlite:///{tmp_path}/sessions.db"
    open_cache(settings(cache=address)).save("k", b"v", version=1, ttl_seconds=60, create=True)

    assert open_cache(settings(cache=address)).load("k") == Stored(b"v", 1)
    assert (tmp_path / "sessions.db").is_file()


def test_sqlite_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With three slashes the path is relative to where the app was started, wherever it goes later."""
    monkeypatch.chdir(tmp_path)
    cache = open_cache(settings(cache="sqlite:///sessions.db"))
    monkeypatch.chdir("/")
    cache.save("k", b"v", version=1, ttl_seconds=60, create=True)

    assert (tmp_path / "sessions.db").is_file()


def test_sqlite_without_folder(tmp_path: Path) -> None:
    """A folder that went away after the settings were read ends the start, and the message names it."""
    folder = tmp_path / "missing"
    folder.mkdir()
    read = settings(cache=f"sqlite:///{folder}/sessions.db")
    folder.rmdir()

    with pytest.raises(SettingsError, match=f"no folder {folder}"):
        open_cache(read)


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
@pytest.mark.usefixtures("own_folder")
def test_redis(scheme: str) -> None:
    """A Redis is opened with the face of the door, a file of this machine beside it, and not connected to yet."""
    address = f"{scheme}://:S3CR3T@cache.example/0"
    faces = (open_cache(settings(cache=address)), open_async_cache(settings(cache=address)))

    assert [type(face).__name__ for face in faces] == ["StandbyCache", "AsyncStandbyCache"]
    assert all(face.shared and "S3CR3T" not in repr(face) for face in faces)


@pytest.mark.usefixtures("own_folder")
def test_redis_alone_in_reference_mode() -> None:
    """In reference mode the Redis alone decides who is logged in: nothing stands beside it."""
    given = settings(cache="redis://cache.example/0", cookie_mode="reference")

    assert [type(face).__name__ for face in (open_cache(given), open_async_cache(given))] == [
        "RedisCache",
        "AsyncRedisCache",
    ]


@pytest.mark.usefixtures("nowhere")
def test_redis_without_a_place(caplog: pytest.LogCaptureFixture) -> None:
    """Where this machine has no safe place for a file, a Redis does without, and says nothing."""
    given = settings(cache="redis://cache.example/0")

    assert [type(face).__name__ for face in (open_cache(given), open_async_cache(given))] == [
        "RedisCache",
        "AsyncRedisCache",
    ]
    assert not caplog.records
