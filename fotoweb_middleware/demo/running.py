"""Starts everything, and stops it again."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from fotoweb_middleware.asgi import FotoWebASGIMiddleware
from fotoweb_middleware.demo.fotoweb_site import FotoWebSite, is_configured, real_site, simulated_site
from fotoweb_middleware.demo.gallery import Gallery
from fotoweb_middleware.demo.pages import Place
from fotoweb_middleware.demo.pictures import FotoWebApi
from fotoweb_middleware.demo.ports import listen, listen_nearby, public_host
from fotoweb_middleware.demo.servers import serving_asgi, serving_wsgi
from fotoweb_middleware.demo.shells import asgi_app, wsgi_app
from fotoweb_middleware.demo.sightings import RefreshWatch, Sightings
from fotoweb_middleware.demo.terminal import logging_to, write
from fotoweb_middleware.fotoweb.http import client_options
from fotoweb_middleware.fotoweb.unreachable import open_client
from fotoweb_middleware.wsgi import FotoWebWSGIMiddleware

__all__ = ["Demo", "running", "serve"]

TOKEN_LIFETIME_SECONDS: Final = 60
WAKE_SECONDS: Final = 0.2
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
SERVERS: Final = {False: "ASGI: Starlette under uvicorn", True: "WSGI: plain callable under wsgiref, with threads"}


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo.

    Attributes:
        url: What to open in a browser.
        site: The FotoWeb behind it.
        port: Where it listens.
        server: What runs it, in words.
    """

    url: str
    site: FotoWebSite
    port: int
    server: str


def serve(*, host: str, port: int, wsgi: bool, token_lifetime_seconds: float = TOKEN_LIFETIME_SECONDS) -> None:
    """Run the demo until Ctrl+C or SIGTERM.

    Args:
        host: Address to listen on.
        port: Port to listen on; with the simulator the next free one is taken where it is busy.
        wsgi: Whether the gallery runs as a WSGI app instead of an ASGI app.
        token_lifetime_seconds: How long the simulator's access tokens work.

    Raises:
        SettingsError: Some of the variables that name a FotoWeb are set but not all, or one is wrong.
        OSError: It can't listen there.
    """
    stop = threading.Event()
    with (
        stopped_by_signals(stop),
        running(host=host, port=port, wsgi=wsgi, token_lifetime_seconds=token_lifetime_seconds) as demo,
    ):
        announce(demo, wanted_port=port, token_lifetime_seconds=token_lifetime_seconds)
        # Not one long wait: a signal that the system hands to another thread wouldn't wake this one.
        while not stop.wait(WAKE_SECONDS):
            pass


@contextmanager
def running(
    *, host: str, port: int, wsgi: bool, token_lifetime_seconds: float = TOKEN_LIFETIME_SECONDS
) -> Iterator[Demo]:
    """Run the demo meanwhile. Arguments and errors are those of ``serve``."""
    watch = RefreshWatch()
    with ExitStack() as stack:
        is_real = is_configured()
        listener = stack.enter_context(contextlib.closing(listen(host, port) if is_real else listen_nearby(host, port)))
        port = listener.getsockname()[1]
        origin = f"http://{public_host(host)}:{port}"
        stack.enter_context(logging_to(watch))
        site = (
            real_site(origin)
            if is_real
            else stack.enter_context(simulated_site(origin, token_lifetime_seconds=token_lifetime_seconds))
        )
        client = stack.enter_context(open_client(**client_options(site.settings)))
        gallery = build_gallery(site, client, watch, SERVERS[wsgi])
        stack.enter_context(serving(gallery, site, listener, wsgi=wsgi))
        yield Demo(site.callback_url.removesuffix(f"{site.settings.path_prefix}/callback"), site, port, SERVERS[wsgi])


def build_gallery(site: FotoWebSite, client: httpx.Client, watch: RefreshWatch, server: str) -> Gallery:
    """Put the gallery together."""
    settings = site.settings
    place = Place(settings.url, settings.path_prefix, server, is_simulated=site.simulator is not None)
    return Gallery(place, FotoWebApi(settings.url, client), Sightings(watch), time.time)


def serving(
    gallery: Gallery, site: FotoWebSite, listener: socket.socket, *, wsgi: bool
) -> contextlib.AbstractContextManager[None]:
    """Wrap the gallery and serve it: the one line that the demo is about, for ASGI and for WSGI."""
    if wsgi:
        return serving_wsgi(FotoWebWSGIMiddleware(wsgi_app(gallery), site.settings), listener)
    return serving_asgi(FotoWebASGIMiddleware(asgi_app(gallery), site.settings), listener)


def announce(demo: Demo, *, wanted_port: int, token_lifetime_seconds: float) -> None:
    """Tell where to go."""
    write()
    if demo.port != wanted_port:
        write("Note", f"Port {wanted_port} is taken, so the demo is on port {demo.port}.")
    write("Open", demo.url, is_important=True)
    if demo.site.simulator is not None:
        write("Log in", "alice or bob, password secret")
        write("FotoWeb", f"{demo.site.settings.url} (a simulator whose tokens last {token_lifetime_seconds:g} seconds)")
    else:
        write("FotoWeb", demo.site.settings.url)
        write("Callback", f"{demo.site.callback_url} must be registered there as redirect URI")
    write("App", demo.server)
    write("Stop", "Ctrl+C")
    write()


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Set ``stop`` on Ctrl+C or SIGTERM meanwhile. Only the main thread may listen to signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop_soon(*_: object) -> None:
        # Not here: the handler may interrupt ``stop.wait`` while it holds the event's own lock, which ``set`` needs.
        threading.Thread(target=stop.set, daemon=True).start()

    before = {number: signal.signal(number, stop_soon) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
