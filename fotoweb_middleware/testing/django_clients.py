"""Django's test clients call views directly, past ``wsgi.py`` and ``asgi.py``. Here they call them through these."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.servers.basehttp import get_internal_wsgi_application
from django.http import HttpResponse
from django.test.client import AsyncClient, Client, FakePayload
from django.utils.module_loading import import_string

__all__ = ["is_django", "put_application_in_front"]

VIEWS = "fotoweb_middleware.testing.views"
"""Where environ and scope carry what a test client calls instead of Django's own handler."""

Headers = list[tuple[str, str]]


def is_django(client: Any) -> bool:
    """Return whether this is one of Django's test clients."""
    return isinstance(client, Client | AsyncClient)


def put_application_in_front(client: Any, patch: Any) -> None:
    """Let a test client call the project's WSGI or ASGI application, and the views through it.

    Args:
        client: Django's ``Client`` or ``AsyncClient``.
        patch: pytest's ``MonkeyPatch``.
    """
    if isinstance(client.handler, ThroughWSGI | ThroughASGI):
        return
    if isinstance(client, AsyncClient):
        client.handler = ThroughASGI(client.handler)
        patch.setattr(ASGIHandler, "__call__", call_views_async)
    else:
        client.handler = ThroughWSGI(client.handler)
        patch.setattr(WSGIHandler, "__call__", call_views)


wsgi_handler, asgi_handler = WSGIHandler.__call__, ASGIHandler.__call__


def call_views(self: WSGIHandler, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Stand in for ``WSGIHandler.__call__``, in which the project's WSGI application ends."""
    views = environ.pop(VIEWS, None)
    answer: Iterable[bytes] = (
        wsgi_handler(self, environ, start_response) if views is None else views(environ, start_response)
    )
    return answer


async def call_views_async(self: ASGIHandler, scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Stand in for ``ASGIHandler.__call__``, in which the project's ASGI application ends."""
    views = scope.pop(VIEWS, None)
    await (asgi_handler(self, scope, receive, send) if views is None else views(scope, receive, send))


class ThroughWSGI:
    """What ``Client`` calls: takes an environ and returns Django's response, as its own handler does."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler
        self._application = get_internal_wsgi_application()

    def __call__(self, environ: dict[str, Any]) -> Any:
        """Return the response of the view, or of what stands in front of it."""
        responses: list[Any] = []
        started: list[tuple[str, Headers]] = []

        def views(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            response = self._handler(environ)
            responses.append(response)
            start_response(f"{response.status_code} {response.reason_phrase}", headers_of(response))
            return ()

        def start_response(status: str, headers: Headers, _exc_info: Any = None) -> None:
            started.append((status, headers))

        body = self._application({**environ, VIEWS: views}, start_response)
        content = b"".join(body)
        getattr(body, "close", lambda: None)()
        status, headers = started[-1]
        if not responses:
            responses.append(HttpResponse(content, status=int(status[:3])))
            responses[0].wsgi_request = WSGIRequest(environ)
        return with_headers(responses[0], headers)


class ThroughASGI:
    """What ``AsyncClient`` calls: takes a scope and returns Django's response, as its own handler does."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler
        self._application = asgi_application()

    async def __call__(self, scope: dict[str, Any]) -> Any:
        """Return the response of the view, or of what stands in front of it."""
        responses: list[Any] = []
        sent: list[dict[str, Any]] = []

        async def views(scope: dict[str, Any], _receive: Any, send: Any) -> None:
            response = await self._handler(scope)
            responses.append(response)
            headers = [
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers_of(response)
            ]
            await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            await send({"type": "http.response.body"})

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}  # The body goes along in the scope.

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._application({**scope, VIEWS: views}, receive, send)
        start, *bodies = sent
        if not responses:
            content = b"".join(message.get("body", b"") for message in bodies)
            responses.append(HttpResponse(content, status=start["status"]))
            responses[0].asgi_request = ASGIRequest(scope, FakePayload())
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        return with_headers(responses[0], headers)


def asgi_application() -> Any:
    """Return the project's ASGI application: ``ASGI_APPLICATION`` names it, or it lies beside ``ROOT_URLCONF``."""
    beside = f"{settings.ROOT_URLCONF.rpartition('.')[0]}.asgi.application"
    return import_string(getattr(settings, "ASGI_APPLICATION", None) or beside)


def headers_of(response: Any) -> Headers:
    """Return the headers of Django's response, its cookies included."""
    cookies = [("Set-Cookie", morsel.OutputString()) for morsel in response.cookies.values()]
    return [*response.items(), *cookies]


def with_headers(response: Any, headers: Headers) -> Any:
    """Give Django's response the headers and cookies that the client was sent in the end."""
    for name, value in headers:
        if name.lower() == "set-cookie":
            response.cookies.load(value)
        else:
            response.headers[name] = value
    if "location" in response.headers and not hasattr(response, "url"):
        response.url = response.headers["location"]  # What ``assertRedirects`` and ``follow=True`` look at.
    return response
