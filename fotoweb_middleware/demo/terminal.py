"""What is written where the demo was started: where to go, and then the middleware's own log lines."""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.text import Text

from fotoweb_middleware.demo.pages import time_of_day

__all__ = ["logging_to", "write"]

LOGGER: Final = logging.getLogger("fotoweb_middleware")
LABEL_WIDTH: Final = 10
EXPIRY: Final = re.compile(r"expires_at=(\S+)")


def write(label: str = "", text: str = "", *, is_important: bool = False) -> None:
    """Write one line: a label, and what there is to know; a blank line without either."""
    line = Text.assemble((f"  {label:<{LABEL_WIDTH}}", "dim"), (text, "bold cyan" if is_important else ""))
    line.rstrip()
    Console(highlight=False).print(line, soft_wrap=True)


def epoch_seconds(logged: str) -> float:
    """Return a time that the middleware logged, such as ``2026-11-30T09:20:14Z``."""
    return dt.datetime.fromisoformat(logged).timestamp()


class _Lines(logging.Handler):
    """Writes the middleware's events and warnings, without the start-up line, which is for servers."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, with the time of day before it."""
        if record.levelno < logging.WARNING and not hasattr(record, "fotoweb_event"):
            return
        line = EXPIRY.sub(lambda match: f"until={time_of_day(epoch_seconds(match[1]))}", self.format(record))
        write(time_of_day(record.created), line)


@contextmanager
def logging_to(*more: logging.Handler) -> Iterator[None]:
    """Write the middleware's log lines to the terminal meanwhile, and hand them to these handlers too."""
    handlers = (_Lines(), *more)
    level, propagates = LOGGER.level, LOGGER.propagate
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    for handler in handlers:
        LOGGER.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)
        LOGGER.propagate = propagates
