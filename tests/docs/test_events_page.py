"""What docs/how-to/watch-events.md shows works: the callback, the formatter, and OpenTelemetry."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from fotoweb_middleware.testing import FakeFotoWeb, Fault
from tests.examples.browser import browse
from tools.code_blocks import HOW_TO, blocks_of

CALLBACK, FORMATTER, OPENTELEMETRY = blocks_of(HOW_TO / "watch-events.md")
(PROMETHEUS,) = blocks_of(HOW_TO / "watch-events.md", "python opentelemetry-exporter-prometheus")
LOGIN = """
from fotoweb_middleware import FotoWebASGIMiddleware
from starlette.applications import Starlette
from starlette.testclient import TestClient

client = TestClient(FotoWebASGIMiddleware(Starlette()), follow_redirects=False)
assert client.get("/", headers={"Accept": "text/html"}).status_code == 302
assert client.get("/oauth2/callback?code=c").status_code == 400
"""


def names_of(block: str) -> dict[str, Any]:
    """Run a block and return its names."""
    names: dict[str, Any] = {}
    exec(compile(block, "watch-events.md", "exec"), names)  # noqa: S102 (our own page)
    return names


@pytest.fixture
def handlers() -> Iterator[list[logging.Handler]]:
    """Return the handlers of the middleware's logger; those that come are taken away in the end."""
    logger = logging.getLogger("fotoweb_middleware")
    before = list(logger.handlers)
    yield logger.handlers
    logger.handlers[:] = before


def test_the_callback_is_told(variables: None, fotoweb: FakeFotoWeb) -> None:
    """The callback of the page notes a login that FotoWeb spoils, with its cause."""
    names = names_of(CALLBACK)
    fotoweb.fault("token", Fault.oauth_error("invalid_grant", 400))

    with browse("asgi", names["app"]) as browser:
        browser.go(fotoweb.approve(browser.go("/").headers["location"]))

    (failure,) = names["failures"]
    assert failure.startswith("login_failed session=None: ")
    assert "invalid_grant" in failure


def test_the_formatter_writes_what_the_page_shows(
    variables: None, handlers: list[logging.Handler], capsys: pytest.CaptureFixture[str]
) -> None:
    """A refused callback is written as the page shows it, but for its random request id."""
    names_of(FORMATTER)
    names_of(LOGIN)

    (line,) = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    (shown,) = [text for text in (HOW_TO / "watch-events.md").read_text("utf-8").split("\n\n") if text[:5] == "    {"]
    assert {**line, "fotoweb_request_id": None} == {**json.loads(shown), "fotoweb_request_id": None}


def printed_by(code: str) -> str:
    """Run code in a process of its own, since providers are set once for a process, and return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True
    ).stdout


def test_opentelemetry_prints_metrics(variables: None) -> None:
    """With the providers of the page, events are counted and printed."""
    printed = printed_by(f"{OPENTELEMETRY}\n{LOGIN}\nmetrics.get_meter_provider().shutdown()")

    assert '"fotoweb.events"' in printed
    assert '"fotoweb.event.name": "state_refused"' in printed


def test_prometheus_is_served_what_its_rules_ask_for(variables: None) -> None:
    """The port of the page offers the metrics that its rules and panels name."""
    assert "9464" in PROMETHEUS
    serve = PROMETHEUS.replace("start_http_server(9464", "server, _ = start_http_server(0")
    fetch = "import urllib.request\nurl = f'http://127.0.0.1:{server.server_port}/metrics'"
    printed = printed_by(f"{serve}\n{LOGIN}\n{fetch}\nprint(urllib.request.urlopen(url).read().decode())")

    (sample,) = [line for line in printed.splitlines() if 'fotoweb_event_name="login_started"' in line]
    assert sample.startswith("fotoweb_events_total{")
    assert sample.endswith(" 1.0")
