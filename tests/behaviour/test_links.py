"""``login_url`` and ``logout_url``: links for an app's pages, the mount included, and ``require_session``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.datastructures import URL

from fotoweb_middleware import NotSignedIn, get_session, login_url, logout_url, require_session
from tests.behaviour.kit import AsgiAdapter, Visited

OpenSite = Callable[..., Visited]
FRONT_PAGE = "/oauth2/login?next=%2F"


@pytest.fixture
def site(open_site: OpenSite) -> Visited:
    """Return a site that lets anonymous visitors in."""
    return open_site(login="optional")


def seen_by_app(site: Visited, target: str, look: Callable[[Any], Any]) -> Any:
    """Return what the app finds when it looks at a request, which reaches it without a session."""
    found: list[Any] = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        found.append(look(scope))
        await site.app.asgi(scope, receive, send)

    def wsgi(environ: Any, start_response: Any) -> Any:
        found.append(look(environ))
        return site.app.wsgi(environ, start_response)

    site.app.instead = asgi if isinstance(site.adapter, AsgiAdapter) else wsgi
    site.visitor().get(target)
    site.app.instead = None
    (only,) = found
    return only


def test_login_link_leads_back(site: Visited) -> None:
    """Without ``next`` the login leads to the page that the link is on, query included."""
    assert seen_by_app(site, "/a%20b?c=d&e=%2F", login_url) == "/oauth2/login?next=%2Fa%2520b%3Fc%3Dd%26e%3D%252F"


def test_login_link_to_somewhere_else(site: Visited) -> None:
    """``next`` is a path on this origin; it is quoted."""
    assert seen_by_app(site, "/", lambda request: login_url(request, "/x?y=1")) == "/oauth2/login?next=%2Fx%3Fy%3D1"
    assert seen_by_app(site, "/", lambda request: login_url(request, next="/x")) == "/oauth2/login?next=%2Fx"


def test_login_link_to_a_url_of_this_origin(site: Visited) -> None:
    """What Starlette's ``url_for`` gives, a URL object of this origin, leads to its path."""
    url = URL("https://app.test/x?y=1")

    assert seen_by_app(site, "/", lambda request: login_url(request, url)) == "/oauth2/login?next=%2Fx%3Fy%3D1"
    assert seen_by_app(site, "/", lambda request: login_url(request, URL("https://app.test.evil.test/x"))) == FRONT_PAGE
    assert seen_by_app(site, "/", lambda request: login_url(request, URL("https://app.test@evil.test/x"))) == FRONT_PAGE


@pytest.mark.parametrize(
    "target", ["//evil.test", "https://evil.test/", "javascript:alert(1)", "", "x", "/\\evil.test"]
)
def test_login_link_to_another_site(site: Visited, target: str) -> None:
    """What is no path on this origin leads to the app's front page."""
    assert seen_by_app(site, "/", lambda request: login_url(request, target)) == FRONT_PAGE


def test_logout_link(site: Visited) -> None:
    """The logout link is the path of our own page."""
    assert seen_by_app(site, "/a", logout_url) == "/oauth2/logout"


def test_links_below_a_mount(open_site: OpenSite) -> None:
    """Below a mount both hold it, also where ``next`` comes from ``url_for`` and has it already."""
    site = open_site(_mount="/sub", login="optional", path_prefix="/auth", redirect_uri=None)

    assert seen_by_app(site, "/sub/a?b=1", login_url) == "/sub/auth/login?next=%2Fsub%2Fa%3Fb%3D1"
    assert (
        seen_by_app(site, "/sub/a", lambda request: login_url(request, "/sub/x")) == "/sub/auth/login?next=%2Fsub%2Fx"
    )
    assert seen_by_app(site, "/sub/a", logout_url) == "/sub/auth/logout"
    assert seen_by_app(site, "/sub/a", lambda request: login_url(request, "//x")) == "/sub/auth/login?next=%2Fsub%2F"


def test_links_in_a_part_of_the_app(open_site: OpenSite) -> None:
    """A router that mounts a part of the app moves the mount; the links stay those of the whole app."""
    site = open_site(_mount="/sub", login="optional", redirect_uri=None)

    def within(request: Any) -> Any:
        if "SCRIPT_NAME" in request:
            return {**request, "SCRIPT_NAME": "/sub/admin", "PATH_INFO": "/users"}
        return {**request, "root_path": "/sub/admin"}

    target = "/sub/admin/users"
    assert seen_by_app(site, target, lambda r: login_url(within(r))) == "/sub/oauth2/login?next=%2Fsub%2Fadmin%2Fusers"
    assert seen_by_app(site, target, lambda r: logout_url(within(r))) == "/sub/oauth2/logout"


def test_links_to_a_path_that_is_no_ascii(site: Visited) -> None:
    """A path of any letters is quoted twice: as a path, and as a parameter."""
    assert seen_by_app(site, "/%C3%A6?q=%C3%A5", login_url) == "/oauth2/login?next=%2F%25C3%25A6%3Fq%3D%25C3%25A5"


def test_link_of_a_member(open_site: OpenSite) -> None:
    """Links work where somebody is signed in too, also at the shortest way through the middleware."""
    site = open_site()
    member = site.visitor()
    member.log_in()
    found: list[str] = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        found.append(logout_url(scope) + str(require_session(scope).user is not None))
        await site.app.asgi(scope, receive, send)

    def wsgi(environ: Any, start_response: Any) -> Any:
        found.append(logout_url(environ) + str(require_session(environ).user is not None))
        return site.app.wsgi(environ, start_response)

    site.app.instead = asgi if isinstance(site.adapter, AsgiAdapter) else wsgi
    for _ in range(3):
        member.get("/")

    assert found == ["/oauth2/logoutTrue"] * 3


def test_request_that_came_another_way() -> None:
    """A request that did not come through the middleware is an error that says so."""
    with pytest.raises(TypeError, match="did not come through"):
        login_url({"type": "http", "path": "/", "query_string": b"", "headers": []})
    with pytest.raises(TypeError, match="not int"):
        logout_url(7)


def test_session_that_must_be_there(site: Visited) -> None:
    """``require_session`` returns the session, and raises ``NotSignedIn`` where nobody is signed in."""

    def look(request: Any) -> Any:
        assert get_session(request) is None
        with pytest.raises(NotSignedIn):
            require_session(request)
        return True

    assert seen_by_app(site, "/", look)
