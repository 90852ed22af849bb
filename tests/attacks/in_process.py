"""Both doors in this process, with a clock to turn, while calls to FotoWeb go over the real network."""

from __future__ import annotations

from typing import Any, cast

import anyio.from_thread

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Settings
from fotoweb_middleware.testing import FakeClock, FakeFotoWeb
from tests.attacks.scripted_fotoweb import CLIENT_ID, CLIENT_SECRET, ScriptedFotoWeb
from tests.attacks.watched_site import WatchedApp, WatchedCase, WatchedSite
from tests.behaviour.doors import AsgiDoor, WsgiDoor
from tests.behaviour.kit import CALLBACK, SECRET_KEY, WallClock

__all__ = ["open_site"]


def open_site(
    door: str,
    portal: anyio.from_thread.BlockingPortal,
    fotoweb: ScriptedFotoWeb,
    clock: FakeClock | None = None,
    *,
    case: WatchedCase | None = None,
    **changes: Any,
) -> WatchedSite:
    """Build a site at a scripted FotoWeb.

    Args:
        door: "asgi" or "wsgi".
        portal: The event loop of the ASGI door.
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
    if door == "wsgi":
        wsgi = FotoWebWSGIMiddleware(app.wsgi, settings, clock=wall, monotonic=clock)
        return WatchedSite(WsgiDoor(wsgi), app, fake, clock, settings, wsgi, wall, case=case)
    asgi = FotoWebASGIMiddleware(app.asgi, settings, clock=wall, monotonic=clock)
    return WatchedSite(AsgiDoor(asgi, portal), app, fake, clock, settings, asgi, wall, case=case)
