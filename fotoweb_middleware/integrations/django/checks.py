"""What ``manage.py check`` finds: each message has an id, which docs/how-to/django.md lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings as django_settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 (Django's name)
from django.utils.module_loading import import_string

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.integrations.django import fotoweb_settings, is_configured
from fotoweb_middleware.integrations.django.backends import FotoWebBackend
from fotoweb_middleware.integrations.django.middleware import FotoWebUserMiddleware

NAME = "fotoweb_middleware.integrations.django"


def check_all(**_: Any) -> list[CheckMessage]:
    """Return everything that is wrong with the project's use of this integration."""
    return [*check_settings(), *check_order(), *check_backend(), *check_use()]


def check_settings() -> list[CheckMessage]:
    """E001: wrong settings. W001: none at all. E002: nobody would ever have a name."""
    try:
        if not is_configured():
            message = "None of the four variables that name your FotoWeb site is set, here or in FOTOWEB."
            hint = "A server won't start like this. A build step may; silence fotoweb.W001 there."
            return [Warning(message, hint=hint, id="fotoweb.W001")]
        fetches_user = fotoweb_settings().fetch_user
    except SettingsError as error:
        hint = "A server won't start like this. `fotoweb-middleware check` tries settings out."
        return [Error(str(error), hint=hint, id="fotoweb.E001")]
    if fetches_user or position(FotoWebUserMiddleware, django_settings.MIDDLEWARE) is None:
        return []
    hint = "Remove FOTOWEB_FETCH_USER=false, or FotoWebUserMiddleware."
    message = "FOTOWEB_FETCH_USER is false: FotoWeb is never asked who signed in, and request.user stays anonymous."
    return [Error(message, hint=hint, id="fotoweb.E002")]


def check_order() -> list[CheckMessage]:
    """E003: the middleware stands before one that it needs."""
    own = position(FotoWebUserMiddleware, django_settings.MIDDLEWARE)
    for other in (SessionMiddleware, AuthenticationMiddleware):
        needed = position(other, django_settings.MIDDLEWARE)
        if own is not None and needed is not None and own < needed:
            message = f"FotoWebUserMiddleware stands before {other.__name__} in MIDDLEWARE."
            hint = f"Put {NAME}.FotoWebUserMiddleware after {other.__module__}.{other.__name__}."
            return [Error(message, hint=hint, id="fotoweb.E003")]
    return []


def check_backend() -> list[CheckMessage]:
    """E004: the middleware has no backend that could find a user."""
    has_middleware = position(FotoWebUserMiddleware, django_settings.MIDDLEWARE) is not None
    if not has_middleware or position(FotoWebBackend, django_settings.AUTHENTICATION_BACKENDS) is not None:
        return []
    message = "FotoWebUserMiddleware is in MIDDLEWARE, but FotoWebBackend is not in AUTHENTICATION_BACKENDS."
    hint = f'Add "{NAME}.FotoWebBackend" to AUTHENTICATION_BACKENDS.'
    return [Error(message, hint=hint, id="fotoweb.E004")]


def check_use() -> list[CheckMessage]:
    """W002: the app is installed, but does not set ``request.user``."""
    if position(FotoWebUserMiddleware, django_settings.MIDDLEWARE) is not None:
        return []
    message = f"{NAME} is in INSTALLED_APPS, but its FotoWebUserMiddleware is not in MIDDLEWARE."
    hint = "Add it after AuthenticationMiddleware, or silence fotoweb.W002 if request.user is not FotoWeb's business."
    return [Warning(message, hint=hint, id="fotoweb.W002")]


def position(wanted: type, paths: Sequence[str]) -> int | None:
    """Return where a class, or a subclass of it, stands in a list of import paths; None where it does not."""
    for index, path in enumerate(paths):
        found = import_string(path)
        if isinstance(found, type) and issubclass(found, wanted):
            return index
    return None
