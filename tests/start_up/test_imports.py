"""What a start imports, and that what it leaves out is there before anybody waits for it. Nothing here is timed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from fotoweb_middleware.drivers.calling import SYSTEMS_WITH_PROXIES
from tests.providers.uncovered import run_uncovered

TRIAL_SECONDS = 50
PACKAGE = "fotoweb_middleware"
START = frozenset(
    {
        "base64url",
        "caches",
        "caches.forks",
        "caches.opening",
        "caches.protocol",
        "cookies",
        "cookies.content",
        "cookies.header",
        "cookies.seal",
        "current",
        "drivers",
        "drivers.calling",
        "drivers.failures",
        "drivers.flights",
        "drivers.later",
        "effects",
        "errors",
        "model",
        "response_headers",
        "settings",
        "settings.about",
        "settings.addresses",
        "settings.cache_address",
        "settings.cautions",
        "settings.environment",
        "settings.fields",
        "settings.files",
        "settings.filling",
        "settings.keys",
        "settings.messages",
        "settings.model",
        "settings.paths",
        "settings.secret",
        "settings.texts",
        "settings.values",
        "site",
        "site.held",
        "site.journal",
        "site.near",
        "site.origin",
        "site.request_class",
        "site.resting",
        "stages",
        "stages.classify",
        "stages.first_sight",
        "stages.shortcut",
    }
)
"""Our modules that every start may import. One more is paid for in each process of each user."""
DOORS = {
    "asgi": {
        "asgi",
        "asgi_messages",
        "drivers.arrivals",
        "drivers.awaited_calls",
        "drivers.awaiting",
        "drivers.direct_call",
        "drivers.loops",
        "drivers.pace",
    },
    "wsgi": {"wsgi", "drivers.blocking", "drivers.timed_call"},
}
BEHIND_THE_GATE = ("gate", "stages", "journeys", "pages", "fotoweb", "cookies.parts", "site.answers")
"""What ASGI loads at lifespan's start-up. WSGI has no such moment, and its first login is not to wait for it."""
CACHES = {
    ("asgi", "memory://"): {"caches.memory", "caches.faces"},
    ("wsgi", "memory://"): {"caches.memory"},
    ("asgi", "local://"): {"caches.offloaded"},
    ("wsgi", "local://"): set[str](),
}
FILES = {"caches.local", "caches.reports", "caches.sqlite"} | {
    f"caches.sqlite_{name}" for name in ("connections", "errors", "files", "schema")
}
OTHERS = ("difflib", "httpx", "httpcore", "h11", "html", "http.cookiejar", "pydantic", "redis", "starlette", "trio")
"""Of other packages, what no start may import. Where there is a runtime directory, ``tempfile`` neither."""


def told(trial: str, kind: str, cache: str) -> set[str]:
    """Run a trial in a fresh process and return the modules that it names."""
    code = f"import tests.start_up.{trial} as trial; trial.tell_imports_of_{trial}({kind!r}, {cache!r})"
    return set(json.loads(run_uncovered("-c", code, timeout_seconds=TRIAL_SECONDS)))


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``local://`` find a folder of its own."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.mark.parametrize(("kind", "cache"), CACHES)
def test_what_a_start_imports(kind: str, cache: str) -> None:
    """To wrap an app imports one door, one kind of cache and what looks at known cookies; for WSGI the gate too."""
    imported = told("building", kind, cache)
    ours = {name.removeprefix(f"{PACKAGE}.") for name in imported if name.startswith(f"{PACKAGE}.")}
    ours = {name for name in ours if not (kind == "wsgi" and name.startswith(BEHIND_THE_GATE))}
    files = FILES if cache == "local://" else set()

    assert ours - START - DOORS[kind] - CACHES[kind, cache] - files == set()
    assert imported.intersection({*OTHERS, "tempfile"}) == ({"html"} if kind == "wsgi" else set())
    assert cache == "local://" or "sqlite3" not in imported
    assert kind == "asgi" or not {"anyio", "asgiref"} & imported


@pytest.mark.parametrize("cache", ["memory://", "local://"])
def test_first_redirect_imports_nothing(cache: str) -> None:
    """Under WSGI the first person who is sent to FotoWeb waits for no import, and a fork cuts none."""
    assert told("first_redirect", "wsgi", cache) == set()


@pytest.mark.parametrize("cache", ["memory://", "local://"])
@pytest.mark.parametrize("kind", ["asgi", "asgi without lifespan", "wsgi"])
def test_journeys_import_nothing(kind: str, cache: str) -> None:
    """Once prepared, no login, refresh, logout or error page waits for an import, or begins one that a fork may cut."""
    assert told("journeys", kind, cache) == set()


NOT_BEFORE_A_PROXY = ("httpx", "http.cookiejar", "urllib.request", "http.client", "email")


@pytest.mark.skipif(sys.platform in SYSTEMS_WITH_PROXIES, reason="this system's settings may name a proxy")
def test_event_loops_need_no_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ASGI app that has started up holds httpcore and neither httpx nor what finds proxies: nobody needs them."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "localhost")
    there = told("preparing", "asgi", "memory://")

    assert there.intersection({"httpcore", "sniffio", *NOT_BEFORE_A_PROXY}) == {"httpcore", "sniffio"}


def test_proxies_need_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment names a proxy, httpx is there before the first login."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")

    assert {"httpcore", "httpx"} <= told("preparing", "asgi", "memory://")
