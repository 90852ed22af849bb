"""The gallery as an ASGI app and as a WSGI app: all that is different between the two."""

from __future__ import annotations

import http
from collections.abc import Callable, Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fotoweb_middleware.demo.gallery import Asked, Gallery
from fotoweb_middleware.session import get_session

__all__ = ["asgi_app", "wsgi_app"]

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def asgi_app(gallery: Gallery) -> Starlette:
    """Return the gallery as an ASGI app."""

    def show(request: Request) -> Response:  # no coroutine: Starlette runs it in a thread
        headers = request.headers
        reply = gallery.answer(
            Asked(
                method=request.method,
                path=request.url.path,
                session=get_session(request),
                authorization=headers.get("authorization"),
                cookie=headers.get("cookie", ""),
            )
        )
        return Response(reply.body, reply.status, dict(reply.headers))

    return Starlette(routes=[Route("/{path:path}", show, methods=METHODS)])


def wsgi_app(gallery: Gallery) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """Return the gallery as a WSGI app."""

    def show(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        reply = gallery.answer(
            Asked(
                method=environ["REQUEST_METHOD"],
                path=environ.get("PATH_INFO", "/"),
                session=get_session(environ),
                authorization=environ.get("HTTP_AUTHORIZATION"),
                cookie=environ.get("HTTP_COOKIE", ""),
            )
        )
        status = f"{reply.status} {http.HTTPStatus(reply.status).phrase}"
        start_response(status, [*reply.headers, ("Content-Length", str(len(reply.body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]

    return show
