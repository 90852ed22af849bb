"""Traces and metrics, where OpenTelemetry's API is installed (``opentelemetry-api``); without it nothing happens here.

Names are those of OpenTelemetry's semantic conventions for HTTP clients and databases. Only calls to FotoWeb and to the
session store are measured: a request whose session is known makes neither.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

SCOPE = "fotoweb_middleware"
SLOW_STORE_SECONDS = 0.1
"""A call to the store that takes so long, or fails, gets a span; all are in the histogram."""
HTTP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
STORE_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
DEFAULT_PORTS = {"http": 80, "https": 443}

Attributes = dict[str, str | int]


class Telemetry:
    """The tracer and the instruments.

    Args:
        tracer_provider: OpenTelemetry's global one; it hands spans to what the app sets up, also later.
        meter_provider: As above, for metrics.
    """

    def __init__(self, tracer_provider: TracerProvider, meter_provider: MeterProvider) -> None:
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415 (not a dependency)

        self._tracer = tracer_provider.get_tracer(SCOPE)
        self._client, self._error = SpanKind.CLIENT, StatusCode.ERROR
        meter = meter_provider.get_meter(SCOPE)
        self._events = meter.create_counter("fotoweb.events", unit="{event}", description="Events of the middleware.")
        self._http_duration = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of calls to FotoWeb.",
            explicit_bucket_boundaries_advisory=HTTP_BUCKETS,
        )
        self._store_duration = meter.create_histogram(
            "db.client.operation.duration",
            unit="s",
            description="Duration of calls to the session store.",
            explicit_bucket_boundaries_advisory=STORE_BUCKETS,
        )

    def count_event(self, name: str) -> None:
        """Count an event."""
        self._events.add(1, {"fotoweb.event.name": name})

    @contextlib.contextmanager
    def fotoweb_call(self, method: str, site: str, path: str) -> Iterator[Callable[[int | Exception], None]]:
        """Trace and measure one call to FotoWeb; what is yielded takes its HTTP status, or why there is none.

        The text of an error is left out, since it may quote an answer.
        """
        parts = urlsplit(site)
        attributes: Attributes = {
            "http.request.method": method,
            "server.address": parts.hostname or "",
            "server.port": parts.port or DEFAULT_PORTS.get(parts.scheme, 0),
        }
        began = time.perf_counter()
        with self._tracer.start_as_current_span(
            f"{method} {path}",
            kind=self._client,
            attributes={**attributes, "url.full": site + path},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            def note(outcome: int | Exception) -> None:
                told = outcome_of(outcome)
                span.set_attributes(told)
                if "error.type" in told:
                    span.set_status(self._error)
                attributes.update(told)

            try:
                yield note
            finally:
                self._http_duration.record(time.perf_counter() - began, attributes)

    def store_called(self, system: str, operation: str, seconds: float, error: Exception | None) -> None:
        """Measure a call to the store that has just ended; a slow or failed one gets a span too."""
        attributes: Attributes = {"db.system.name": system, "db.operation.name": operation}
        if error is not None:
            attributes["error.type"] = type(error).__name__
        self._store_duration.record(seconds, attributes)
        if error is None and seconds < SLOW_STORE_SECONDS:
            return
        now = time.time_ns()
        span = self._tracer.start_span(
            f"{operation} session",
            kind=self._client,
            attributes=attributes,
            start_time=now - int(seconds * 1_000_000_000),
        )
        if error is not None:
            span.set_status(self._error)
        span.end(now)


def outcome_of(outcome: int | Exception) -> Attributes:
    """Return the attributes that tell how a call over HTTP ended."""
    if isinstance(outcome, Exception):
        return {"error.type": type(outcome).__name__}
    if outcome < 400:
        return {"http.response.status_code": outcome}
    return {"http.response.status_code": outcome, "error.type": str(outcome)}


def open_telemetry() -> Telemetry | None:
    """Return what measures; None where OpenTelemetry's API is not installed, or older than 1.30."""
    try:
        from opentelemetry import metrics, trace  # noqa: PLC0415 (not a dependency)

        return Telemetry(trace.get_tracer_provider(), metrics.get_meter_provider())
    except (ImportError, TypeError):  # An older one knows no ``explicit_bucket_boundaries_advisory``.
        return None


active: Telemetry | None = open_telemetry()
