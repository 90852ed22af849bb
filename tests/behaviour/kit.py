"""The behaviour suite's tools: a wrapped app, its FotoWeb and the clock of both, all in process."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

import anyio.from_thread
import httpx

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Session, Settings, get_session
from fotoweb_middleware.stores import open_store
from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb
from tests.behaviour.adapters import APP, Adapter, AsgiAdapter, EchoApp, Reply, WsgiAdapter
from tests.behaviour.visitors import FETCH, NAVIGATION, Jar, Visitor, target_of
from tests.behaviour.watched import WatchedStore

__all__ = [
    "APP",
    "CALLBACK",
    "FETCH",
    "FOTOWEB",
    "NAVIGATION",
    "SECRET_KEY",
    "Adapter",
    "AsgiAdapter",
    "EchoApp",
    "InlineExecutor",
    "Jar",
    "Opening",
    "Reply",
    "Visited",
    "Visitor",
    "WsgiAdapter",
    "in_parallel",
    "is_accepted",
    "opened_portal",
    "session_of",
    "target_of",
]

FOTOWEB = "https://fotoweb.test"
CALLBACK = f"{APP}/oauth2/callback"
SECRET_KEY = "ZcR5vYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq"


class InlineExecutor(Executor):
    """Runs work at once, in the thread that asks for it."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``fn`` and return its result, as a future."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 (the future hands it on)
            future.set_exception(error)
        return future


@dataclass
class WallClock:
    """The app's wall clock, which may be wrong; FotoWeb's is right, and the monotonic one never jumps."""

    true_clock: FakeClock
    wrong_by_seconds: float = 0

    def __call__(self) -> float:
        """Return epoch seconds."""
        return self.true_clock() + self.wrong_by_seconds


@dataclass
class Visited:
    """A wrapped echo app, its FotoWeb, its store, and the clock of all."""

    adapter: Adapter
    app: EchoApp
    fake: FakeFotoWeb
    clock: FakeClock
    settings: Settings
    middleware: Any
    wall: WallClock
    store: WatchedStore
    origin: str = APP
    on_event: Any = None
    callables: dict[str, Any] = field(default_factory=dict)
    """``authorize`` and ``on_login``, as far as the app gives them."""

    def visitor(self, user_name: str = "alice") -> Visitor:
        """Return somebody new, with an empty jar."""
        return Visitor(self, user_name)

    @property
    def refreshes(self) -> int:
        """How often FotoWeb was asked to refresh a token."""
        return sum(request.grant_type == "refresh_token" for request in self.fake.token_requests)

    @property
    def transport(self) -> httpx.BaseTransport | None:
        """Where calls to FotoWeb go; None for the network."""
        return self.fake.transport()

    def restart(self) -> None:
        """Go on as a new process over the same store, which remembers nothing."""
        self.middleware = wrapped(self)
        self.adapter = dataclasses.replace(self.adapter, app=self.middleware)  # type: ignore[type-var]

    def close(self) -> None:
        """Give back the store's files and connections."""
        self.store.close()


def wrapped(site: Visited) -> FotoWebASGIMiddleware | FotoWebWSGIMiddleware:
    """Return a new middleware around a site's app, over its store."""
    given: dict[str, Any] = {
        "store": site.store,
        "transport": site.transport,
        "clock": site.wall,
        "monotonic": site.clock,
        "on_event": site.on_event,
        **site.callables,
    }
    if isinstance(site.adapter, AsgiAdapter):
        return FotoWebASGIMiddleware(site.app.serve_asgi, site.settings, **given)
    # Nobody waits for a refresh that follows an answer; here it is done before the answer's body is closed.
    return FotoWebWSGIMiddleware(site.app.serve_wsgi, site.settings, **given, executor=InlineExecutor())


@dataclass(frozen=True)
class Opening:
    """What a test may choose of a site; ``changes`` are settings, ``address`` is what ``FOTOWEB_CACHE`` holds."""

    adapter: str
    portal: anyio.from_thread.BlockingPortal
    mode: str
    changes: dict[str, Any] = field(default_factory=dict)
    address: str = "memory://"
    mount: str = ""
    origin: str = APP
    fake: FakeFotoWeb | None = None
    clock: FakeClock | None = None
    store: WatchedStore | None = None
    on_event: Any = None
    callables: dict[str, Any] = field(default_factory=dict)
    shared: bool | None = None
    """What the store says of itself; None for the truth."""

    def settings(self, client: Client, callback: str) -> Settings:
        """Return the settings of the app's side."""
        return Settings(
            **{
                "url": FOTOWEB,
                "client_id": client.client_id,
                "client_secret": client.client_secret,
                "secret_key": SECRET_KEY,
                "redirect_uri": callback,
                "cache": self.address,
                "cookie_mode": self.mode,
                **self.changes,
            }
        )

    def open(self) -> Visited:
        """Build the site."""
        clock = self.clock or FakeClock()
        callback = f"{self.origin}{self.mount}/oauth2/callback"
        fake = self.fake or FakeFotoWeb(
            clients=[Client(redirect_uris=(callback,))], clock=clock, pause=lambda _seconds: None
        )
        settings, wall = self.settings(fake.client, callback), WallClock(clock)
        store = self.store or WatchedStore(open_store(settings, clock=wall, monotonic=clock), shared=self.shared)
        adapter: Adapter = (
            AsgiAdapter(None, self.portal, self.mount, self.origin)
            if self.adapter == "asgi"
            else WsgiAdapter(None, self.mount, self.origin)
        )
        site = Visited(
            adapter, EchoApp(), fake, clock, settings, None, wall, store, self.origin, self.on_event, self.callables
        )
        site.restart()
        return site


def session_of(visitor: Visitor) -> Session:
    """Return the session that the app gets at a request, as a stream or a task keeps it."""
    caught: list[Session | None] = []
    app: EchoApp = visitor.site.app  # type: ignore[attr-defined]

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        caught.append(get_session(scope))
        await app.asgi(scope, receive, send)

    def wsgi(environ: Any, start_response: Any) -> Any:
        caught.append(get_session(environ))
        return app.wsgi(environ, start_response)

    app.instead = asgi if isinstance(visitor.site.adapter, AsgiAdapter) else wsgi
    visitor.get("/stream")
    app.instead = None
    (session,) = caught
    assert session is not None
    return session


def is_accepted(visitor: Visitor, token: str) -> bool:
    """Return whether FotoWeb's API takes a token."""
    with httpx.Client(transport=visitor.site.fake.transport(), base_url=FOTOWEB) as client:
        return client.get("/fotoweb/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def in_parallel(count: int, work: Any) -> list[Any]:
    """Run ``work(number)`` in so many threads that start together; return the results in order."""
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        barrier.wait()
        results[number] = work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return results


@contextlib.contextmanager
def opened_portal(backend: str) -> Iterator[anyio.from_thread.BlockingPortal]:
    """Run an event loop in a thread of its own."""
    with anyio.from_thread.start_blocking_portal(backend) as portal:
        yield portal
