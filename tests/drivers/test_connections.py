"""Calls to FotoWeb over real connections that misbehave (R-TE3, R-TE5; T-TE-10, T-TE-11, T-TE-13)."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from fotoweb_middleware.effects import HttpReply, PostForm
from fotoweb_middleware.errors import FotoWebNonsense, FotoWebUnreachable
from tests.drivers.conftest import OpenEngine
from tests.drivers.kit import Engine, RawServer, half_way, perform, performing, raw_server

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
TIMEOUT_SECONDS = 0.4
SLACK_SECONDS = 10
"""A shared machine may be slow; what is tested here would take a minute or for ever."""
PATIENT_SECONDS = 15
"""For calls that must succeed: no machine stands still for so long."""


def post(engine: Engine, url: str) -> Any:
    """Post a form with a secret and return what came of it."""
    return engine.run(performing(PostForm(f"{url}/token", (("client_secret", "S3CR3T"),))))[0]


@pytest.fixture
def engine(open_engine: OpenEngine) -> Engine:
    """Return a driver on the real network, with little patience."""
    return open_engine(None, http_timeout=TIMEOUT_SECONDS)


@pytest.fixture
def patient(open_engine: OpenEngine) -> Engine:
    """Return a driver on the real network, whose deadline is not what the test is about."""
    return open_engine(None, http_timeout=PATIENT_SECONDS)


def dripping(prefix: bytes) -> Callable[[socket.socket, bytes], None]:
    """Return what sends ``prefix`` and then a byte now and then, each within any time-out for one read."""

    def serve(connection: socket.socket, _: bytes) -> None:
        connection.sendall(prefix)
        for _turn in range(600):
            connection.sendall(b"a")
            time.sleep(0.1)

    return serve


def silent(connection: socket.socket, _: bytes) -> None:
    """Say nothing until the client goes."""
    connection.recv(1)


def reset(connection: socket.socket, _: bytes) -> None:
    """Reset the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    "serve",
    [
        silent,
        dripping(b""),
        dripping(b"HTTP/1.1 200 OK\r\nX-Drip: "),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
    ids=["silence", "status line", "header", "body", "body without length"],
)
def test_deadline(engine: Engine, serve: Callable[[socket.socket, bytes], None]) -> None:
    """FOTOWEB_HTTP_TIMEOUT holds for the call with everything included, however the answer drips in (R-TE3)."""
    with RawServer(serve) as server:
        started = time.monotonic()
        error = post(engine, server.url)
        took_seconds = time.monotonic() - started
    assert (type(error), took_seconds < TIMEOUT_SECONDS + SLACK_SECONDS) == (FotoWebUnreachable, True)


def test_deadline_endless_informational(engine: Engine) -> None:
    """An endless row of ``100 Continue`` does not outlast it either (T-TE-11)."""

    def serve(connection: socket.socket, _: bytes) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.02)

    with RawServer(serve) as server:
        started = time.monotonic()
        error = post(engine, server.url)
        took_seconds = time.monotonic() - started
    assert (type(error), took_seconds < TIMEOUT_SECONDS + SLACK_SECONDS) == (FotoWebUnreachable, True)


def test_deadline_unaccepted(engine: Engine) -> None:
    """It holds also where the connection is never accepted."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = listener.getsockname()
        for _ in range(3):  # Fill the queue, so that the next one hangs while it connects.
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address)
        started = time.monotonic()
        error = post(engine, f"http://127.0.0.1:{address[1]}")
        took_seconds = time.monotonic() - started
    assert (type(error), took_seconds < TIMEOUT_SECONDS + SLACK_SECONDS) == (FotoWebUnreachable, True)


def test_nothing_left_running(engine: Engine) -> None:
    """After a deadline the connection is cut and no thread of ours goes on."""
    came, gone = threading.Event(), threading.Event()

    def serve(connection: socket.socket, _: bytes) -> None:
        came.set()
        try:
            dripping(b"HTTP/1.1 200 OK\r\nX-Drip: ")(connection, b"")
        finally:
            gone.set()

    of_others = calls()
    with RawServer(serve) as server:
        while not came.is_set():  # A machine that stands still lets the deadline pass before anybody is asked.
            post(engine, server.url)
        assert gone.wait(20)
    deadline = time.monotonic() + 5
    while calls() - of_others and time.monotonic() < deadline:
        time.sleep(0.01)
    assert calls() - of_others == set()


def calls() -> set[threading.Thread]:
    """Return the threads that call FotoWeb."""
    return {thread for thread in threading.enumerate() if thread.name == "fotoweb-call"}


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [b"HTTP/1.1 200 OK\r\n"],
        [b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"access_token":"A"}'],
        [b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{"access_token":"A"}\r\n'],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"],
        [b'{"access_token":"S3CR3T","token_type":"bearer"}\r\n\r\n'],
        [b"HTTP/1.1 200 OK\r\nS3CR3T\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nX: S3CR3T\x00\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n"],
        [b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000_000 + b"\r\n\r\n"],
        [b"\x16\x03\x01\x02\x00"],
        [b"SSH-2.0-OpenSSH_9.2\r\n"],
    ],
    ids=[
        "nothing",
        "half a head",
        "short body",
        "half a chunked body",
        "no chunk size",
        "two lengths",
        "no head",
        "garbled header",
        "NUL in header",
        "many headers",
        "long header",
        "TLS",
        "SSH",
    ],
)
def test_broken_answers(patient: Engine, answers: list[bytes]) -> None:
    """An answer that is no whole HTTP answer is no answer, and its text is not repeated (T-TE-10, R-LG1)."""
    with raw_server(*answers) as server:
        error = post(patient, server.url)
    assert (type(error), "S3CR3T" in str(error)) == (FotoWebUnreachable, False)


def test_reset(patient: Engine) -> None:
    """A connection that is reset is no answer."""
    with RawServer(reset) as server:
        assert type(post(patient, server.url)) is FotoWebUnreachable


def test_refused(patient: Engine) -> None:
    """Where nobody listens, nothing was sent, and the text says so without a secret."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = post(patient, f"http://127.0.0.1:{port}")
    assert (type(error), "S3CR3T" in str(error)) == (FotoWebUnreachable, False)


