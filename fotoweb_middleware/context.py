"""One wrapped app: its settings, its keys, its clocks, what it remembers, and whom it asks."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, version

import httpx

from fotoweb_middleware.authorization import Authorization, Authorize, OnLogin
from fotoweb_middleware.events import EventEmitter, OnEvent, is_async
from fotoweb_middleware.fotoweb.http import MAX_CALLS_AT_ONCE, FotoWebClient
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


class Context:
    """Everything that a decision may use besides the request; made once, at start-up.

    Args:
        settings: As the operator gave them.
        callbacks: The app's own.
        max_slow_waiters: See ``FotoWebClient``; what follows is as the middlewares take it.

    Raises:
        SettingsError: The store, or a page's template, that the settings name can't be used.
    """

    def __init__(  # noqa: PLR0913 (most are for tests)
        self,
        settings: Settings,
        callbacks: Callbacks = Callbacks(),
        *,
        max_slow_waiters: int = MAX_CALLS_AT_ONCE,
        store: Store | None = None,
        transport: httpx.BaseTransport | None = None,
        executor: Executor | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.settings = settings
        self.clock, self.monotonic, self.entropy = clock, monotonic, entropy
        self.events = EventEmitter(callbacks.on_event)
        self.authorization = Authorization(settings.allowed_users, callbacks.authorize, callbacks.on_login, self.events)
        self.sealer = Sealer(settings.secret_keys, binding=binding_of(settings), entropy=entropy)
        self.session_cache = SessionCache(settings, clock=clock, monotonic=monotonic)
        opened = store if store is not None else open_store(settings, clock=clock, monotonic=monotonic)
        self.store = MonitoredStore(opened, monotonic, self.events)
        self.client = FotoWebClient(
            settings,
            events=self.events,
            clock=clock,
            monotonic=monotonic,
            transport=transport,
            executor=executor,
            max_slow_waiters=max_slow_waiters,
        )
        self.pages = open_pages(settings)
        self.warnings = SetupWarnings(self.events, clock=clock, monotonic=monotonic)

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
