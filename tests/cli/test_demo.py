"""``fotoweb-middleware demo``: what it hands on, and what it says where it can't start."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from fotoweb_middleware.errors import SettingsError
from tests.cli.samples import run

Install = Callable[[Callable[..., None]], None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return what puts a demo of our own in place of the real one."""

    def put(serve: Callable[..., None]) -> None:
        module = types.ModuleType("fotoweb_middleware.demo")
        module.serve = serve  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "fotoweb_middleware.demo", module)

    return put


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {"host": "127.0.0.1", "port": 8000, "wsgi": False}),
        (["--port", "9000", "--wsgi", "--host", "::1"], {"host": "::1", "port": 9000, "wsgi": True}),
    ],
)
def test_options_are_handed_on(install: Install, arguments: list[str], expected: dict[str, Any]) -> None:
    """Host, port and kind reach the demo; by default it listens on this machine alone."""
    calls: list[dict[str, Any]] = []
    install(lambda **options: calls.append(options))

    assert run("demo", *arguments).exit_code == 0
    assert calls == [expected]


@pytest.mark.parametrize("port", ["0", "65536", "x"])
def test_port_out_of_range(install: Install, port: str) -> None:
    """A port that can't be is refused before anything starts."""
    calls: list[dict[str, Any]] = []
    install(lambda **options: calls.append(options))

    assert run("demo", "--port", port).exit_code == 1
    assert calls == []


@pytest.mark.parametrize("name", ["starlette.routing", "uvicorn", "jinja2", "rich"])
def test_missing_extra(install: Install, name: str) -> None:
    """Where the demo's packages are missing, one line names the extra."""

    def fail(**_: Any) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    install(fail)

    done = run("demo")

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "The demo needs: pip install 'fotoweb-middleware[demo]'\n"


def test_other_missing_modules_are_not_blamed_on_the_extra(install: Install) -> None:
    """A module of the user's own that is missing is told as it is."""

    def fail(**_: Any) -> None:
        raise ModuleNotFoundError("No module named 'mine'", name="mine")

    install(fail)

    with pytest.raises(ModuleNotFoundError, match="mine"):
        run("demo")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(98, "Address already in use"), "can't listen on 127.0.0.1, port 8000: Address already in use."),
        (SettingsError("FOTOWEB_CLIENT_ID is not set"), "FOTOWEB_CLIENT_ID is not set"),
    ],
)
def test_problems_are_told_without_traceback(install: Install, error: Exception, expected: str) -> None:
    """A port in use and wrong settings end in a plain line and exit 1."""

    def fail(**_: Any) -> None:
        raise error

    install(fail)

    done = run("demo")

    assert done.exit_code == 1
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
