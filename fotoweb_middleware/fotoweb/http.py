"""Calls to FotoWeb: one ``httpx.Client`` a process, one deadline a call, a limit on calls at once, a circuit breaker.

No connection is used twice: a surplus answer on a kept connection would be read as the next caller's.
Redirects are never followed, since they would carry the client's secret elsewhere.
"""

from __future__ import annotations

import contextlib
import contextvars
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import certifi
import httpx

from fotoweb_middleware import telemetry
from fotoweb_middleware.errors import FotoWebError, FotoWebNonsense, FotoWebUnreachable
from fotoweb_middleware.events import EventEmitter, EventName
from fotoweb_middleware.fotoweb.messages import Form, HttpReply, read_date, read_request_id
from fotoweb_middleware.fotoweb.tokens import TOKEN_PATH, read_token_reply
from fotoweb_middleware.fotoweb.unreachable import bug, open_client, unreachable
from fotoweb_middleware.session import TokenSet
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.stores import forks

R = TypeVar("R")

MAX_CALLS_AT_ONCE = 40
"""Each holds a thread; further ones wait their turn."""
FREE_WAIT_SECONDS = 1.0
MAX_BODY_BYTES = 262_144
MAX_HEADER_BYTES = 65_536
FIRST_SERVER_ERROR = 500
HEADERS = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "fotoweb-middleware"}
CONNECTED = ("connect_tcp.complete", "start_tls.complete")


