"""What requests without a session cost and tell: nothing is kept of them, read from them, or given away to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.behaviour.kit import FETCH, NAVIGATION, AsgiAdapter, Visited, Visitor

CROSS_SITE = {**NAVIGATION, "Sec-Fetch-Site": "cross-site"}
PREFLIGHT = {"Origin": "https://evil.test", "Access-Control-Request-Method": "PUT"}
GARBAGE = {"Cookie": "__Host-fotoweb=2~aaaa; __Host-fotoweb.1=bbbb; __Host-fotoweb-login-x=cccc"}
REQUESTS = [
    ("GET", "/a?b=1", NAVIGATION),
    ("GET", "/a", FETCH),
    ("GET", "/a", NAVIGATION | GARBAGE),
    ("POST", "/a", NAVIGATION | GARBAGE),
    ("OPTIONS", "/a", PREFLIGHT),
    ("GET", "/oauth2/login?next=//evil.test", NAVIGATION),
    ("GET", "/oauth2/session", FETCH | GARBAGE),
    ("POST", "/oauth2/logout", FETCH | GARBAGE),
    ("GET", "/oauth2/callback?code=c&state=s", CROSS_SITE | GARBAGE),
    ("GET", "/oauth2/callback?error=access_denied&state=s", CROSS_SITE),
    ("GET", "/oauth2/x", FETCH),
    ("GET", "http://evil.test/", FETCH),
]


def test_nothing_is_kept(site: Visited) -> None:
    """Anonymous users write nothing into the store, and FotoWeb is not asked (R-RL1)."""
    store = site.store.begin_again()

    for number, (method, target, headers) in enumerate(REQUESTS * 3):
        site.visitor().send(method, target.replace("/a", f"/a{number}"), headers)

    assert store.calls == []
    assert site.fake.token_requests == []


def spoilt(cookie: str) -> str:
    """Return a cookie with one character of it changed."""
    return cookie[:40] + ("A" if cookie[40] != "A" else "B") + cookie[41:]


@pytest.mark.parametrize("headers", [FETCH, {**NAVIGATION, "Sec-Fetch-Dest": "iframe"}], ids=["fetch", "frame"])
def test_why_a_cookie_is_none_is_not_told(site: Visited, visitor: Visitor, headers: dict[str, str]) -> None:
    """Tampered with, logged out, expired or never ours: the answer is the one that no cookie gets (R-CS14)."""
    visitor.log_in()
    name, cookie = next((name, value) for (name, _), value in visitor.jar.cookies.items() if name == "__Host-fotoweb")
    visitor.send("POST", "/oauth2/logout", FETCH)
    logged_out = ask(site, headers, f"{name}={cookie}")
    site.clock.advance(43_201)

    answers = [logged_out, *(ask(site, headers, f"{name}={value}") for value in (cookie, spoilt(cookie), "x", ""))]

    assert answers == [ask(site, headers, "")] * 5


def ask(site: Visited, headers: dict[str, str], cookie: str) -> Any:
    """Send one request with a cookie from outside any jar."""
    return site.adapter.request("GET", "/", [*headers.items(), ("Cookie", cookie)])


class Unread:
    """A request body that nobody may read."""

    def __getattr__(self, name: str) -> Any:
        """Complain, whatever somebody wants of it."""
        message = f"the body was read: {name}"
        raise AssertionError(message)


async def no_receive() -> Any:
    """Be the ``receive`` of a request whose body nobody may read."""
    message = "the body was read"
    raise AssertionError(message)


@pytest.mark.parametrize("headers", [FETCH, NAVIGATION], ids=["fetch", "form"])
@pytest.mark.parametrize("method", ["POST", "PUT", "foo"])
def test_body_is_not_read(site: Visited, method: str, headers: dict[str, str]) -> None:
    """A refused request is answered without a look at its body (R-RC2)."""
    statuses: list[int] = []
    if isinstance(site.adapter, AsgiAdapter):
        scope = site.adapter.scope("http", method, "/", list(headers.items()))

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        site.adapter.portal.call(site.middleware, scope, no_receive, send)
    else:
        environ: Any = site.adapter.environ(method, "/", list(headers.items()), b"")  # type: ignore[attr-defined]
        environ["wsgi.input"] = Unread()
        site.middleware(environ, lambda status, _headers: statuses.append(int(status.split()[0])))

    assert statuses == [401]


@pytest.mark.parametrize("headers", [PREFLIGHT, FETCH | {"Origin": "https://evil.test"}], ids=["preflight", "fetch"])
@pytest.mark.parametrize("is_member", [False, True])
def test_no_origin_is_let_in(site: Visited, headers: dict[str, str], is_member: bool) -> None:
    """No answer of ours shares itself with another origin's scripts (CORS): that is the app's to decide (R-RC4)."""
    visitor = site.visitor()
    if is_member:
        visitor.log_in()
    targets = ["/oauth2/session", "/oauth2/logout", "/oauth2/login", "/a"]

    replies = [visitor.send("OPTIONS" if headers is PREFLIGHT else "GET", target, headers) for target in targets]

    told = {name.lower() for reply in replies for name, _ in reply.headers}
    assert not [name for name in told if name.startswith("access-control-")]


def test_what_may_be_kept_of_an_anonymous_user_is_one_used_state(open_site: Callable[..., Visited]) -> None:
    """A callback whose login cookie is ours uses its state up, and this alone; it ends by itself (R-RL1, R-AC6)."""
    site = open_site()
    visitor = site.visitor()
    state = visitor.visit("/").location.partition("&state=")[2].partition("&")[0]
    store = site.store.begin_again()

    visitor.visit(f"/oauth2/callback?error=access_denied&state={state}")

    assert store.calls == ["use_once"]
