"""Which path is answered by whom, and the headers that a real site puts on every answer."""

from __future__ import annotations

import base64
from collections.abc import Callable
from email.utils import formatdate
from typing import Final

from fotoweb_middleware.testing.fake_fotoweb import (
    api,
    archives,
    authorize,
    login,
    pages,
    previews,
    renditions,
    token_endpoint,
    uploads,
    widgets,
)
from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse
from fotoweb_middleware.testing.fake_fotoweb.state import Site

__all__ = ["answer", "with_site_headers"]

Handler = Callable[[Site, FakeRequest], FakeResponse]
READ: Final = ("GET", "HEAD")


def _redirect_to_home(_: Site, __: FakeRequest) -> FakeResponse:
    return FakeResponse(302, b"", (("Location", "/fotoweb/views/home"),))


def _redirect_to_login(_: Site, __: FakeRequest) -> FakeResponse:
    return FakeResponse(302, b"", (("Location", "/fotoweb/views/login"),))


ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#f3c06b"/>'
    '<path d="M0 8 16 4v8a4 4 0 0 1-4 4H4a4 4 0 0 1-4-4z" fill="#3d97a0"/>'
    '<path d="M0 12 16 8v4a4 4 0 0 1-4 4H4a4 4 0 0 1-4-4z" fill="#164b57"/></svg>'
)


def _icon(_: Site, __: FakeRequest) -> FakeResponse:
    headers = (("Content-Type", "image/svg+xml"), ("Cache-Control", "max-age=3600"))
    return FakeResponse(200, ICON.encode(), headers)


EXACT: Final[dict[str, dict[str, Handler]]] = {
    "/fotoweb/oauth2/authorize": dict.fromkeys(READ, authorize.authorize),
    "/fotoweb/oauth2/consent": {"POST": authorize.answer_consent},
    "/fotoweb/oauth2/token": {"POST": token_endpoint.token},
    "/fotoweb/views/login": {**dict.fromkeys(READ, login.show_login), "POST": login.log_in},
    "/fotoweb/views/home": dict.fromkeys(READ, login.show_home),
    "/": dict.fromkeys(READ, _redirect_to_home),
    "/fotoweb/login": dict.fromkeys(READ, _redirect_to_login),
    "/fotoweb/services/renditions": dict.fromkeys((*READ, "POST", "OPTIONS"), renditions.request_rendition),
    "/fotoweb/widgets/selection": dict.fromkeys(READ, widgets.selection),
    "/fotoweb/widgets/publish": dict.fromkeys(READ, widgets.export),
    "/fotoweb/services/logout": dict.fromkeys((*READ, "POST"), login.log_out),
    "/favicon.ico": dict.fromkeys(READ, _icon),
    "/fotoweb/": dict.fromkeys(READ, api.guest),
    "/fotoweb/me": dict.fromkeys(READ, api.me),
    "/fotoweb/me/": dict.fromkeys(READ, api.me),
}
PREFIXES: Final[dict[str, dict[str, Handler]]] = {
    "/fotoweb/me/archives": dict.fromkeys(READ, archives.archives),
    "/fotoweb/me/upload-to": dict.fromkeys(READ, archives.archives),
    "/fotoweb/me/background-tasks/": dict.fromkeys(READ, renditions.download),
    "/fotoweb/archives": dict.fromkeys(READ, archives.archives),
    "/fotoweb/data/a/": dict.fromkeys(READ, archives.archives),
    "/fotoweb/cache/v2/": dict.fromkeys(READ, previews.preview),
    "/fotoweb/api/uploads": dict.fromkeys((*READ, "POST"), uploads.uploads),
    "/fotoweb/api/": dict.fromkeys(READ, api.user_management),
}


def answer(site: Site, request: FakeRequest) -> FakeResponse:
    """Answer a request as FotoWeb would, without faults."""
    methods = EXACT.get(request.path)
    if methods is None:
        methods = next((found for start, found in PREFIXES.items() if request.path.startswith(start)), None)
    if methods is None:
        return pages.error_page(404, "Nothing here", "This page does not exist in the simulator.")
    if request.method not in methods:
        return FakeResponse(405, b"", (("Allow", ", ".join(methods)),))
    return methods[request.method](site, request)


def with_site_headers(site: Site, response: FakeResponse) -> FakeResponse:
    """Add the headers that were seen on a real site."""
    request_id = base64.urlsafe_b64encode(site.entropy(16)).rstrip(b"=").decode()
    headers = {
        "Date": formatdate(site.now(), usegmt=True),
        "Server": "Microsoft-IIS/10.0",
        "X-Powered-By": "FotoWare (https://www.fotoware.com/)",
        "FotoWeb-Server": "Product-Version=8.2.1412.0; Level=Invalid;",
        "X-RequestId": request_id,
        "X-Processing-Time": "0.000",
        "Vary": "Authorization,FWAPIToken,Cookie,Accept,Accept-Encoding,User-Agent",
    }
    missing = tuple((name, value) for name, value in headers.items() if response.header(name) is None)
    return FakeResponse(response.status, response.body, (*response.headers, *missing), response.outcome)
