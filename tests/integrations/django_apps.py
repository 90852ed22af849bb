"""What stands in a project's asgi.py and wsgi.py, in one file. A server asks for one of the two."""

from __future__ import annotations

from typing import Any

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware
from fotoweb_middleware.integrations.django import fotoweb_settings


def __getattr__(name: str) -> Any:
    if name == "asgi":
        return FotoWebASGIMiddleware(get_asgi_application(), settings=fotoweb_settings())
    if name == "wsgi":
        return FotoWebWSGIMiddleware(get_wsgi_application(), settings=fotoweb_settings())
    if name == "unwrapped_asgi":
        return get_asgi_application()
    if name == "unwrapped_wsgi":
        return get_wsgi_application()
    if name == "router":
        return Router({"http": get_asgi_application()})
    if name == "router_of_wrapped":
        return Router({"http": FotoWebASGIMiddleware(get_asgi_application(), settings=fotoweb_settings())})
    raise AttributeError(name)


class Router:
    """Keeps its apps as Channels' ``ProtocolTypeRouter`` does."""

    def __init__(self, application_mapping: dict[str, Any]) -> None:
        self.application_mapping = application_mapping

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        await self.application_mapping[scope["type"]](scope, receive, send)
