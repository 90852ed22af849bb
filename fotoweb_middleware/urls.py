"""Where an app's sign-in and sign-out links lead: the middleware's own pages, below the app's mount."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fotoweb_middleware.request import own_path
from fotoweb_middleware.session import carriers_of
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.views.next_path import PATH_SAFE, safe_next_path

__all__ = ["URLS_KEY", "Urls", "login_url", "logout_url"]

URLS_KEY = "fotoweb.urls"
"""Where they lie in an ASGI scope and in a WSGI environ."""


@dataclass(frozen=True, slots=True)
class Urls:
    """The middleware's own pages as one request sees them.

    Attributes:
        settings: For the prefix.
        mount: Where the middleware was mounted for this request: "" or "/sub".
    """

    settings: Settings = field(repr=False)
    mount: str

    def login_url(self, next_path: str) -> str:
        """Return where a login to ``next_path`` starts; what is no path on this origin leads to the front page."""
        safe = safe_next_path(self.settings, self.mount, next_path)
        return f"{own_path(self.settings, self.mount, 'login')}?next={quote(safe, safe='')}"

    def logout_url(self) -> str:
        """Return where a logout starts."""
        return own_path(self.settings, self.mount, "logout")


def login_url(request: object, next: str | None = None) -> str:  # noqa: A002 (what Django calls it)
    """Return the path at which a login starts, for a link: ``/oauth2/login?next=%2Freports``, the mount included.

    Args:
        request: As in ``get_session``.
        next: Where the login leads: a path on this origin as ``url_for`` and ``reverse`` give it, the mount included.
            None: where the request itself was going. What is no such path leads to the app's front page.

    Raises:
        TypeError: ``request`` is none, or did not come through the middleware.
    """
    carrier, urls = _find(request)
    return urls.login_url(_path_of(carrier) if next is None else next)


def logout_url(request: object) -> str:
    """Return the path at which a logout starts, for a link or a form: ``/oauth2/logout``, the mount included.

    Args:
        request: As in ``get_session``.

    Raises:
        TypeError: ``request`` is none, or did not come through the middleware.
    """
    return _find(request)[1].logout_url()


def _find(request: object) -> tuple[Mapping[Any, Any], Urls]:
    for carrier in carriers_of(request):
        urls = carrier.get(URLS_KEY)
        if isinstance(urls, Urls):
            return carrier, urls
    raise TypeError("this request did not come through the FotoWeb middleware: wrap the app with it")


def _path_of(carrier: Mapping[Any, Any]) -> str:
    """Return the path and query that a request asked for, in whatever part of the app it is looked at."""
    if "PATH_INFO" in carrier:  # WSGI: SCRIPT_NAME grows by what PATH_INFO loses.
        path = (carrier.get("SCRIPT_NAME", "") + carrier["PATH_INFO"]).encode("latin-1", "replace")
        query = carrier.get("QUERY_STRING", "")
    else:  # ASGI: the path is the whole one, but for servers and frameworks that cut the mount off.
        mount, text = carrier.get("root_path") or "", carrier["path"]
        whole = text if text == mount or text.startswith(f"{mount.rstrip('/')}/") else mount + text
        path = whole.encode("utf-8", "replace")
        query = carrier.get("query_string") or b""
    query = query.decode("latin-1") if isinstance(query, bytes) else query
    return quote(path, safe=PATH_SAFE) + (f"?{query}" if query else "")
