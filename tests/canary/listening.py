"""Everything that every logger of the process says at DEBUG, with what a log handler could make of it."""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from fotoweb_middleware import telemetry
from fotoweb_middleware.telemetry import Telemetry

__all__ = ["Told", "everything_logged", "everything_measured", "told", "told_with_callers"]

Told = tuple[str, list[traceback.FrameSummary]]
"""An error as error reporters write it down: its words, and its frames with their local variables."""


def told(error: BaseException) -> list[Told]:
    """Write down an error and what caused it; the frames of the tests themselves are left out."""
    found: list[Told] = []
    each: traceback.TracebackException | None
    each = traceback.TracebackException.from_exception(error, capture_locals=True)
    while each is not None:
        found.append((str(each), [frame for frame in each.stack if "/tests/" not in frame.filename]))
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return found


def told_with_callers(error: BaseException) -> list[Told]:
    """Write down an error that is being handled, as if it went through all callers up to the server."""
    callers = traceback.StackSummary.extract(traceback.walk_stack(sys._getframe(1)), capture_locals=True)
    return [*told(error), (str(error), [frame for frame in callers if "/tests/" not in frame.filename])]


class Everything(logging.Handler):
    """Keeps each record: the line, its arguments, its extra fields, and its traceback."""

    def __init__(self) -> None:
        super().__init__(level=1)
        self.lines: list[str] = []
        self.loggers: set[str] = set()
        self.errors: list[Told] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.loggers.add(record.name)
        error = record.exc_info[1] if record.exc_info else None
        cause = "".join(traceback.format_exception(error)) if error else ""
        self.errors += told(error) if error else []
        self.lines.append(f"{record.name}: {record.getMessage()}\n{cause}\n{record.__dict__!r}")


@contextlib.contextmanager
def everything_logged() -> Iterator[Everything]:
    """Set every logger to DEBUG and listen to all of them."""
    handler = Everything()
    root = logging.getLogger()
    loggers = [root, *(each for each in root.manager.loggerDict.values() if isinstance(each, logging.Logger))]
    before = [(logger, logger.level, logger.disabled, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.disabled, logger.propagate = False, True
    root.addHandler(handler)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        for logger, level, disabled, propagate in before:
            logger.setLevel(level)
            logger.disabled, logger.propagate = disabled, propagate


@contextlib.contextmanager
def everything_measured() -> Iterator[Callable[[], list[str]]]:
    """Let OpenTelemetry trace and measure everything, every call to the store too; return what it would export."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider([reader])
    tracers.add_span_processor(SimpleSpanProcessor(exporter))

    def exported() -> list[str]:
        data = reader.get_metrics_data()
        return [*(span.to_json() for span in exporter.get_finished_spans()), data.to_json() if data else ""]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(telemetry, "active", Telemetry(tracers, meters))
        patched.setattr(telemetry, "SLOW_STORE_SECONDS", 0.0)
        yield exported
    tracers.shutdown()
    meters.shutdown()
