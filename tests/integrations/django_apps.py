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
    raise AttributeError(name)
