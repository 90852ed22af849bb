"""The behaviour suite's tools: a wrapped app, its FotoWeb and the clock of both, all in process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from wsgiref.validate import validator

import anyio.from_thread

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Settings
from fotoweb_middleware.caches.faces import InlineFace
from fotoweb_middleware.caches.protocol import Cache
from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb
from tests.behaviour.doors import APP, AsgiDoor, Door, EchoApp, Reply, WsgiDoor
from tests.behaviour.visitors import FETCH, NAVIGATION, Jar, Visitor, target_of

__all__ = [
    "APP",
    "CALLBACK",
    "FETCH",
    "FOTOWEB",
    "NAVIGATION",
    "SECRET_KEY",
    "AsgiDoor",
    "Door",
    "EchoApp",
    "Jar",
    "Opening",
    "Reply",
    "Visited",
    "Visitor",
    "WsgiDoor",
    "in_parallel",
    "opened_portal",
    "target_of",
]

FOTOWEB = "https://fotoweb.test"
CALLBACK = f"{APP}/oauth2/callback"
SECRET_KEY = "ZcR5vYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq"


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
    """A wrapped echo app, its FotoWeb, and the clock of both."""

    door: Door
    app: EchoApp
    fake: FakeFotoWeb
    clock: FakeClock
    settings: Settings
    middleware: Any
    wall: WallClock
    origin: str = APP

    def visitor(self, user_name: str = "alice") -> Visitor:
        """Return somebody new, with an empty jar."""
        return Visitor(self, user_name)

    @property
    def refreshes(self) -> int:
        """How often FotoWeb was asked to refresh a token."""
        return sum(request.grant_type == "refresh_token" for request in self.fake.token_requests)

    def close(self) -> None:
        """Give back the cache's files and connections, which belong to the door's event loop where it has one."""
        cache = self.middleware._driver._cache
        if isinstance(self.door, AsgiDoor):
            self.door.portal.call(cache.aclose)
        else:
            cache.close()


@dataclass(frozen=True)
class Opening:
    """What a test may choose of a site; ``changes`` are settings, ``address`` is what ``FOTOWEB_CACHE`` holds."""

    door: str
    portal: anyio.from_thread.BlockingPortal
    mode: str
    changes: dict[str, Any] = field(default_factory=dict)
    address: str = "memory://"
    mount: str = ""
    origin: str = APP
    fake: FakeFotoWeb | None = None
    clock: FakeClock | None = None
    cache: Cache | None = None

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
        settings = self.settings(fake.client, callback)
        app, wall = EchoApp(), WallClock(clock)
        if self.door == "wsgi":
            wsgi = FotoWebWSGIMiddleware(
                validator(app.wsgi),
                settings,
                cache=self.cache,
                transport=fake.transport(),
                clock=wall,
                monotonic=clock,
            )
            return Visited(WsgiDoor(wsgi, self.mount, self.origin), app, fake, clock, settings, wsgi, wall, self.origin)
        asgi = FotoWebASGIMiddleware(
            app.asgi,
            settings,
            cache=InlineFace(self.cache) if self.cache else None,
            transport=fake.async_transport(),
            clock=wall,
            monotonic=clock,
        )
        door = AsgiDoor(asgi, self.portal, self.mount, self.origin)
        return Visited(door, app, fake, clock, settings, asgi, wall, self.origin)


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
