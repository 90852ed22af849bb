"""What OpenTelemetry sees of a login, a refresh and an outage: spans, a counter and histograms."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from fotoweb_middleware import telemetry
from fotoweb_middleware.telemetry import Telemetry
from tests.behaviour.kit import Visited, Visitor


class Measured:
    """What the SDK keeps in memory."""

    def __init__(self) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers, self.meters = TracerProvider(), MeterProvider([self._reader])
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))

    def spans(self) -> list[ReadableSpan]:
        """Return the spans that have ended since this was last asked."""
        spans = list(self._exporter.get_finished_spans())
        self._exporter.clear()
        return spans

    def points(self, name: str) -> list[Any]:
        """Return the data points of an instrument."""
        data = self._reader.get_metrics_data()
        metrics = [
            metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]

    def event_counts(self) -> dict[str, int]:
        """Return how often each event was counted."""
        points = self.points("fotoweb.events")
        return {str(point.attributes["fotoweb.event.name"]): point.value for point in points}

    def close(self) -> None:
        """End the SDK's threads."""
        self.tracers.shutdown()
        self.meters.shutdown()


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Measured]:
    """Return what is measured from now on."""
    measured = Measured()
    monkeypatch.setattr(telemetry, "active", Telemetry(measured.tracers, measured.meters))
    yield measured
    measured.close()


@pytest.fixture
def quick_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no call to the store count as slow, however busy the machine is."""
    monkeypatch.setattr(telemetry, "SLOW_STORE_SECONDS", 3600.0)


@pytest.mark.usefixtures("quick_store")
def test_login(measured: Measured, site: Visited, visitor: Visitor) -> None:
    """A login is two calls to FotoWeb, each a client's span with the names of the semantic conventions."""
    visitor.log_in()

    token, me = measured.spans()
    assert (token.name, me.name) == ("POST /fotoweb/oauth2/token", "GET /fotoweb/me")
    assert (token.kind, token.status.status_code) == (SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(token.attributes or {}) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": "fotoweb.test",
        "server.port": 443,
        "url.full": "https://fotoweb.test/fotoweb/oauth2/token",
    }
    assert measured.event_counts() == {"login_started": 1, "logged_in": 1}


@pytest.mark.usefixtures("quick_store")
def test_refresh(measured: Measured, site: Visited, member: Visitor) -> None:
    """A refresh is a span below the span of the request that waits for it, although another thread makes the call."""
    site.clock.advance(30_000)
    measured.spans()
    with measured.tracers.get_tracer("app").start_as_current_span("GET /") as request:
        outer = request.get_span_context()
        member.get("/")

    call = measured.spans()[0]
    assert call.name == "POST /fotoweb/oauth2/token"
    assert call.context is not None
    assert call.context.trace_id == outer.trace_id
    assert measured.event_counts()["refreshed"] == 1


class Broken:
    """Stands for span processors and metric readers of the operator's that raise."""

    def __init__(self, when: str) -> None:
        self.when = when

    @contextlib.contextmanager
    def fotoweb_call(self, *_: Any) -> Iterator[Callable[[Any], None]]:
        """Raise before or after the call."""
        if self.when == "before":
            raise ValueError(self.when)
        yield lambda _outcome: None
        raise ValueError(self.when)

    def store_called(self, *_: Any) -> None:
        """Raise."""
        raise ValueError("store")

    def count_event(self, _name: str) -> None:
        """Raise."""
        raise ValueError("event")


@pytest.mark.parametrize("when", ["before", "after"])
def test_telemetry_that_raises(site: Visited, member: Visitor, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """What the operator's own telemetry raises changes nothing: no token is lost, and no call is made twice."""
    before = member.get("/").seen["token"]
    monkeypatch.setattr(telemetry, "active", Broken(when))
    site.clock.advance(30_000)

    assert member.get("/").seen["token"] != before
    assert site.refreshes == 1
    assert site.visitor("bob").log_in().status == 302


@pytest.mark.usefixtures("quick_store")
def test_outage(measured: Measured, site: Visited, member: Visitor) -> None:
    """A call that fails is an error, by its kind and without the words of an exception; its duration counts too."""
    site.clock.advance(30_000)
    site.fake.switch(reachable=False)
    measured.spans()
    member.get("/")

    (call,) = measured.spans()
    assert (call.status.status_code, call.status.description, call.events) == (StatusCode.ERROR, None, ())
    assert (call.attributes or {})["error.type"] == "ConnectError"
    points = measured.points("http.client.request.duration")
    assert sorted(point.attributes.get("error.type", "") for point in points) == ["", "", "ConnectError"]
    assert {point.explicit_bounds for point in points} == {telemetry.HTTP_BUCKETS}
    assert measured.event_counts()["refresh_failed"] == 1


@pytest.mark.usefixtures("quick_store")
def test_known_session(measured: Measured, site: Visited, member: Visitor) -> None:
    """Requests of a session that is known and fresh are neither traced nor measured."""
    member.jar.forget_logins()
    member.get("/")
    before = sum(point.count for point in measured.points("db.client.operation.duration"))
    measured.spans()
    member.get("/")

    assert measured.spans() == []
    assert sum(point.count for point in measured.points("db.client.operation.duration")) == before


def test_slow_store(measured: Measured, site: Visited, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow call to the store is a span that names the store and what was asked of it."""
    monkeypatch.setattr(telemetry, "SLOW_STORE_SECONDS", 0.0)
    visitor.log_in()

    spans = [span for span in measured.spans() if "db.operation.name" in (span.attributes or {})]
    assert [span.name for span in spans] == ["use_once session", "save session"]
    assert {(span.attributes or {})["db.system.name"] for span in spans} == {"watched"}
    assert all((span.start_time or 0) <= (span.end_time or 0) for span in spans)


@pytest.mark.usefixtures("quick_store")
def test_store_outage(measured: Measured, site: Visited, visitor: Visitor) -> None:
    """A call to the store that fails is a span however quick it was."""
    site.store.is_down = True
    visitor.visit(visitor.approve(visitor.visit("/").location))

    failed = [span for span in measured.spans() if span.status.status_code is StatusCode.ERROR]
    assert failed[0].name == "use_once session"
    assert {(span.attributes or {})["error.type"] for span in failed} == {"StoreUnavailable"}
    assert measured.event_counts()["store_lost"] == 1


def run(code: str) -> str:
    """Run Python code in a process of its own and return what it prints."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    ).stdout


def test_providers_that_come_later() -> None:
    """What the app sets up after the import of the middleware gets its spans."""
    code = """
import fotoweb_middleware
from fotoweb_middleware import telemetry
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
with telemetry.active.fotoweb_call("GET", "https://fotoweb.test", "/x") as note:
    note(200)
print([span.name for span in exporter.get_finished_spans()])
"""
    assert run(code) == "['GET /x']\n"


def test_without_opentelemetry() -> None:
    """Where the API is not installed nothing is measured, and everything else works."""
    code = """
import sys
sys.modules["opentelemetry"] = None
from fotoweb_middleware import telemetry
from fotoweb_middleware.events import EventEmitter, EventName
heard = []
EventEmitter(heard.append).emit(EventName.LOGGED_IN)
print(telemetry.active, [event.name.value for event in heard])
"""
    assert run(code) == "None ['logged_in']\n"
