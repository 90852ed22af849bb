"""One wrapped app: its settings, its keys, its clocks, what it remembers, and whom it asks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, metadata, version

import httpx

from fotoweb_middleware.authorization import Authorization, Authorize, OnLogin
from fotoweb_middleware.events import EventEmitter, OnEvent, is_async
from fotoweb_middleware.fotoweb.http import FotoWebClient
from fotoweb_middleware.pages import Pages
from fotoweb_middleware.request import origin_of
from fotoweb_middleware.sealing import Sealer
from fotoweb_middleware.session_cache import SessionCache
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.settings.cache_address import mask_cache_address
from fotoweb_middleware.setup_warnings import SetupWarnings
from fotoweb_middleware.stores import open_store
from fotoweb_middleware.stores.base import Store
from fotoweb_middleware.stores.monitored import MonitoredStore


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Context:
    """Everything that a decision may use besides the request.

    Attributes:
        settings: As the operator gave them.
        sealer: Seals cookies and store entries.
        session_cache: What this process remembers.
        store: What all processes share.
        client: Calls FotoWeb.
        events: Tells of what happens.
        authorization: Who may enter.
        pages: Renders our own pages.
        warnings: Tells of what may be wrong with the set-up.
        clock: Epoch seconds.
        monotonic: Seconds of a clock that never jumps.
        entropy: Returns as many random bytes as asked for.
    """

    settings: Settings
    sealer: Sealer
    session_cache: SessionCache = field(repr=False)
    store: MonitoredStore = field(repr=False)
    client: FotoWebClient = field(repr=False)
    events: EventEmitter = field(repr=False)
    authorization: Authorization = field(repr=False)
    pages: Pages = field(repr=False)
    warnings: SetupWarnings = field(repr=False)
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    entropy: Callable[[int], bytes]

    def start_up_line(self) -> str:
        """Say what this process is made of."""
        settings = self.settings
        try:
            release = version("fotoweb-middleware")
        except PackageNotFoundError:  # It was copied into the app.
            release = "of unknown version"
        origin = "from each request" if settings.redirect_uri is None else origin_of(settings.redirect_uri)
        return (
            f"fotoweb-middleware {release}: FotoWeb {settings.url}, session store {self.store.name} "
            f"({self.store.path or mask_cache_address(settings.cache)}), cookie mode {settings.cookie_mode}, "
            f"public origin {origin}"
        )

    def store_key(self, kind: str, secret_part: str) -> str:
        """Return a key of the store that tells nothing of what it is made from."""
        bound = f"{self.settings.url}\n{self.settings.client_id}\n{secret_part}"
        return f"{kind}:{hashlib.sha256(bound.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Callbacks:
    """The app's own callables, as the middlewares take them."""

    authorize: Authorize | None = None
    on_login: OnLogin | None = None
    on_event: OnEvent | None = None

    def require_plain_functions(self) -> None:
        """Raise ``TypeError`` where one is async: WSGI has no event loop to await it on."""
        named = {"authorize": self.authorize, "on_login": self.on_login, "on_event": self.on_event}
        for name, callback in named.items():
            if callback is not None and is_async(callback):
                raise TypeError(f"{name} is async, and WSGI has no event loop to await it on: give a plain function")


def open_context(  # noqa: PLR0913 (what the middlewares take)
    settings: Settings,
    callbacks: Callbacks = Callbacks(),
    *,
    store: Store | None,
    transport: httpx.BaseTransport | None,
    executor: Executor | None,
    max_slow_waiters: int,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
    entropy: Callable[[int], bytes],
) -> Context:
    """Make everything ready for one wrapped app, once, at start-up. The arguments are the middlewares' own.

    Raises:
        SettingsError: The store, or a page's template, that the settings name can't be used.
    """
    events = EventEmitter(callbacks.on_event)
    return Context(
        settings=settings,
        sealer=Sealer(settings.secret_keys, binding=binding_of(settings), entropy=entropy),
        session_cache=SessionCache(settings, clock=clock, monotonic=monotonic),
        store=open_monitored_store(settings, store, events, clock=clock, monotonic=monotonic),
        client=FotoWebClient(
            settings,
            events=events,
            clock=clock,
            monotonic=monotonic,
            transport=transport,
            executor=executor,
            max_slow_waiters=max_slow_waiters,
        ),
        events=events,
        authorization=Authorization(settings.allowed_users, callbacks.authorize, callbacks.on_login, events),
        pages=open_pages(settings),
        warnings=SetupWarnings(events, clock=clock, monotonic=monotonic),
        clock=clock,
        monotonic=monotonic,
        entropy=entropy,
    )


def open_monitored_store(
    settings: Settings,
    given: Store | None,
    events: EventEmitter,
    *,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
) -> MonitoredStore:
    """Return the store that the app's code gives, or else the one that the settings name."""
    store = given if given is not None else open_store(settings, clock=clock, monotonic=monotonic)
    return MonitoredStore(store, monotonic, events)


def open_pages(settings: Settings) -> Pages:
    """Return what renders our own pages as the operator wants them."""
    return Pages(
        app_name=settings.app_name,
        accent_color=settings.accent_color,
        logo=settings.logo,
        folder=settings.pages,
        documentation_url=documentation_url(),
    )


def binding_of(settings: Settings) -> str:
    """Return what sealed values belong to: those of another app on the same host do not open."""
    return f"{settings.url}\n{settings.client_id}\n{settings.cookie_name}"


def documentation_url() -> str | None:
    """Return where this release's documentation is, as its metadata say (``[project.urls]``); None where they don't."""
    try:
        urls = metadata("fotoweb-middleware").get_all("Project-URL") or []
    except PackageNotFoundError:  # As in ``start_up_line``.
        return None
    named = dict(url.split(", ", 1) for url in urls)
    return named["Documentation"].rstrip("/") if "Documentation" in named else None
