"""What happens to logins, sessions, FotoWeb and the store: one stream of events, for log, callback and OpenTelemetry.

No event holds a token, a code, a key, a cookie or a session's id. A request whose session is known makes none.
"""

from __future__ import annotations

import contextlib
import contextvars
import enum
import inspect
import logging
import re
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fotoweb_middleware import telemetry
from fotoweb_middleware.errors import FotoWebError
from fotoweb_middleware.log import LOGGER, MAX_TEXT_CHARACTERS, plain, session_tag

__all__ = ["Event", "EventName", "OnEvent"]

MAX_WAITING = 1000
"""Most events that wait for an async callback; the oldest are dropped first."""
HARMLESS_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")

FIELDS = {
    "cause": "an error in words; the code at the foot of the page that was shown, without `state_`; what refused: "
    "`FOTOWEB_ALLOWED_USERS` or `authorize`; or [what may be wrong](troubleshooting.md#set-up-warnings)",
    "user": "the user's number in FotoWeb",
    "expires_at": "when the new token expires, in UTC",
    "reason": "`logout`, `refused` (by FotoWeb), `replaced` (by a new login in that browser), `not_allowed`, or "
    "`revoked` (by the command `sessions`, in its own process)",
    "description": "what FotoWeb says about its error",
    "attempts": "logins in a row",
    "cookie_characters": "how long the session's cookies are",
    "method": "of the request",
    "path": "of the request, without query",
    "origin": "the request's `Origin` header",
    "operation": "the store's method that failed first",
    "seconds": "how long the trouble lasted",
    "times": "how often it was seen since the last such event",
    "host": "the request's `Host` header",
    "seconds_ahead": "how far FotoWeb's clock is ahead; below 0: behind",
    "upstream_request_id": "FotoWeb's own id for the call, if its answer has one (`X-Request-ID`, `X-Correlation-ID`)",
}
"""The fields that events may have."""


class EventName(enum.StrEnum):
    """The names of all events. Each is a string, such as ``"refresh_failed"``."""

    LOGIN_STARTED = "login_started"
    LOGGED_IN = "logged_in"
    STATE_REFUSED = "state_refused"
    LOGIN_REFUSED = "login_refused"
    LOGIN_FAILED = "login_failed"
    NOT_ALLOWED = "not_allowed"
    LOGIN_LOOP = "login_loop"
    USER_UNKNOWN = "user_unknown"
    REFRESHED = "refreshed"
    SESSION_REFUSED = "session_refused"
    REFUSAL_UNCONFIRMED = "refusal_unconfirmed"
    REFRESH_FAILED = "refresh_failed"
    OPERATOR_FAULT = "operator_fault"
    LOGGED_OUT = "logged_out"
    SESSION_ENDED = "session_ended"
    WEBSOCKET_CLOSED = "websocket_closed"
    TOO_LARGE = "too_large"
    CROSS_ORIGIN = "cross_origin"
    STORE_LOST = "store_lost"
    STORE_BACK = "store_back"
    CIRCUIT_OPEN = "circuit_open"
    CIRCUIT_CLOSED = "circuit_closed"
    SETUP_WARNING = "setup_warning"


@dataclass(frozen=True, slots=True)
class EventKind:
    """What all events of a name have in common.

    Attributes:
        level: Of their line in the log, as ``logging`` has it.
        words: How that line begins.
        fields: What else they may tell, of ``FIELDS``.
    """

    level: int
    words: str
    fields: tuple[str, ...] = ()


