"""Both drivers behind one face, a cache that fails and pauses as asked, and a server that speaks raw bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import anyio
import anyio.lowlevel
import httpx
import pytest

from fotoweb_middleware.caches.faces import InlineFace
from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.drivers.awaiting import AwaitingDriver
from fotoweb_middleware.drivers.blocking import BlockingDriver
from fotoweb_middleware.effects import Effect, Flow
from fotoweb_middleware.errors import CacheUnavailable
from tests.settings.samples import settings

R = TypeVar("R")
Test = TypeVar("Test", bound=Callable[..., None])

FOTOWEB = "https://tenant.example"
Handler = Callable[[httpx.Request], httpx.Response]


def half_way(test: Test) -> Test:
    """Mark a test that gives up an answer half way: httpx leaves its own generators there, of which trio warns."""
    ignored = pytest.mark.filterwarnings("ignore:.*async_generator object.*:pytest.PytestUnraisableExceptionWarning")
    marked: Test = ignored(pytest.mark.usefixtures("collected")(test))
    return marked


def refuse_all(request: httpx.Request) -> httpx.Response:
    """Stand in for a FotoWeb that nobody should call."""
    raise AssertionError(request.url)


@dataclass
class ToyCache:
    """A memory cache that fails where told to, and notes what it was asked.

    Attributes:
        broken: Names of the calls that fail.
        calls: The calls that came, with their key.
    """

    broken: set[str] = field(default_factory=set)
    calls: list[tuple[str, str]] = field(default_factory=list)
    memory: MemoryCache = field(default_factory=lambda: MemoryCache(100))
    shared: bool = True

    def _note(self, name: str, key: str) -> None:
        self.calls.append((name, key))
        if name in self.broken:
            raise CacheUnavailable("the server cache did not answer")

    def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        self._note("load", key)
        return self.memory.load(key)

    def save(self, key: str, value: bytes, **conditions: Any) -> SaveOutcome:
        """See ``Cache.save``."""
        self._note("save", key)
        return self.memory.save(key, value, **conditions)

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""
        self._note("bury", key)
        self.memory.bury(key, ttl_seconds=ttl_seconds)

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""
        self._note("take_lease", key)
        return self.memory.take_lease(key, ttl_seconds=ttl_seconds)

    def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        self._note("free_lease", lease.key)
        self.memory.free_lease(lease)

    def close(self) -> None:
        """See ``Cache.close``."""

    def is_leased(self, key: str) -> bool:
        """Return whether somebody holds a lease on ``key``; leaves it as it was."""
        lease = self.memory.take_lease(key, ttl_seconds=60)
        if lease is not None:
            self.memory.free_lease(lease)
        return lease is None


class PausingFace(InlineFace):
    """An awaitable face whose every call gives way to other tasks and can be cancelled, as one with a network does."""

    async def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        await anyio.lowlevel.checkpoint()
        return await super().load(key)

    async def save(self, key: str, value: bytes, **conditions: Any) -> SaveOutcome:
        """See ``Cache.save``."""
        await anyio.lowlevel.checkpoint()
        return await super().save(key, value, **conditions)

    async def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""
        await anyio.lowlevel.checkpoint()
        return await super().take_lease(key, ttl_seconds=ttl_seconds)

    async def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        await anyio.lowlevel.checkpoint()
        await super().free_lease(lease)


def awaiting_driver(cache: ToyCache, handler: Handler | None = refuse_all, **changes: Any) -> AwaitingDriver:
    """Return a driver for ASGI; ``handler`` None is the real network."""
    transport = None if handler is None else httpx.MockTransport(handler)
    return AwaitingDriver(settings(**changes), PausingFace(cache), transport)


def blocking_driver(cache: ToyCache, handler: Handler | None = refuse_all, **changes: Any) -> BlockingDriver:
    """Return a driver for WSGI; ``handler`` None is the real network."""
    transport = None if handler is None else httpx.MockTransport(handler)
    return BlockingDriver(settings(**changes), cache, transport)


@dataclass
class Engine:
    """A driver with something to run it on.

    Attributes:
        name: "threads", "asyncio" or "trio".
    """

    name: str
    cache: ToyCache = field(default_factory=ToyCache)
    handler: Handler | None = refuse_all
    changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open both drivers; one of them is used."""
        self._blocking = blocking_driver(self.cache, self.handler, **self.changes)
        self._awaiting = awaiting_driver(self.cache, self.handler, **self.changes)

    def run(self, flow: Flow[R]) -> R:
        """Run a flow to its end."""
        if self.name == "threads":
            return self._blocking.run(flow)
        return anyio.run(self._awaiting.run, flow, backend=self.name)

    def run_together(self, *flows: Flow[R]) -> list[R]:
        """Run flows side by side, started in this order, and return their results."""
        if self.name == "threads":
            with ThreadPoolExecutor(len(flows)) as pool:
                return list(pool.map(self._blocking.run, flows))
        return anyio.run(self._gather, flows, backend=self.name)

    async def _gather(self, flows: tuple[Flow[R], ...]) -> list[R]:
        results: dict[int, R] = {}

        async def keep(number: int, flow: Flow[R]) -> None:
            results[number] = await self._awaiting.run(flow)

        async with anyio.create_task_group() as tasks:
            for number, flow in enumerate(flows):
                tasks.start_soon(keep, number, flow)
        return [results[number] for number in sorted(results)]


def perform(effect: Effect[R]) -> Flow[R]:
    """Make a flow of one effect."""
    return (yield from effect)


def performing(*effects: Effect[Any]) -> Flow[list[Any]]:
    """Make a flow of several effects; an error of one is its result."""
    results: list[Any] = []
    for effect in effects:
        try:
            results.append((yield from effect))
        except Exception as error:  # noqa: BLE001 (tests look at it)
            results.append(error)
    return results


class RawServer:
    """A server that does with each connection what a function says.

    Args:
        serve: Gets the connection and what the client sent first.
    """

    def __init__(self, serve: Callable[[socket.socket, bytes], None]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Start."""
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and wait for every connection to end."""
        self.closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in list(self._threads):
            thread.join(10)

    def forget_requests(self) -> None:
        """Forget what was sent so far, and the threads that have answered it, for a run of hours."""
        self.requests.clear()
        self._threads[:] = [thread for thread in self._threads if thread.is_alive()]

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._start(self._converse, connection)

    def _converse(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            request = whole_request(connection)
            self.requests.append(request)
            self._serve(connection, request)


def whole_request(connection: socket.socket) -> bytes:
    """Read a request with its body: closing a connection with something unread would reset it."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += some_bytes(connection)
    head, _, body = request.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += some_bytes(connection)
    return head + b"\r\n\r\n" + body


def some_bytes(connection: socket.socket) -> bytes:
    """Read what comes next; a client that goes is an OSError."""
    received = connection.recv(65_536)
    if not received:
        raise ConnectionAbortedError
    return received


@contextlib.contextmanager
def raw_server(*answers: bytes) -> Iterator[RawServer]:
    """Run a server that sends these bytes and closes."""

    def serve(connection: socket.socket, _: bytes) -> None:
        for answer in answers:
            connection.sendall(answer)

    with RawServer(serve) as server:
        yield server


def stepping(*effects: Effect[Any]) -> Generator[Effect[Any], Any, None]:
    """Make a flow of effects whose results nobody wants."""
    for effect in effects:  # noqa: UP028 (errors are thrown into this generator, not into a tuple)
        yield effect
