"""Open paths, and what is decided from memory alone, one decision at a time."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware import FotoWebWSGIMiddleware
from fotoweb_middleware.caches.protocol import Lease, Stored
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.gate import Gate
from fotoweb_middleware.model import Answer, PassThrough, Reason
from fotoweb_middleware.site import Site
from fotoweb_middleware.stages.lookup import present
from fotoweb_middleware.stages.records import seal_record
from fotoweb_middleware.stages.supply import session_cookies
from tests.flows.stepping import walked
from tests.fotoweb.samples import reply
from tests.settings.samples import settings
from tests.site.samples import NOW, a_record, a_request
from tests.stages.turned import Clocks, a_turned_site

DOWN = CacheUnavailable("down")
TURN = Lease("turn", "", 0)
LEASE = Lease("k", "t", 7)
OPEN: list[tuple[dict[str, Any], Reason]] = [
    ({"login": "optional"}, Reason.LOGIN_OPTIONAL),
    ({"public_paths": "/health"}, Reason.PUBLIC),
]


def a_cookie(site: Site, **record: Any) -> str:
    """Return the cookie of a session that this process then forgets."""
    held = site.near.adopt(a_record(**record))
    (written,) = session_cookies(site, present(site, a_request()), held)
    site.near.start_anew(whole=True)
    return written.partition(";")[0]


@pytest.mark.parametrize(("changes", "reason"), OPEN)
def test_open_path_without_a_session(changes: dict[str, Any], reason: Reason) -> None:
    """Whoever has no session passes an open path at once, and the reason tells why it is open."""
    decision = Gate(a_turned_site(Clocks(), **changes)).decide_now(a_request("/health", cookie="a=1"))

    assert decision == PassThrough(reason, "a=1")


@pytest.mark.parametrize(("changes", "reason"), OPEN)
def test_open_path_while_the_cache_is_down(changes: dict[str, Any], reason: Reason) -> None:
    """A handle that nobody can look up is no obstacle on an open path."""
    site = a_turned_site(Clocks(), cookie_mode="reference", **changes)
    request = a_request("/health", cookie=a_cookie(site))

    assert walked(Gate(site).decide(request), DOWN)[1] == PassThrough(reason, None)


@pytest.mark.parametrize(("changes", "reason"), OPEN)
def test_open_path_while_the_lease_is_out_of_reach(changes: dict[str, Any], reason: Reason) -> None:
    """Nor is an expired token for whose renewal the cache is needed."""
    site = a_turned_site(Clocks(), cookie_mode="reference", **changes)
    cookie = a_cookie(site, received_at=NOW - 7200, expires_at=NOW - 3600)
    record = a_record(received_at=NOW - 7200, expires_at=NOW - 3600)
    stored = Stored(seal_record(site, site.cache_key("session", "session-1"), record), 1)

    _, decision = walked(Gate(site).decide(a_request("/health", cookie=cookie)), stored, TURN, DOWN)

    assert decision == PassThrough(reason, None)


@pytest.mark.parametrize(("changes", "reason"), OPEN)
def test_open_path_while_the_app_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    """Nor is a FotoWeb that refuses the app itself."""
    site = a_turned_site(Clocks(), **changes)
    cookie = a_cookie(site, received_at=NOW - 7200, expires_at=NOW - 3600)
    refusal = reply('{"error":"invalid_client"}', 401)

    _, decision = walked(Gate(site).decide(a_request("/health", cookie=cookie)), None, TURN, LEASE, None, refusal)

    assert decision == PassThrough(reason, None)


@pytest.mark.parametrize(
    ("path", "parts", "status"),
    [
        ("/oauth2/login", {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, 302),
        ("/oauth2/nothing", {}, 404),
        ("*", {}, 400),
        ("/a", {"method": "OPTIONS", "origin": "https://b.example", "access_control_request_method": "PUT"}, 401),
        ("/a", {"sec_fetch_mode": "cors"}, 401),
        ("/a", {"sec_fetch_mode": "cors", "cookie": "a=1"}, 401),
        ("/a", {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, 302),
    ],
)
def test_decided_from_memory(path: str, parts: dict[str, Any], status: int) -> None:
    """What needs neither session nor effect is decided at once, so that no request of it waits for anything."""
    decision = Gate(a_turned_site(Clocks())).decide_now(a_request(path, **parts))

    assert isinstance(decision, Answer)
    assert decision.status == status


@pytest.mark.parametrize("path", ["/oauth2/callback", "/oauth2/logout", "/oauth2/session"])
def test_left_to_the_long_way(path: str) -> None:
    """Journeys that may need an effect are not decided from memory."""
    assert Gate(a_turned_site(Clocks())).decide_now(a_request(path)) is None


@pytest.mark.parametrize(("target", "status"), [("/health?a=1", "200 OK"), ("?a=1", "400 Bad Request")])
def test_target_that_is_no_path(target: str, status: str) -> None:
    """A request target without a path opens nothing, whatever path the server makes of it."""
    told: list[str] = []
    wrapped = FotoWebWSGIMiddleware(answer_ok, settings(public_paths="/health", cache="memory://"))
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/health", "RAW_URI": target, "wsgi.url_scheme": "https"}

    wrapped(environ, lambda status, _headers: told.append(status))

    assert told == [status]


def answer_ok(_environ: Any, start_response: Any) -> list[bytes]:
    """Answer as an app does."""
    start_response("200 OK", [])
    return [b"ok"]
