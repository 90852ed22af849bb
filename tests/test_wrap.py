"""No code at all: ``fotoweb_middleware.wrap``."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypercorn.app_wrappers import ASGIWrapper, WSGIWrapper
from hypercorn.utils import load_application
from werkzeug.test import EnvironBuilder

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.wrap import load_app
from tests.settings.samples import ENVIRONMENT

APP = """
class holder:
    app = "the app"

app = "the app"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a folder with an app in it, and forget the app afterwards."""
    (tmp_path / "wrap_app.py").write_text(APP)
    (tmp_path / "wrap_package").mkdir()
    (tmp_path / "wrap_package" / "__init__.py").write_text("")
    (tmp_path / "wrap_package" / "main.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    importlib.invalidate_caches()
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("wrap_")]:
        del sys.modules[name]


@pytest.fixture
def wrap(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Return the module as a server finds it, with the required settings."""
    for name, value in {**ENVIRONMENT, "FOTOWEB_APP": "wrap_app:app", "FOTOWEB_CACHE": "memory://"}.items():
        monkeypatch.setenv(name, value)
    module = importlib.import_module("fotoweb_middleware.wrap")
    yield module
    module.wrapped.cache_clear()


@pytest.mark.parametrize(
    "address", ["wrap_app:app", "wrap_app:holder.app", "wrap_package.main:app", "wrap_package.main:holder.app"]
)
def test_load(folder: Path, address: str) -> None:
    """The app is found in the working folder, in packages and in attributes of attributes."""
    assert load_app(address) == "the app"


def test_folder_once(folder: Path) -> None:
    """The working folder is put on the path once."""
    load_app("wrap_app:app")
    load_app("wrap_app:app")
    assert sys.path.count(str(folder)) == 1


def test_not_set() -> None:
    """Without FOTOWEB_APP the error says what it is for."""
    with pytest.raises(SettingsError, match=r"FOTOWEB_APP is not set.*mypackage\.main:app"):
        load_app(None)


@pytest.mark.parametrize(
    ("address", "missing"), [("wrap_nothing:app", "wrap_nothing"), ("wrap_package.nothing:app", "wrap_package.nothing")]
)
def test_no_module(folder: Path, address: str, missing: str) -> None:
    """A module that is not there is named, with the folder that was searched."""
    with pytest.raises(SettingsError, match=f"FOTOWEB_APP holds '{address}', but there is no module '{missing}' in "):
        load_app(address)


@pytest.mark.parametrize("attribute", ["nothing", "app.nothing"])
def test_no_attribute(folder: Path, attribute: str) -> None:
    """An attribute that is not there is named."""
    with pytest.raises(SettingsError, match=f"'wrap_app' has no '{attribute}'"):
        load_app(f"wrap_app:{attribute}")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import wrap_missing_dependency", ModuleNotFoundError),
        ("import os; os.no_such_thing", AttributeError),
        ("1 / 0", ZeroDivisionError),
        ("app = ", SyntaxError),
    ],
)
def test_broken_app(folder: Path, source: str, error: type[Exception]) -> None:
    """An error inside the app's own module is not ours: its own traceback says it best."""
    (folder / "wrap_broken.py").write_text(source)
    with pytest.raises(error):
        load_app("wrap_broken:app")


def test_import_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing the module reads no setting and wraps nothing (R-CF6)."""
    monkeypatch.delitem(sys.modules, "fotoweb_middleware.wrap")
    module = importlib.import_module("fotoweb_middleware.wrap")
    assert module.wrapped.cache_info().currsize == 0


@pytest.mark.parametrize(("name", "middleware"), [("asgi", FotoWebASGIMiddleware), ("wsgi", FotoWebWSGIMiddleware)])
def test_wrapped(wrap: ModuleType, name: str, middleware: type) -> None:
    """A server gets the app behind the middleware of its kind."""
    assert type(getattr(wrap, name)) is middleware


def test_wrapped_once(wrap: ModuleType) -> None:
    """The app is wrapped once, however often a server asks."""
    assert wrap.asgi is wrap.asgi


def test_no_other_name(wrap: ModuleType) -> None:
    """There are no other names."""
    with pytest.raises(AttributeError, match=r"'fotoweb_middleware\.wrap' has no attribute 'cgi'"):
        _ = wrap.cgi


def test_settings_wrong(wrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong setting ends the start with its message."""
    monkeypatch.delenv("FOTOWEB_URL")
    with pytest.raises(SettingsError, match="FOTOWEB_URL"):
        _ = wrap.asgi


# ------------------------------------------------------------------- servers that look into the module's dictionary


def test_hypercorn_finds_it(wrap: ModuleType) -> None:
    """Hypercorn looks into the module's dictionary: it finds both, and takes each for what it is."""
    for name, kind in (("asgi", ASGIWrapper), ("wsgi", WSGIWrapper)):
        assert type(load_application(f"fotoweb_middleware.wrap:{name}", 1)) is kind


def test_wsgi_in_the_dictionary(wrap: ModuleType) -> None:
    """What uWSGI finds there is a WSGI app that answers as the wrapped one does, which is made once."""
    found = vars(wrap)["wsgi"]
    statuses: list[str] = []

    for _ in range(2):
        found(EnvironBuilder(path="/").get_environ(), lambda status, _headers: statuses.append(status))

    assert [status[:3] for status in statuses] == ["302", "302"]
    assert wrap.wrapped.cache_info().misses == 1


async def _asgi(app: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def test_asgi_in_the_dictionary(wrap: ModuleType) -> None:
    """What hypercorn finds there is an ASGI app that answers as the wrapped one does."""
    headers = [(b"host", b"app.example"), (b"accept", b"text/html")]
    scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "headers": headers}

    sent = asyncio.run(_asgi(vars(wrap)["asgi"], {**scope, "scheme": "https", "http_version": "1.1"}))

    assert sent[0]["status"] == 302


def test_settings_wrong_in_the_dictionary(wrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong setting ends hypercorn's start with its message, as the answer to ``lifespan.startup``."""
    monkeypatch.delenv("FOTOWEB_URL")

    (answer,) = asyncio.run(_asgi(vars(wrap)["asgi"], {"type": "lifespan"}))

    assert answer["type"] == "lifespan.startup.failed"
    assert "FOTOWEB_URL is not set" in answer["message"]
