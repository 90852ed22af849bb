"""Cookies of ours that are known open their session at once, whatever stands around them.

What is not exactly they is verified, or not even read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio.from_thread
import anyio.to_thread
import pytest

from fotoweb_middleware import cookies, handler
from fotoweb_middleware.cookies import MAX_HEADER_CHARACTERS
from tests.behaviour.kit import FETCH, AsgiAdapter, Opening, Visited, Visitor
from tests.behaviour.pairs import log_out, twin_of
from tests.behaviour.test_websocket import connect

POSITIONS = 150
Pairs = list[tuple[str, str]]


def test_changed_byte(site: Visited, member: Visitor) -> None:
    """With any byte of it changed, whichever, a known session's cookie is no session."""
    header, calls = member.become_known(), site.app.calls
    step = max(1, len(header) // POSITIONS)

    for at in range(0, len(header), step):
        changed = header[:at] + chr(ord(header[at]) ^ 1) + header[at + 1 :]
        assert site.visitor().get("/", Cookie=changed).status == 401, (at, header[at])
    assert (site.app.calls, member.get("/").status) == (calls, 200)


@pytest.fixture
def asgi_site(mode: str, portal: anyio.from_thread.BlockingPortal) -> Visited:
    """Return a site with the ASGI middleware: WSGI has threads anyway, and its servers hand over one Cookie header."""
    return Opening("asgi", portal, mode).open()


def test_changing_cookies_of_others(site: Visited, member: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session stays known however the app's own cookies change, and those reach the app as they came."""
    member.become_known()
    monkeypatch.setattr(site.middleware._handler, "handle", None)
    monkeypatch.setattr(site.middleware, "_handle", None)

    for number in range(3):
        for others in ([f"_dd_s={number}"], [f"_ga={number}", "b={}", "c"], []):
            assert member.get_among(others).seen["cookie"] == ("; ".join(others) or None)


def test_split_cookie_headers(asgi_site: Visited, monkeypatch: pytest.MonkeyPatch) -> None:
    """Browsers and proxies with HTTP/2 split the Cookie header: the session is known all the same."""
    member = asgi_site.visitor()
    member.log_in()
    own = member.become_known()
    monkeypatch.setattr(asgi_site.middleware, "_handle", None)
    headers = [*FETCH.items(), ("Cookie", "a=1"), ("Cookie", own), ("Cookie", "b=2")]

    reply = asgi_site.adapter.request("GET", "/", headers)

    assert (reply.seen["cookie"], reply.seen["user"]) == ("a=1; b=2", "alice")


def test_no_thread_for_a_known_session(asgi_site: Visited, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests of any method and WebSocket handshakes of a known session are decided on the event loop."""
    member = asgi_site.visitor()
    member.log_in()
    member.become_known()
    monkeypatch.setattr(anyio.to_thread, "run_sync", None)

    assert [member.send(method, "/", FETCH).status for method in ("GET", "POST", "DELETE")] == [200] * 3
    assert member.get_among(["_dd_s=1"], "/oauth2/session").status == 200
    assert connect(member)[0]["status"] == 200


def test_conflicting_cookie_beside_a_known_one(site: Visited, member: Visitor) -> None:
    """A second value of ours beside the known one is no session, before it or behind it, joined or not."""
    own, planted = member.become_known(), "__Host-fotoweb=planted"

    for header in (f"{planted}; {own}", f"{own}; {planted}", f"{own};{planted}", f"{own},{planted}"):
        assert site.visitor().get("/", Cookie=header).status == 401, header
    assert member.get("/").status == 200


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Return the Cookie headers that were split, as they come."""
    headers: list[str | None] = []
    real = cookies.read_cookies

    def read_cookies(header: str | None, names: Any) -> Any:
        headers.append(header)
        return real(header, names)

    monkeypatch.setattr(handler, "read_cookies", read_cookies)
    return headers


def many_headers(header: str) -> Pairs:
    """Return 200,000 Cookie headers, a session's among them."""
    return [("Cookie", header), *[("Cookie", "a=1")] * 200_000]


def padded(header: str, characters: int) -> Pairs:
    """Return a session's Cookie header, made as long as this."""
    return [("Cookie", f"{header}; a={'x' * (characters - len(header) - len('; a='))}")]


TOO_LONG: dict[str, Callable[[str], Pairs]] = {
    "200,000 headers": many_headers,
    "24 MB": lambda header: padded(header, 24_000_000),
    "24 MB of semicolons": lambda header: [("Cookie", header + ";" * 24_000_000)],
    "one byte too long": lambda header: padded(header, MAX_HEADER_CHARACTERS + 1),
}


@pytest.mark.parametrize("length", TOO_LONG)
def test_longer_than_any_browser_sends(open_site: Callable[..., Visited], read: list[str | None], length: str) -> None:
    """Cookie headers of more than 64 KB together are never split: no session, and the app sees none of them."""
    site = open_site(public_paths=("/open",))
    if length == "200,000 headers" and not isinstance(site.adapter, AsgiAdapter):
        return  # A WSGI server hands over one header.
    visitor = site.visitor()
    visitor.log_in()
    headers = [*FETCH.items(), *TOO_LONG[length](visitor.become_known())]
    read.clear()

    replies = {path: site.adapter.request("GET", path, headers) for path in ("/open", "/", "/oauth2/session")}

    seen = replies["/open"].seen
    assert (seen["has_key"], seen["cookie"], seen["authorization"]) == (False, None, None)
    assert [replies[path].status for path in ("/", "/oauth2/session")] == [401, 401]
    assert read == [None] * 3


def test_as_long_as_is_read(site: Visited, member: Visitor) -> None:
    """64 KB of cookies are read as any others."""
    headers = [*FETCH.items(), *padded(member.become_known(), MAX_HEADER_CHARACTERS)]

    replies = [site.adapter.request("GET", "/", headers) for _ in range(2)]

    assert [len(reply.seen["cookie"]) > 60_000 for reply in replies] == [True, True]
    assert {reply.seen["user"] for reply in replies} == {"alice"}


@pytest.mark.parametrize("store_is_down", [False, True], ids=["store up", "store down"])
@pytest.mark.parametrize("is_logged_out", [False, True], ids=["signed in", "logged out"])
def test_sealed_cookie_in_reference_mode(
    adapter: str, portal: anyio.from_thread.BlockingPortal, store_is_down: bool, is_logged_out: bool
) -> None:
    """Reference mode takes no sealed cookie: tokens that a browser carries are what it is meant to rule out."""
    before = Opening(adapter, portal, "sealed", shared=True).open()
    member = before.visitor()
    member.log_in()
    after = Opening(
        adapter, portal, "reference", store=before.store, fake=before.fake, clock=before.clock, shared=True
    ).open()
    twin = twin_of(member, after)
    if is_logged_out:
        log_out(member)
    before.store.is_down = store_is_down

    assert [twin.get(path).status for path in ("/", "/oauth2/session", "/")] == [401, 401, 401]
    assert twin.visit("/").status == 302
    assert after.app.calls == 0