@half_way
def test_endless_body(patient: Engine) -> None:
    """A body without end is given up at the limit, not at the deadline (T-TE-11)."""

    def serve(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65_536)

    with RawServer(serve) as server:
        assert type(post(patient, server.url)) is FotoWebNonsense


def test_connection_used_once(patient: Engine) -> None:
    """A surplus answer on a connection is never read as the next caller's (R-TE5)."""
    other = OK.replace(b"{}", b"[]")

    def serve(connection: socket.socket, _: bytes) -> None:
        connection.sendall(OK + other)
        connection.recv(1)

    with RawServer(serve) as server:
        replies = [post(patient, server.url) for _ in range(3)]
    assert ([reply.body for reply in replies], len(server.requests)) == ([b"{}"] * 3, 3)


def test_closed_after_every_answer(patient: Engine) -> None:
    """A server that closes after each answer is no trouble (T-TE-13)."""
    with raw_server(OK) as server:
        replies = [post(patient, server.url) for _ in range(10)]
    assert replies == [HttpReply(200, None, b"{}")] * 10


def test_many_at_once(patient: Engine) -> None:
    """Many calls at once each get their own answer."""

    def serve(connection: socket.socket, request: bytes) -> None:
        body = request.split(b" ")[1]
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    with RawServer(serve) as server:
        effects = [PostForm(f"{server.url}/{number}", ()) for number in range(20)]
        replies = patient.run_together(*(perform(effect) for effect in effects))
    assert [reply.body for reply in replies] == [b"/%d" % number for number in range(20)]


def test_one_hung_call_blocks_no_other(patient: Engine) -> None:
    """While one call hangs others are answered (R-RL4)."""
    hangs, answered, meanwhile = threading.Event(), threading.Semaphore(0), list[bool]()

    def serve(connection: socket.socket, request: bytes) -> None:
        if b"/hang" in request:  # It hangs until the others are answered, and has no answer itself.
            hangs.set()
            meanwhile.extend(answered.acquire(timeout=PATIENT_SECONDS / 2) for _ in range(3))
        else:
            meanwhile.append(hangs.wait(PATIENT_SECONDS / 2))
            connection.sendall(OK)
            answered.release()

    with RawServer(serve) as server:
        hung, *others = patient.run_together(
            *(performing(PostForm(f"{server.url}/{path}", ())) for path in ("hang", "a", "b", "c"))
        )
    assert meanwhile == [True] * 6
    assert ([type(error) for error in hung], [reply[0].status for reply in others]) == (
        [FotoWebUnreachable],
        [200] * 3,
    )


def test_no_secret_in_any_log(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of the form stands in any log, at any level, httpx's own included (R-LG1)."""
    caplog.set_level(logging.DEBUG)
    with raw_server(OK) as server:
        post(engine, server.url)
    assert "S3CR3T" not in caplog.text


REQUEST_ID: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="none")


def test_context_of_caller(open_engine: OpenEngine) -> None:
    """Whoever traces calls finds the context of the request that made them."""
    import httpx  # noqa: PLC0415

    seen = []

    def handler(_: httpx.Request) -> httpx.Response:
        seen.append(REQUEST_ID.get())
        return httpx.Response(200, stream=httpx.ByteStream(b""))

    token = REQUEST_ID.set("r-1")
    try:
        open_engine(handler).run(perform(PostForm("https://tenant.example", ())))
    finally:
        REQUEST_ID.reset(token)
    assert seen == ["r-1"]
