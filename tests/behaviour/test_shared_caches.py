"""What caches may keep of an answer that was made with a session: nothing for anybody else (T-CS-13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.behaviour.kit import FETCH, AsgiAdapter, Visited, Visitor

APPS_OWN: dict[str, tuple[list[tuple[str, str]], str, str]] = {
    "nothing": ([], "Cookie", "private"),
    "Vary: Accept": ([("Vary", "Accept")], "Accept, Cookie", "private"),
    "two Vary": ([("Vary", "Accept"), ("Vary", "Origin")], "Accept, Origin, Cookie", "private"),
    "Vary: cookie": ([("Vary", "cookie")], "cookie", "private"),
    "Vary: *": ([("Vary", "*")], "*", "private"),
    "another name": ([("Vary", "X-Cookie-Consent")], "X-Cookie-Consent, Cookie", "private"),
    "public": ([("Cache-Control", "public, max-age=60")], "Cookie", "public, max-age=60"),
    "both": ([("vary", "Accept"), ("cache-control", "no-cache")], "Accept, Cookie", "no-cache"),
}
"""What the app says, and what must go out: Vary and Cache-Control."""


def slow_way(visitor: Visitor) -> None:
    """Let the next request be one whose Cookie header this process does not know."""
    visitor.site.restart()  # type: ignore[attr-defined]  # It is a whole site.


def known_way(visitor: Visitor) -> None:
    """Let it be one that is known."""
    visitor.jar.forget_logins()
    assert visitor.get("/").status == visitor.get("/").status == 200


@pytest.fixture(params=[slow_way, known_way], ids=["slow", "known"])
def way(request: pytest.FixtureRequest) -> Callable[[Visitor], None]:
    """Return what the next request is."""
    chosen: Callable[[Visitor], None] = request.param
    return chosen


def quiet(site: Visited, headers: list[tuple[str, str]]) -> None:
    """Put an app there that answers any method with these headers and no body."""

    def wsgi(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("204 No Content", headers)
        return []

    async def asgi(_scope: Any, _receive: Any, send: Any) -> None:
        raw = [(name.lower().encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": 204, "headers": raw})
        await send({"type": "http.response.body", "body": b""})

    site.app.instead = asgi if isinstance(site.adapter, AsgiAdapter) else wsgi


@pytest.mark.parametrize("says", APPS_OWN)
def test_answer_made_with_a_session(site: Visited, member: Visitor, way: Callable[[Visitor], None], says: str) -> None:
    """It says ``Vary: Cookie``, and ``Cache-Control: private`` where the app says nothing of caching."""
    headers, vary, cache_control = APPS_OWN[says]
    for method in ("GET", "HEAD", "POST"):
        site.app.instead = None
        way(member)
        quiet(site, headers)

        reply = member.send(method, "/", FETCH)

        assert reply.status == 204
        assert (reply.header("Vary"), reply.header("Cache-Control")) == (vary, cache_control), method


def test_public_path_with_a_session(open_site: Callable[..., Visited], way: Callable[[Visitor], None]) -> None:
    """So it is on public paths, whose answers caches keep most."""
    site = open_site(public_paths=("/open",))
    visitor = site.visitor()
    visitor.log_in()
    way(visitor)

    reply = visitor.get("/open")

    assert reply.seen["user"] == "alice"
    assert (reply.header("Vary"), reply.header("Cache-Control")) == ("Cookie", "private")


def test_public_path_with_a_refreshed_session(open_site: Callable[..., Visited]) -> None:
    """No cookie of the session goes into an answer of a public path: caches are told to keep these, whoever asks."""
    site = open_site(public_paths=("/open",))
    visitor = site.visitor()
    visitor.log_in()
    site.clock.advance(site.fake.switches.access_token_lifetime_seconds + 1)

    replies = [visitor.get(path) for path in ("/open", "/open", "/")]

    tokens = {reply.seen["token"] for reply in replies}
    assert (len(tokens), site.refreshes) == (1, 1)
    assert [bool(reply.all("Set-Cookie")) for reply in replies] == [False, False, site.settings.cookie_mode == "sealed"]


@pytest.mark.parametrize("is_member", [False, True], ids=["anonymous", "member"])
def test_optional_login(open_site: Callable[..., Visited], is_member: bool) -> None:
    """Where login is optional every answer of the app varies, whoever asks; what anonymous users get may be kept."""
    site = open_site(login="optional")
    visitor = site.visitor()
    if is_member:
        visitor.visit(visitor.approve(visitor.visit("/oauth2/login").location))

    replies = [visitor.get("/") for _ in range(3)]

    assert [reply.header("Vary") for reply in replies] == ["Cookie"] * 3
    assert [reply.header("Cache-Control") for reply in replies] == ["private" if is_member else None] * 3


def test_anonymous_answer_on_a_public_path(open_site: Callable[..., Visited]) -> None:
    """What an anonymous user gets on a public path goes out as the app made it."""
    reply = open_site(public_paths=("/open",)).visitor().get("/open")

    assert (reply.header("Vary"), reply.header("Cache-Control")) == (None, None)


def test_names_in_capitals(site: Visited, member: Visitor, way: Callable[[Visitor], None]) -> None:
    """An ASGI app ought to write header names in lower case; where it does not, servers send them all the same."""
    if not isinstance(site.adapter, AsgiAdapter):
        return  # WSGI servers and apps write them as they like, and are tested above.

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"Vary", b"Accept"), (b"Cache-Control", b"no-cache")]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    way(member)
    site.app.instead = app
    reply = member.get("/")

    assert (reply.header("Vary"), reply.header("Cache-Control")) == ("Accept, Cookie", "no-cache")
