"""A site, requests to it and sessions on it, for tests of one function at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from fotoweb_middleware.model import RequestView, SessionRecord, TokenSet, User
from fotoweb_middleware.site import Site, open_site
from fotoweb_middleware.site.held import Held, Limits
from fotoweb_middleware.site.near import LEAST_AWAKE, NearCache
from tests.settings.samples import settings

NOW = 1_750_000_000.0
ANNA = User(15001, "anna", "Anna Ek", "anna@tenant.example")


def counted_entropy() -> Callable[[int], bytes]:
    """Return a source of bytes that are different each time, and the same in every run."""
    numbers = itertools.count(1)
    return lambda count: next(numbers).to_bytes(count, "big")


def a_site(**changes: Any) -> Site:
    """Return a site with these settings changed, at a time that stands still."""
    return open_site(
        settings(**changes),
        clock=lambda: NOW,
        monotonic=lambda: 0.0,
        entropy=counted_entropy(),
        shared_cache=False,
    )


def a_request(path: str = "/", **changes: Any) -> RequestView:
    """Return a GET of ``path``; header names are written with underscores: ``sec_fetch_mode="cors"``."""
    known = {"method", "mount", "raw_path", "query", "scheme", "is_websocket"}
    view = {
        "method": "GET",
        "mount": "",
        "raw_path": None,
        "query": "",
        "scheme": "https",
        **{name: value for name, value in changes.items() if name in known},
    }
    headers = {name.replace("_", "-"): value for name, value in changes.items() if name not in known}
    return RequestView(path=path, headers={"host": "app.example", **headers}, **view)


def a_record(session_id: str = "session-1", version: int = 1, **changes: Any) -> SessionRecord:
    """Return a session that began now, with a token for an hour and a refresh token."""
    tokens = {
        "access_token": f"access-{version}",
        "refresh_token": f"refresh-{version}",
        "received_at": NOW,
        "expires_at": NOW + 3600,
    }
    tokens.update({name: changes.pop(name) for name in list(changes) if name in tokens})
    record = {"started_at": NOW, "seen_at": NOW, "user": ANNA, **changes}
    return SessionRecord(session_id, version, TokenSet(**tokens), **record)  # type: ignore[arg-type]


def a_near(
    size: int = 10,
    clock: Callable[[], float] = lambda: 0.0,
    least_awake: int = LEAST_AWAKE,
    *,
    is_complete: bool = False,
    **changes: float,
) -> NearCache:
    """Return an empty near cache with the default ages, changed as asked."""
    ages = {"refresh_leeway": 60.0, "session_lifetime": 43_200.0, "session_idle": 0.0, "cache_recheck": 5.0, **changes}
    return NearCache(size, Limits(**ages), clock, clock, least_awake, is_complete=is_complete)


def adopted(near: NearCache | None = None, **record: Any) -> Held:
    """Return what is held of a record."""
    return (near or a_near()).adopt(a_record(**record))
