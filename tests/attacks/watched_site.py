"""A site in this process whose every answer, call and line of log is kept, so that the oracles can be held against it.

What is kept looks as if a server had printed it and raw sockets had brought it: the oracles are those of real servers.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tests.attacks.attacked import APP, AttackedServer, Call
from tests.attacks.browser import Browser
from tests.attacks.oracles import Case, check_oracles
from tests.attacks.raw_client import RawReply
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.behaviour.adapters import EchoApp, Reply
from tests.behaviour.kit import FETCH, Visited, Visitor

__all__ = ["WatchedApp", "WatchedCase", "WatchedSite", "watched_case"]

LONGEST_ASKED = 200
LOGGERS = ("", "fotoweb_middleware")
"""The root's, and ours: a test may keep what ours says from the root."""


class ThisProcess(logging.Handler):
    """Stands in for a server: what it printed is what all libraries log at DEBUG, which calls there were an app notes.

    Attributes:
        calls: The calls that reached the app.
    """

    port = 0

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
        self.calls: list[Call] = []
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line, with its traceback where it has one."""
        self._lines.append(self.format(record))

    @property
    def printed_bytes(self) -> int:
        """How many lines there are; nobody does more with it than hand it back."""
        return len(self._lines)

    def printed_since(self, offset: int) -> str:
        """Return the lines after so many."""
        return "\n".join(self._lines[offset:])

    @property
    def called_bytes(self) -> int:
        """How many calls there were."""
        return len(self.calls)

    def calls_since(self, offset: int) -> list[Call]:
        """Return the calls after so many."""
        return self.calls[offset:]


class WatchedCase(Case):
    """A case in this process.

    Args:
        process: What was logged and called.
        fotoweb: Where people log in.
    """

    def __init__(self, process: ThisProcess, fotoweb: ScriptedFotoWeb) -> None:
        super().__init__(cast("AttackedServer", process), fotoweb)
        self.process = process


@contextlib.contextmanager
def watched_case(fotoweb: ScriptedFotoWeb) -> Iterator[WatchedCase]:
    """Yield a case for sites of this process; at the end the oracles are held against it."""
    process = ThisProcess()
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(process)
        logger.setLevel(logging.DEBUG)
    case = WatchedCase(process, fotoweb)
    try:
        yield case
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(process)
            logger.setLevel(level)
    check_oracles(case)


@dataclass
class WatchedApp(EchoApp):
    """The echo app, which also notes its calls where a case wants them."""

    case: WatchedCase | None = None

    def tell(self, **seen: Any) -> bytes:
        """Note the call, and write down what was seen."""
        if self.case is not None:
            self.case.process.calls.append(Call(seen["path"], seen["token"], frozenset()))
        return super().tell(**seen)


@dataclass
class WatchedSite(Visited):
    """A site whose visitors' answers are kept."""

    case: WatchedCase | None = None

    @property
    def transport(self) -> None:
        """Calls to FotoWeb go over the network."""

    def visitor(self, user_name: str = "alice") -> Visitor:
        """Return somebody new, with an empty jar."""
        return Visitor(self, user_name) if self.case is None else WatchedVisitor(self, user_name, self.case)


class WatchedVisitor(Visitor):
    """Somebody whose answers a case keeps, under their name."""

    def __init__(self, site: Visited, user_name: str, case: WatchedCase) -> None:
        super().__init__(site, user_name)
        self._browser: Browser = case.browser()
        self._browser.user = user_name

    def send(self, method: str, target: str, headers: Mapping[str, str] = FETCH, body: bytes = b"") -> Reply:
        """Send one request, and have the answer kept."""
        began = time.monotonic()
        reply = super().send(method, target, headers, body)
        asked = f"{method} {target}"[:LONGEST_ASKED]
        content = as_told_by_servers(reply)
        self._browser.note(
            APP + target, RawReply(asked, reply.status, reply.headers, content, time.monotonic() - began)
        )
        return reply


def as_told_by_servers(reply: Reply) -> bytes:
    """Return a body; what the echo app says here as the app behind real servers would say it."""
    if reply.status != 200 or not reply.body.startswith(b'{"authorization": '):
        return reply.body
    seen: dict[str, Any] = json.loads(reply.body)
    bearer = seen["authorization"]
    token = bearer.removeprefix("Bearer ") if bearer else None
    return json.dumps({"token": token, "session_token": seen["token"], "path": seen["path"]}).encode()