class FotoWebClient:
    """Talks to one FotoWeb site. Safe from any number of threads, and after a fork.

    Args:
        settings: For the address, time-outs and TLS.
        clock: Epoch seconds.
        monotonic: Seconds of a clock that never jumps.
        events: Told when FotoWeb stops to answer, and when it answers again.
        transport: Where calls go instead of the network; for tests.
        executor: Where ``submit`` runs work; None: a pool of 40 threads.
        max_slow_waiters: How many threads may ``wait`` while FotoWeb is slow.

    Raises:
        SettingsError: The environment names a proxy that is none.
    """

    def __init__(  # noqa: PLR0913 (all but three are for tests)
        self,
        settings: Settings,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        events: EventEmitter | None = None,
        transport: httpx.BaseTransport | None = None,
        executor: Executor | None = None,
        max_slow_waiters: int = MAX_CALLS_AT_ONCE,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._given_executor = executor
        self._max_slow_waiters = max_slow_waiters
        self._clock = clock
        self._monotonic = monotonic
        self._events = events or EventEmitter()
        # A file of the operator's is read now: a server may lose the right to later.
        self._tls = True if transport else tls_context(settings)
        self.after_fork_in_child()
        forks.register(self)

    def after_fork_in_child(self) -> None:
        """Begin with connections and threads of this process's own."""
        self._client = open_client(**client_options(self._settings, tls=self._tls), transport=self._transport)
        self._executor = self._given_executor or ThreadPoolExecutor(MAX_CALLS_AT_ONCE, thread_name_prefix="fotoweb")
        self.breaker = CircuitBreaker(self._monotonic, self._events)
        self._answered_at: float | None = None
        self.clock_skew_seconds: float | None = None  # How far FotoWeb's clock is ahead, by its last answer.
        self._slow_waiters = threading.BoundedSemaphore(self._max_slow_waiters)
        self._lock = threading.Lock()
        self._running: dict[object, float] = {}  # When each call began; by the machine's own clock, as threads wait.

    def submit(self, work: Callable[[], R]) -> Future[R]:
        """Run work that calls FotoWeb in a thread of its own, which nobody cancels, and return its future.

        The threads are no daemons: where the process ends meanwhile, Python waits for them, so no answer is lost.
        """
        return self._executor.submit(contextvars.copy_context().run, work)  # Tracing finds the caller's context.

    def ask_for_tokens(self, form: Form, *, timeout_seconds: float, before: TokenSet | None = None) -> TokenSet:
        """POST a form to the token endpoint and read the tokens in the answer (RFC 6749, 5).

        Args:
            form: A grant.
            timeout_seconds: For everything: looking the name up, connecting, sending, reading the whole answer.
            before: The tokens that are refreshed; where no new refresh token comes, the old one is kept.

        Raises:
            FotoWebUnreachable: No answer, or not in time.
            FotoWebError: There are none, as ``read_token_reply`` says.
        """
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        request_id = None
        try:
            reply = self._call(
                "POST", TOKEN_PATH, lambda: {"headers": headers, "content": urlencode(form.fields)}, timeout_seconds
            )
            request_id = reply.request_id
            return read_token_reply(
                reply, now=self._clock(), refresh_token=before.refresh_token if before is not None else None
            )
        except FotoWebError as error:
            error.request_id = request_id
            # Without the frames below, whose variables hold what was read: error reporters send them along.
            raise error.with_traceback(None) from None

    def get_document(self, path: str, *, accept: str, tokens: TokenSet, timeout_seconds: float) -> HttpReply:
        """GET a document with an access token; errors are those of ``ask_for_tokens``."""

        def parts() -> dict[str, Any]:
            return {"headers": {"Accept": accept, "Authorization": f"Bearer {tokens.access_token}"}}

        return self._call("GET", path, parts, timeout_seconds)

    def wait(self, future: Future[R]) -> R | None:
        """Wait in this thread for such work, for ``FOTOWEB_HTTP_TIMEOUT`` at most; None where it took too long.

        A server has few threads, and those who wait for FotoWeb must leave some for all others. So once a call has been
        running for a second, only ``max_slow_waiters`` threads wait, and nobody else does at all.
        """
        left_seconds = self._settings.http_timeout
        if future.done() or not self._is_slow():
            free_seconds = min(FREE_WAIT_SECONDS, left_seconds)
            with contextlib.suppress(TimeoutError):
                return future.result(free_seconds)
            left_seconds -= free_seconds
        if not self._slow_waiters.acquire(blocking=False):
            return None
        try:
            return future.result(left_seconds)
        except TimeoutError:
            return None
        finally:
            self._slow_waiters.release()

    def last_answer_seconds_ago(self) -> float | None:
        """Return how long ago FotoWeb last answered a call of this process, whatever it said; None: never yet."""
        return None if self._answered_at is None else round(self._monotonic() - self._answered_at, 1)

    def _is_slow(self) -> bool:
        """Return whether FotoWeb has left a call unanswered for a second."""
        with self._lock:
            oldest = min(self._running.values(), default=math.inf)
        return time.monotonic() - oldest > FREE_WAIT_SECONDS

    def _call(self, method: str, path: str, parts: Callable[[], dict[str, Any]], timeout_seconds: float) -> HttpReply:
        """Make one call. Secrets are in ``parts``, and so in no variable of a frame that an error report may show."""
        self.breaker.check()
        try:
            reply = self._measured(method, path, parts, timeout_seconds)
        except FotoWebError as error:
            raise error.with_traceback(None) from None
        except (httpx.HTTPError, OSError) as error:
            did_not_answer = isinstance(error, httpx.ConnectError | httpx.TimeoutException)
            failure = unreachable(error, self._settings.url)
            self.breaker.note(failure if did_not_answer else None)
            raise failure from None
        except Exception as error:  # noqa: BLE001 (the frames below hold secrets: none may go with an error)
            raise bug(error) from None
        self.breaker.note(None)
        self._answered_at = self._monotonic()
        self.clock_skew_seconds = None if reply.date is None else reply.date - self._clock()
        return reply

    def _measured(
        self, method: str, path: str, parts: Callable[[], dict[str, Any]], timeout_seconds: float
    ) -> HttpReply:
        """Make the call, and tell OpenTelemetry, where it is installed, how that went."""
        if telemetry.active is None:
            return self._send(method, path, parts, timeout_seconds)
        outcome: HttpReply | Exception | None = None
        # The operator's span processors may raise; an answer with new tokens must not be lost with that.
        with contextlib.suppress(Exception), telemetry.active.fotoweb_call(method, self._settings.url, path) as note:
            try:
                outcome = self._send(method, path, parts, timeout_seconds)
            except Exception as error:  # noqa: BLE001 (raised below)
                outcome = error
            note(outcome if isinstance(outcome, Exception) else outcome.status)
        if outcome is None:  # It raised before anything was sent.
            return self._send(method, path, parts, timeout_seconds)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _send(self, method: str, path: str, parts: Callable[[], dict[str, Any]], timeout_seconds: float) -> HttpReply:
        with (
            self._noted(),
            Deadline(timeout_seconds) as deadline,
            self._client.stream(
                method,
                self._settings.url + path,
                **parts(),
                timeout=timeout_seconds,
                extensions={"trace": deadline.note_socket},
            ) as response,
        ):
            reply = read_reply(response)
            deadline.check()  # What ends by a cut connection may look like a whole answer.
            return reply

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        """Note that a call is running."""
        call = object()
        with self._lock:
            self._running[call] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                del self._running[call]


class Deadline:
    """One deadline for a whole call.

    httpx's own time-outs hold for one read, one address or one handshake each: a server that sends a byte now and then
    is never late. So the connection is cut when the time is over, which ends the read.

    Args:
        seconds: For everything.
    """

    def __init__(self, seconds: float) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_over = False
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        """Start the clock."""
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Stop it; what failed because the connection was cut is told as a time-out."""
        self._timer.cancel()
        if isinstance(error, httpx.HTTPError) and not isinstance(error, httpx.TimeoutException):
            self.check()

    def check(self) -> None:
        """Raise where the time is over.

        Raises:
            httpx.ReadTimeout: It is.
        """
        if self._is_over:
            raise httpx.ReadTimeout("the whole answer took too long")

    def note_socket(self, event: str, info: dict[str, Any]) -> None:
        """Remember the connection, which httpcore tells of."""
        if event.endswith(CONNECTED):
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
                if self._is_over:
                    cut(self._socket)

    def _end(self) -> None:
        with self._lock:
            self._is_over = True
            cut(self._socket)


def cut(connection: socket.socket | None) -> None:
    """End a connection under the thread that reads from it."""
    if connection is not None:
        with contextlib.suppress(OSError):  # It has ended by itself.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)  # Not SSLSocket's: that one is for its own thread.


class CircuitBreaker:
    """After some calls in a row that were not answered, calls fail at once for two seconds.

    Args:
        monotonic: Seconds of a clock that never jumps.
        events: Told when this begins, and when FotoWeb answers again.
    """

    FAILURES = 5
    OPEN_SECONDS = 2.0

    def __init__(self, monotonic: Callable[[], float], events: EventEmitter) -> None:
        self._monotonic = monotonic
        self._events = events
        self._failures = 0
        self._opened_at: float | None = None
        self._opens_until = 0.0

    def check(self) -> None:
        """Raise where FotoWeb did not answer a moment ago.

        Raises:
            FotoWebUnreachable: It did not.
        """
        left_seconds = self._opens_until - self._monotonic()
        if self._failures >= self.FAILURES and left_seconds > 0:
            raise FotoWebUnreachable(
                f"FotoWeb did not answer the last {self.FAILURES} calls; retrying shortly",
                retry_after_seconds=left_seconds,
            )

    def state(self) -> str:
        """Return "closed": calls go through; "open": they fail at once; "half-open": the next one finds out."""
        if self._failures < self.FAILURES:
            return "closed"
        return "open" if self._monotonic() < self._opens_until else "half-open"

    def note(self, failure: FotoWebUnreachable | None) -> None:
        """Count a call; ``failure`` says why it was not answered, None that it was."""
        now = self._monotonic()
        self._failures = 0 if failure is None else self._failures + 1
        self._opens_until = now + self.OPEN_SECONDS
        opened_at = self._opened_at
        if opened_at is None and self._failures >= self.FAILURES:
            self._opened_at = now
            self._events.emit(EventName.CIRCUIT_OPEN, cause=failure)
        elif opened_at is not None and failure is None:
            self._opened_at = None
            self._events.emit(EventName.CIRCUIT_CLOSED, seconds=round(now - opened_at, 1))


def client_options(settings: Settings, *, tls: ssl.SSLContext | bool | None = None) -> dict[str, Any]:
    """Return what an httpx client for this FotoWeb site is made with; the TLS context is built where none is given."""
    return {
        "verify": tls_context(settings) if tls is None else tls,
        "timeout": settings.http_timeout,
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=0),
        "follow_redirects": False,
        "headers": HEADERS,
        "cookies": empty_jar(),
    }


def empty_jar() -> CookieJar:
    """Return a jar that keeps nothing.

    One client serves every user: a cookie that FotoWeb, or a gateway before it, set for one must not go out with
    another's call.
    """
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Trust the system's certificate authorities, or those of ``FOTOWEB_CA_BUNDLE`` alone."""
    context = ssl.create_default_context(cafile=settings.ca_bundle)
    if settings.ca_bundle is None and not context.cert_store_stats()["x509_ca"]:
        # A machine without certificate authorities, such as a bare container: certifi brings Mozilla's list.
        context.load_verify_locations(certifi.where())
    return context


def read_reply(response: httpx.Response) -> HttpReply:
    """Read an answer up to a limit.

    Raises:
        FotoWebNonsense: Headers or body are larger than those of any token answer, or the body is compressed.
    """
    if sum(len(name) + len(value) for name, value in response.headers.raw) > MAX_HEADER_BYTES:
        raise FotoWebNonsense(f"the headers of FotoWeb's answer are larger than {MAX_HEADER_BYTES} bytes")
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"} and response.status_code < FIRST_SERVER_ERROR:  # Else nobody reads the body.
        raise FotoWebNonsense("FotoWeb sent a compressed answer that was not asked for")
    body = bytearray()
    # Transports of tests, such as httpx's MockTransport, hand over what was read before.
    for chunk in [response.content] if response.is_stream_consumed else response.iter_raw():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise FotoWebNonsense(f"FotoWeb's answer is larger than {MAX_BODY_BYTES} bytes")
    date, request_id = read_date(response.headers.get("date")), read_request_id(response.headers)
    return HttpReply(response.status_code, response.headers.get("retry-after"), bytes(body), date, request_id)