KINDS = {
    EventName.LOGIN_STARTED: EventKind(logging.DEBUG, "login started"),
    EventName.LOGGED_IN: EventKind(logging.INFO, "logged in", ("user",)),
    EventName.STATE_REFUSED: EventKind(logging.WARNING, "callback refused", ("cause",)),
    EventName.LOGIN_REFUSED: EventKind(
        logging.WARNING,
        "FotoWeb reported an error instead of a login",
        ("cause", "description"),
    ),
    EventName.LOGIN_FAILED: EventKind(
        logging.WARNING, "the code could not be exchanged for tokens", ("cause", "upstream_request_id")
    ),
    EventName.NOT_ALLOWED: EventKind(logging.WARNING, "this user may not use the app", ("cause", "user")),
    EventName.LOGIN_LOOP: EventKind(
        logging.ERROR,
        "login loop stopped",
        ("cause", "attempts", "cookie_characters"),
    ),
    EventName.USER_UNKNOWN: EventKind(logging.WARNING, "GET /fotoweb/me did not identify the user", ("cause",)),
    EventName.REFRESHED: EventKind(logging.INFO, "token refreshed", ("expires_at",)),
    EventName.SESSION_REFUSED: EventKind(
        logging.INFO, "FotoWeb refused the refresh token: session ended", ("cause", "upstream_request_id")
    ),
    EventName.REFUSAL_UNCONFIRMED: EventKind(
        logging.INFO,
        "FotoWeb refused the refresh token, but the session store can't confirm that it was the newest: session kept",
        ("cause", "upstream_request_id"),
    ),
    EventName.REFRESH_FAILED: EventKind(
        logging.WARNING, "refresh failed: session kept", ("cause", "upstream_request_id")
    ),
    EventName.OPERATOR_FAULT: EventKind(
        logging.ERROR, "FotoWeb refuses this app: run fotoweb-middleware check", ("cause", "upstream_request_id")
    ),
    EventName.LOGGED_OUT: EventKind(logging.INFO, "logged out"),
    EventName.SESSION_ENDED: EventKind(logging.DEBUG, "session ended", ("reason",)),
    EventName.WEBSOCKET_CLOSED: EventKind(logging.INFO, "WebSocket closed: its session has ended"),
    EventName.TOO_LARGE: EventKind(logging.WARNING, "session too large for cookies: kept in the session store"),
    EventName.CROSS_ORIGIN: EventKind(
        logging.WARNING,
        "request from another origin refused: see FOTOWEB_TRUSTED_ORIGINS",
        ("method", "path", "origin"),
    ),
    EventName.STORE_LOST: EventKind(
        logging.WARNING,
        "The session store is failing",
        ("operation", "cause"),
    ),
    EventName.STORE_BACK: EventKind(logging.WARNING, "The session store works again", ("seconds",)),
    EventName.CIRCUIT_OPEN: EventKind(
        logging.WARNING, "FotoWeb does not answer: calls fail at once, and one is tried every 2 s", ("cause",)
    ),
    EventName.CIRCUIT_CLOSED: EventKind(logging.WARNING, "FotoWeb answers again", ("seconds",)),
    EventName.SETUP_WARNING: EventKind(
        logging.WARNING, "set-up warning", ("cause", "times", "host", "path", "seconds_ahead")
    ),
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        name: What happened; a string, such as ``"refresh_failed"``.
        session: The session, as the first digits of a hash of its id, as in the log; None if it is about no session in
            particular.
        request_id: The request that it happened in, or that caused it: its ``X-Request-ID``, or else a random id. None
            outside a request.
        fields: More details, by the names that ``KINDS`` lists.
    """

    name: EventName
    session: str | None = None
    request_id: str | None = None
    fields: Mapping[str, str | float] = field(default_factory=dict, hash=False)

    @property
    def level(self) -> int:
        """Its level in ``logging``."""
        return KINDS[self.name].level


OnEvent: TypeAlias = Callable[[Event], object]
"""A plain function, or under ASGI also an async one; what it returns is ignored."""


class RequestId:
    """What names a request in its events; a random one is made when it is first asked for.

    Args:
        header: The request's ``X-Request-ID``, which counts where nothing in it can do harm.
    """

    __slots__ = ("_text",)

    def __init__(self, header: str | None) -> None:
        self._text = header if header is not None and HARMLESS_ID.fullmatch(header) else None

    def __str__(self) -> str:
        """Return it."""
        if self._text is None:
            self._text = secrets.token_hex(8)
        return self._text


_request_id: contextvars.ContextVar[RequestId | None] = contextvars.ContextVar("fotoweb_request_id", default=None)
"""Threads that work for a request take its context along, so that their events name it too."""


def current_request_id() -> RequestId | None:
    """Return what names the request that is being handled."""
    return _request_id.get()


@contextlib.contextmanager
def in_request(request_id: RequestId | None) -> Iterator[None]:
    """Let events name this request meanwhile."""
    before = _request_id.get()
    _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.set(before)


class EventEmitter:
    """Tells the log, OpenTelemetry and the app's callback of the events of one wrapped app.

    Args:
        on_event: The callback. A plain function is called where the event happens; an async one by ``deliver``.
    """

    def __init__(self, on_event: OnEvent | None = None) -> None:
        self._on_event = on_event
        self._is_async = on_event is not None and is_async(on_event)
        self._waiting: deque[Event] = deque(maxlen=MAX_WAITING)
        self._has_failed = False

    def emit(
        self,
        name: EventName,
        *,
        session_id: str | None = None,
        cause: object = None,
        line: str | None = None,
        unexpected: Exception | None = None,
        **fields: str | float | None,
    ) -> None:
        """Tell everybody who listens.

        Args:
            name: What happened.
            session_id: Whose; only a hash of it is told.
            cause: An error of our own tree (they hold no secrets), or an error code.
            line: The whole line of the log; None: it is put together from the rest.
            unexpected: An error whose traceback goes into the log.
            fields: More to tell; texts are escaped and cut.
        """
        if telemetry.active is not None:
            with contextlib.suppress(Exception):  # Of the operator's metric readers.
                telemetry.active.count_event(name.value)
        is_logged = LOGGER.isEnabledFor(KINDS[name].level)
        if not is_logged and self._on_event is None:
            return
        session = session_tag(session_id) if session_id else None
        told = fields_of(cause, fields)
        event = Event(
            name,
            session,
            None if (request_id := current_request_id()) is None else str(request_id),
            {key: value if isinstance(value, int | float) else harmless(str(value)) for key, value in told.items()},
        )
        if is_logged:
            write_line(event, line or line_of(name, session, told), unexpected)
        if self._is_async:
            self._waiting.append(event)
        elif self._on_event is not None:
            self._call(self._on_event, event)

    def _call(self, on_event: OnEvent, event: Event) -> None:
        """Call the app's callback; an exception of its own is logged, and the request goes on."""
        try:
            on_event(event)
        except Exception:  # noqa: BLE001 (it is the app's)
            self._log_failure()

    async def deliver(self) -> None:
        """Await the app's callback for each event that waits for it."""
        on_event: Any = self._on_event
        while True:
            try:
                event = self._waiting.popleft()
            except IndexError:
                return
            try:
                await on_event(event)
            except Exception:  # noqa: BLE001 (as in ``_call``)
                self._log_failure()

    def _log_failure(self) -> None:
        """Write one line for each wrapped app and process, with the traceback."""
        if not self._has_failed:
            self._has_failed = True
            LOGGER.exception("on_event failed; requests go on, and further failures are not logged")


def fields_of(cause: object, fields: Mapping[str, str | float | None]) -> dict[str, object]:
    """Return what an event tells: what is known, and what FotoWeb calls the call that failed."""
    upstream_id = cause.request_id if isinstance(cause, FotoWebError) else None
    given = {"cause": cause, "upstream_request_id": upstream_id, **fields}
    return {key: value for key, value in given.items() if value is not None}


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether a callable has to be awaited: a coroutine function, or an object whose ``__call__`` is one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 (it is looked at, not asked whether it is callable)


def write_line(event: Event, line: str, unexpected: Exception | None) -> None:
    """Write an event into the log: its line, and its parts as attributes of the record that begin with ``fotoweb_``."""
    parts = {"event": event.name.value, "session": event.session, "request_id": event.request_id, **event.fields}
    extra = {f"fotoweb_{key}": value for key, value in parts.items() if value is not None}
    LOGGER.log(event.level, "%s", line, extra=extra, exc_info=unexpected)


def line_of(name: EventName, session: str | None, told: Mapping[str, object]) -> str:
    """Return an event's line: its words, then what it tells, escaped."""
    parts = {"session": session, **told}
    return " ".join(
        [KINDS[name].words, *(f"{key}={plain(value)}" for key, value in parts.items() if value is not None)]
    )


def harmless(text: str) -> str:
    """Return a text that stays on its line, whatever a formatter makes of it; at most 256 characters."""
    text = text[:MAX_TEXT_CHARACTERS]
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")[:MAX_TEXT_CHARACTERS]
