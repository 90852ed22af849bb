"""The server cache: written, read and buried once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from fotoweb_middleware.caches import opening
from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.cli.checks import cache as cache_check
from fotoweb_middleware.cli.checks.cache import check_cache, try_cache
from fotoweb_middleware.cli.checks.finding import Level
from fotoweb_middleware.errors import CacheUnavailable, SettingsError
from tests.cli.samples import settings


class Odd(MemoryCache):
    """A cache that fails in one of its calls."""

    def __init__(self, **answers: Any) -> None:
        super().__init__(10, time.monotonic)
        self._answers = answers
        self.closed = False

    def save(self, *arguments: Any, **options: Any) -> SaveOutcome:
        """Answer as told, else as a cache does."""
        if "save" in self._answers:
            outcome: SaveOutcome = self._answer("save")
            return outcome
        return super().save(*arguments, **options)

    def load(self, key: str) -> Stored | None:
        """Answer as told, else as a cache does."""
        return self._answer("load") if "load" in self._answers else super().load(key)

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """Do nothing where told so."""
        if "bury" not in self._answers:
            super().bury(key, ttl_seconds=ttl_seconds)

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """Answer as told, else as a cache does."""
        if "take_lease" not in self._answers:
            return super().take_lease(key, ttl_seconds=ttl_seconds)
        lease: Lease | None = self._answer("take_lease")
        return lease

    def free_lease(self, lease: Lease) -> None:
        """Fail or do nothing where told so."""
        if "free_lease" not in self._answers:
            super().free_lease(lease)
        else:
            self._answer("free_lease")

    def close(self) -> None:
        """Remember it."""
        self.closed = True

    def _answer(self, name: str) -> Any:
        answer = self._answers[name]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_memory_cache_is_well() -> None:
    """A cache that does what it should is ok, and its reach is told."""
    (finding,) = check_cache(settings(cache="memory://"))

    assert finding.level is Level.OK
    assert "this process alone" in finding.what


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"save": CacheUnavailable("no route")}, "does not answer: no route"),
        ({"load": CacheUnavailable("timed out")}, "does not answer: timed out"),
        ({"save": SaveOutcome.NEWER}, "lost an entry"),
        ({"load": None}, "lost an entry"),
        ({"load": Stored(b"other", 1)}, "lost an entry"),
        ({"bury": None}, "did not keep a logout"),
        ({"take_lease": CacheUnavailable("no right")}, "does not answer: no right"),
        ({"free_lease": CacheUnavailable("no right")}, "does not answer: no right"),
        ({"take_lease": None}, "does not keep two processes from the same refresh"),
        ({"take_lease": Lease("k", "me", 1)}, "does not keep two processes from the same refresh"),
        ({"free_lease": None}, "does not keep two processes from the same refresh"),
    ],
)
def test_faulty_cache(answers: dict[str, Any], words: str) -> None:
    """Each way in which a cache can fail has its words and its advice."""
    finding = try_cache(Odd(**answers), "redis://cache.example")

    assert finding.level is Level.BAD
    assert words in finding.what
    assert finding.mend


def test_advice_fits_the_cache() -> None:
    """Nobody is asked for the password of a file, and a sentence ends in one full stop."""
    locked = try_cache(Odd(save=CacheUnavailable("locked.")), "sqlite:////data/sessions.db")
    silent = try_cache(Odd(save=CacheUnavailable("silent.")), "rediss://cache.example")

    narrow = try_cache(Odd(free_lease=CacheUnavailable("may not (ACL).")), "rediss://cache.example")

    assert "permissions" in narrow.mend
    assert "password" not in locked.mend
    assert "disk" in locked.mend
    assert "password" in silent.mend
    assert locked.what.endswith("locked.")
    assert not locked.what.endswith("..")


def test_local_without_a_safe_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where local:// found no place for its file, the check warns as the app's log does, and says what to do."""
    monkeypatch.setattr(opening, "open_cache", lambda _: MemoryCache(10, time.monotonic))
    monkeypatch.setattr(cache_check, "is_root", lambda: False)

    (finding,) = check_cache(settings(cache="local://"))

    assert finding.level is Level.WARN
    assert "no safe folder" in finding.what
    assert "sqlite:///" in finding.mend


def test_root_is_told_whose_file_it_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each user has a local:// file of its own, so what root finds says little about the app's."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(cache_check, "is_root", lambda: True)

    tried, told = check_cache(settings(cache="local://"))

    assert tried.level is Level.OK
    assert (told.level, "root" in told.what) == (Level.WARN, True)


@pytest.mark.parametrize("is_root", [True, False])
def test_root_makes_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_root: bool) -> None:
    """A file that root made would keep the app out; one that is there, or that the app's user makes, is tried."""
    monkeypatch.setattr(cache_check, "is_root", lambda: is_root)
    path = tmp_path / "sessions.db"

    (first,) = check_cache(settings(cache=f"sqlite:///{path}"))

    assert first.level is (Level.WARN if is_root else Level.OK)
    assert path.exists() is not is_root
    path.touch()
    (again,) = check_cache(settings(cache=f"sqlite:///{path}"))
    assert again.level is Level.OK


def test_cache_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are given back, also after a failure."""
    cache = Odd(save=CacheUnavailable("no"))
    monkeypatch.setattr(opening, "open_cache", lambda _: cache)

    check_cache(settings())

    assert cache.closed


@pytest.mark.parametrize("error", [SettingsError("install the extra"), CacheUnavailable("no route")])
def test_cache_that_can_not_be_opened(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A cache that can't be opened is a finding; its password is not shown."""

    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(opening, "open_cache", fail)

    (finding,) = check_cache(settings(cache="redis://:planted@cache.example/0"))

    assert finding.level is Level.BAD
    assert str(error) in str(finding)
    assert "planted" not in str(finding)
