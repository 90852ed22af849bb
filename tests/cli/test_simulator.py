"""``fotoweb-middleware simulator``: what it prints works in another terminal."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path

import httpx
import pytest

from fotoweb_middleware.demo.ports import listen
from tests.cli.samples import run
from tests.demo.person import Person
from tests.providers.child import Child
from tests.providers.ports import free_port

COMMAND = Path(sys.executable).with_name("fotoweb-middleware")
APP = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from fotoweb_middleware import FotoWebASGIMiddleware, get_session


def hello(request):
    return PlainTextResponse(f"hello {get_session(request).user.full_name}")


app = Starlette(routes=[Route("/", hello)])
app.add_middleware(FotoWebASGIMiddleware)
"""


def test_the_printed_lines_start_an_app(tmp_path: Path) -> None:
    """All that it prints, pasted into a shell, lets an app that is started there sign people in."""
    (tmp_path / "main.py").write_text(APP, encoding="utf-8")
    simulator_port, app_port = free_port(), free_port()
    with contextlib.ExitStack() as stack:
        simulator = Child([COMMAND, "simulator", "--port", str(simulator_port)])
        stack.callback(simulator.stop)
        simulator.wait_for_line("Ctrl+C")
        exports = [line for line in simulator.lines if line.startswith("export ")]
        start = f"exec {sys.executable} -m uvicorn main:app --port {app_port}"
        app = Child(["sh", "-euc", "\n".join([*simulator.lines, start])], folder=tmp_path)
        stack.callback(app.stop)
        app.wait_for_line("Uvicorn running")

        assert [re.split("[ =]", line)[1] for line in exports] == [
            "FOTOWEB_URL",
            "FOTOWEB_CLIENT_ID",
            "FOTOWEB_CLIENT_SECRET",
            "FOTOWEB_SECRET_KEY",
        ]
        assert exports[0] == f"export FOTOWEB_URL=http://127.0.0.1:{simulator_port}"
        with Person(f"http://localhost:{app_port}") as person:
            assert person.sign_in().text == "hello Alice Berg"


def test_a_signal_stops_it() -> None:
    """A signal ends it, and nobody listens there any more."""
    port = free_port()
    simulator = Child([COMMAND, "simulator", "--port", str(port)])
    try:
        simulator.wait_for_line("Ctrl+C")
        assert httpx.get(f"http://127.0.0.1:{port}/fotoweb/").status_code == 401
    finally:
        simulator.stop()

    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/")


def test_a_port_that_is_taken() -> None:
    """It says so in a line, and prints no variables."""
    with contextlib.closing(listen("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        done = run("simulator", "--port", str(port))

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"The simulator can't listen on 127.0.0.1, port {port}: Address already in use.\n"
