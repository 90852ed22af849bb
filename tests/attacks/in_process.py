"""Both middlewares in this process, with a clock to turn, while calls to FotoWeb go over the real network."""

from __future__ import annotations

from typing import Any, cast

import anyio.from_thread

from fotoweb_middleware import Settings
from fotoweb_middleware.stores import open_store
from fotoweb_middleware.testing import FakeClock, FakeFotoWeb
from tests.attacks.scripted_fotoweb import CLIENT_ID, CLIENT_SECRET, ScriptedFotoWeb
from tests.attacks.watched_site import WatchedApp, WatchedCase, WatchedSite
from tests.behaviour.adapters import Adapter, AsgiAdapter, WsgiAdapter
from tests.behaviour.kit import CALLBACK, SECRET_KEY, WallClock
from tests.behaviour.watched import WatchedStore

__all__ = ["open_site"]


def open_site(
    adapter: str,
    portal: anyio.from_thread.BlockingPortal,
    fotoweb: ScriptedFotoWeb,
    clock: FakeClock | None = None,
    *,
    case: WatchedCase | None = None,
    **changes: Any,
) -> WatchedSite:
    """Build a site at a scripted FotoWeb.

    Args:
        adapter: "asgi" or "wsgi".
        portal: The event loop of the ASGI middleware.
        fotoweb: Who approves; ``url`` among the changes says where calls go, where that is not the same.
        clock: Another site's, where two share one; else a new one.
        case: Keeps what visitors are answered, for the oracles.
        changes: Settings.
    """
    required = {
        "url": fotoweb.url,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "secret_key": SECRET_KEY,
        "redirect_uri": CALLBACK,
        "cache": "memory://",
        "fetch_user": False,
    }
    settings, app, clock = Settings(**{**required, **changes}), WatchedApp(case=case), clock or FakeClock()
    wall, fake = WallClock(clock), cast("FakeFotoWeb", fotoweb)  # Of which visitors use ``approve`` alone.
    store = WatchedStore(open_store(settings, clock=wall, monotonic=clock))
    way_in: Adapter = WsgiAdapter(None) if adapter == "wsgi" else AsgiAdapter(None, portal)
    site = WatchedSite(way_in, app, fake, clock, settings, None, wall, store, case=case)
    site.restart()
    return site
