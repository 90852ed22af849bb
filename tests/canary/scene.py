"""One wrapped app, a FotoWeb on a real port, and a person who makes the whole tour, with an eye on every secret."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import anyio.from_thread
import pytest

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Settings
from fotoweb_middleware.errors import FotoWebMiddlewareError
from fotoweb_middleware.events import Event
from fotoweb_middleware.fotoweb.http import FotoWebClient
from fotoweb_middleware.session import SessionRecord
from fotoweb_middleware.stores import open_store
from fotoweb_middleware.stores.base import Store
from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb
from fotoweb_middleware.testing.fake_fotoweb import FakeRequest, FakeResponse
from tests.behaviour.adapters import APP, Adapter, AsgiAdapter, Reply, WsgiAdapter
from tests.behaviour.visitors import Visitor
from tests.behaviour.watched import WatchedStore
from tests.canary.listening import Told, told, told_with_callers
from tests.canary.planted import CLIENT_SECRET, NEWEST_KEY, OLDER_KEY, Planted
from tests.canary.uvicorn_adapter import served

__all__ = ["QuietApp", "Scene", "opened"]

STORE_METHODS = {"load", "save", "revoke", "acquire_lock", "release_lock", "use_once", "keys"}


class QuietApp:
    """An app that says nothing of what it sees, or fails where it is told to."""

    fails = False

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        """Answer as a WSGI app."""
        self.fail_if_told()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as an ASGI app."""
        self.fail_if_told()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"hello"})

    def fail_if_told(self) -> None:
        """Raise, as apps do."""
        if self.fails:
            raise LookupError("the app failed")


class PlantingFotoWeb(FakeFotoWeb):
    """The simulator, which notes every secret that comes to its token endpoint or leaves it.

    Args:
        planted: Where it notes them.
        given: See ``FakeFotoWeb``.
    """

    def __init__(self, planted: Planted, **given: Any) -> None:
        super().__init__(**given)
        self._planted = planted

    def handle(self, request: FakeRequest) -> FakeResponse:
        """Answer one request."""
        form = parse_qs(request.body.decode("utf-8", "replace"))
        for field_name, kind in (("code_verifier", "verifier"), ("refresh_token", "refresh token"), ("code", "code")):
            for secret in form.get(field_name, []):
                self._planted.plant(kind, secret)
        response = super().handle(request)
        with contextlib.suppress(ValueError):
            tokens = json.loads(response.body)
            if isinstance(tokens, dict):
                self._planted.plant("access token", tokens.get("access_token"))
                self._planted.plant("refresh token", tokens.get("refresh_token"))
        return response


class NotingStore(WatchedStore):
    """A store whose every failure is noted, before the middleware makes something of it; it can fail unforeseen.

    Attributes:
        errors: What failed: its words, and its frames with their locals.
        unforeseen: Raised by every write while it is set.
        locks_released: How many locks were given up.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.locks_released = 0
        self.errors: list[Told] = []
        self.unforeseen: Exception | None = None

    def __getattribute__(self, name: str) -> Any:
        """Return an attribute; the methods of a store note their failures."""
        found = super().__getattribute__(name)
        if name not in STORE_METHODS:
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            if self.unforeseen is not None and name == "save":
                raise self.unforeseen
            try:
                result = found(*arguments, **named)
            except FotoWebMiddlewareError as error:
                self.errors.append((str(error), []))  # Nobody gets its frames: the middleware takes it from here.
                raise
            self.locks_released += name == "release_lock"
            return result

        return call


@dataclass
class Scene:
    """What the tour needs, and what it leaves behind.

    Attributes:
        replies: Every answer, with the secrets that it carries legitimately.
        errors: Every error that left the middleware, or that its store or a call to FotoWeb raised: its words, and its
            frames with their local variables.
        events: Every event.
    """

    adapter: Adapter
    app: QuietApp
    fake: FakeFotoWeb
    clock: FakeClock
    middleware: Any
    store: NotingStore
    planted: Planted
    replies: list[Reply] = field(default_factory=list)
    errors: list[Told] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    origin: str = APP

    @property
    def refreshes(self) -> int:
        """How many refreshes have ended: FotoWeb was asked, the new token stored, the lock given up."""
        return min(self.fake.refresh_count, self.store.locks_released)

    def gather(self, visitor: Visitor) -> None:
        """Note the browser's cookies."""
        for value in visitor.jar.cookies.values():
            self.planted.plant("cookie value", value)

    def note_reply(self, reply: Reply) -> None:
        """Keep an answer, and note the state that it sends to FotoWeb."""
        self.replies.append(reply)
        for location in reply.all("Location"):
            for state in parse_qs(urlsplit(location).query).get("state", []):
                self.planted.plant("state", state)

    def note_callback(self, target: str) -> None:
        """Note the code in a callback's address."""
        for code in parse_qs(urlsplit(target).query).get("code", []):
            self.planted.plant("code", code)

    def note_error(self, error: BaseException) -> None:
        """Write an error down."""
        self.errors += told(error)


