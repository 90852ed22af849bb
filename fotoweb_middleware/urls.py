"""Where an app's sign-in and sign-out links lead: the middleware's own pages, below the app's mount."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from fotoweb_middleware.request import front_page, own_path
from fotoweb_middleware.session import URLS_KEY, has_middleware, scopes_of
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.views.next_path import PATH_SAFE, is_harmless

__all__ = [
    "URLS_KEY",
    "Urls",
    "has_middleware",
    "login_path",
    "login_url",
    "logout_url",
    "outer_names",
    "urls_by_mount",
]

MAX_MOUNTS = 64


@dataclass(frozen=True, slots=True)
class Urls:
    """Paths of the middleware as one request sees them, the mount included.

    Attributes:
        own_pages: What the paths of its own pages begin with: "/sub/oauth2/".
        front_page: The app's front page: "/sub/".
        names: Cookie name and path prefix of the middleware, which no second one around the same app may have.
    """

    own_pages: str
    front_page: str
    names: frozenset[str]


def urls_by_mount(settings: Settings) -> Callable[[str], Urls]:
    """Return a function that returns the paths below a mount ("" or "/sub"), and remembers some mounts."""
    names = frozenset({settings.cookie_name, settings.path_prefix})

    @lru_cache(MAX_MOUNTS)
    def urls_of(mount: str) -> Urls:
        return Urls(own_path(settings, mount, ""), front_page(mount), names)

    return urls_of


def login_url(request: object, next: object = None) -> str:  # noqa: A002 (what Django calls it)
    """Return the path of a sign-in link: ``/oauth2/login?next=%2Freports``, with the app's mount.

    Args:
        request: As in ``get_session``.
        next: Where the login leads: a path on this origin, with the app's mount, as from ``url_for`` or ``reverse``; or
            a URL of this origin, as from Starlette's ``url_for``. None: the page of this request. Anything else leads
            to the app's front page.

    Raises:
        TypeError: ``request`` is not a request, or did not come through the middleware.
    """
    scope, urls = _find(request)
    path = _path_of(scope) if next is None else _path_on(_host_of(scope), str(next))
    safe = path if is_harmless(path, urls.own_pages) else urls.front_page
    return f"{urls.own_pages}login?next={quote(safe, safe='')}"


def login_path(request: object) -> str:
    """Return ``login_url`` without its query: what a 401 tells programs, which add ``?next=`` to it.

    Raises:
        TypeError: As ``login_url`` does.
    """
    return f"{_find(request)[1].own_pages}login"


def logout_url(request: object) -> str:
    """Return the path for a sign-out link or form: ``/oauth2/logout``, with the app's mount.

    Args:
        request: As in ``get_session``.

    Raises:
        TypeError: ``request`` is not a request, or did not come through the middleware.
    """
    return f"{_find(request)[1].own_pages}logout"


def outer_names(scope: Mapping[Any, Any]) -> frozenset[str]:
    """Return ``Urls.names`` of the middleware through which a request came already; empty where it did not."""
    urls = scope.get(URLS_KEY)
    return urls.names if isinstance(urls, Urls) else frozenset()


def _find(request: object) -> tuple[Mapping[Any, Any], Urls]:
    for scope in scopes_of(request):
        urls = scope.get(URLS_KEY)
        if isinstance(urls, Urls):
            return scope, urls
    raise TypeError("this request did not come through the FotoWeb middleware: wrap the app with it")


def _host_of(scope: Mapping[Any, Any]) -> str:
    """Return the Host header of a request."""
    if "PATH_INFO" in scope:
        return str(scope.get("HTTP_HOST", ""))
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")


def _path_on(host: str, url: str) -> str:
    """Return path and query of a URL of this host; anything else as it is."""
    scheme, _, rest = url.partition("://")
    if scheme not in {"http", "https"} or not host or not rest.lower().startswith(f"{host.lower()}/"):
        return url
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _path_of(scope: Mapping[Any, Any]) -> str:
    """Return the path and query that a request asked for, in whatever part of the app it is looked at."""
    if "PATH_INFO" in scope:  # WSGI: SCRIPT_NAME grows by what PATH_INFO loses.
        path = (scope.get("SCRIPT_NAME", "") + scope["PATH_INFO"]).encode("latin-1", "replace")
        query = scope.get("QUERY_STRING", "")
    else:  # ASGI: the path is the whole one, but for servers and frameworks that cut the mount off.
        mount, text = scope.get("root_path") or "", scope["path"]
        whole = text if text == mount or text.startswith(f"{mount.rstrip('/')}/") else mount + text
        path = whole.encode("utf-8", "replace")
        query = scope.get("query_string") or b""
    query = query.decode("latin-1") if isinstance(query, bytes) else query
    return quote(path, safe=PATH_SAFE) + (f"?{query}" if query else "")
