"""What a Django project writes, as a type checker sees it. Read by mypy and by pyright; nobody runs it.

Django ships no types, so what comes of its classes is unknown here; projects with django-stubs see more.
"""

from __future__ import annotations

from typing import assert_type

from django.http import HttpRequest  # pyright: ignore[reportMissingTypeStubs] (Django ships none)

from fotoweb_middleware import FotoWebASGIMiddleware, Settings
from fotoweb_middleware.integrations.django import FotoWebBackend, FotoWebUserMiddleware, fotoweb_settings
from fotoweb_middleware.integrations.django.context_processors import fotoweb


class LowerCaseBackend(FotoWebBackend):
    """A backend of a project's own."""

    def clean_username(self, username: str) -> str:
        """Return the name in lower case."""
        return username.lower()


def in_asgi_py(application: FotoWebASGIMiddleware) -> None:
    """The settings are ``Settings``."""
    assert_type(fotoweb_settings(), Settings)
    FotoWebASGIMiddleware(application, settings=fotoweb_settings())


def in_a_test(request: HttpRequest) -> None:
    """What a project may call itself takes a request."""
    FotoWebUserMiddleware(None).process_request(request)
    assert_type(fotoweb(request), dict[str, str])