@contextlib.contextmanager
def session_ids_noted(planted: Planted) -> Iterator[None]:
    """Note the id of every session that is written into a cookie or the store meanwhile."""
    real = SessionRecord.to_json

    def to_json(record: SessionRecord) -> list[Any]:
        planted.plant("session id", record.session_id)
        return real(record)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SessionRecord, "to_json", to_json)
        yield


@contextlib.contextmanager
def failed_calls_noted(errors: list[Told]) -> Iterator[None]:
    """Note every failed call to FotoWeb meanwhile, with the frames of all its callers."""
    real = FotoWebClient._call

    def call(client: FotoWebClient, *arguments: Any) -> Any:
        try:
            return real(client, *arguments)
        except FotoWebMiddlewareError as error:
            errors.extend(told_with_callers(error))
            raise

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(FotoWebClient, "_call", call)
        yield


@contextlib.contextmanager
def opened(adapter: str, mode: Literal["sealed", "reference"], cache: str) -> Iterator[Scene]:
    """Open a scene; calls to FotoWeb go over a real connection, so that every library on the way can say something."""
    clock, app, planted = FakeClock(), QuietApp(), Planted()
    errors: list[Told] = []
    events: list[Event] = []
    client = Client(redirect_uris=(f"{APP}/oauth2/callback",), client_secret=CLIENT_SECRET)
    fake = PlantingFotoWeb(planted, clients=[client], clock=clock, pause=lambda _seconds: None)
    with (
        fake.serve() as url,
        anyio.from_thread.start_blocking_portal("asyncio", {"debug": True}) as portal,
        session_ids_noted(planted),
        failed_calls_noted(errors),
    ):
        settings = Settings(
            url=url,
            client_id=fake.client.client_id,
            client_secret=CLIENT_SECRET,
            secret_key=f"{NEWEST_KEY},{OLDER_KEY}",
            redirect_uri=f"{APP}/oauth2/callback",
            cookie_mode=mode,
            cache=cache,
            http_timeout=5,
        )
        store = NotingStore(open_store(settings, clock=clock, monotonic=clock))
        given = {"store": store, "clock": clock, "monotonic": clock, "on_event": events.append}
        with wrapped(adapter, settings, app, portal, given) as (middleware, way_in):
            scene = Scene(way_in, app, fake, clock, middleware, store, planted, events=events)
            yield scene
            scene.errors += errors + store.errors
            store.close()


@contextlib.contextmanager
def wrapped(
    adapter: str,
    settings: Settings,
    app: QuietApp,
    portal: anyio.from_thread.BlockingPortal,
    given: dict[str, Any],
) -> Iterator[tuple[Any, Adapter]]:
    """Wrap the app, and give the way in: straight through a middleware, or over a server with a port."""
    if adapter == "wsgi":
        wsgi = FotoWebWSGIMiddleware(app.wsgi, settings, **given)
        yield wsgi, WsgiAdapter(wsgi)
        return
    asgi = FotoWebASGIMiddleware(app.asgi, settings, **given)
    if adapter == "asgi":
        yield asgi, AsgiAdapter(asgi, portal)
        return
    with served(asgi, portal) as uvicorn_adapter:
        yield asgi, uvicorn_adapter
