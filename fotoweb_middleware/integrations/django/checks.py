"""What ``manage.py check`` finds: each message has an id, which docs/how-to/django.md lists.

What a server must refuse too, E003 and E004, is in ``middleware``.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 (Django's name)
from django.core.handlers.base import BaseHandler
from django.utils.module_loading import import_string

from fotoweb_middleware.asgi import FotoWebASGIMiddleware
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.integrations.django import fotoweb_settings, is_configured
from fotoweb_middleware.integrations.django.middleware import (
    NAME,
    FotoWebUserMiddleware,
    check_backend,
    check_order,
    position,
)
from fotoweb_middleware.wsgi import FotoWebWSGIMiddleware

MAX_WRAPPERS = 4
"""How deep ``is_open`` looks; Channels' ``ProtocolTypeRouter`` counts as two."""


def check_all(**_: Any) -> list[CheckMessage]:
    """Return everything that is wrong with the project's use of this integration."""
    return [*check_settings(), *check_order(), *check_backend(), *check_use(), *check_wrapping()]


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


def check_use() -> list[CheckMessage]:
    """W002: the app is installed, but does not set ``request.user``."""
    if position(FotoWebUserMiddleware, django_settings.MIDDLEWARE) is not None:
        return []
    message = f"{NAME} is in INSTALLED_APPS, but its FotoWebUserMiddleware is not in MIDDLEWARE."
    hint = "Add it after AuthenticationMiddleware, or silence fotoweb.W002 if request.user is not FotoWeb's business."
    return [Warning(message, hint=hint, id="fotoweb.W002")]


def check_wrapping() -> list[CheckMessage]:
    """W003: the project's application is not wrapped, so that a server which loads it lets everybody in."""
    wrappers = {
        "WSGI_APPLICATION": ("wsgi", "FotoWebWSGIMiddleware"),
        "ASGI_APPLICATION": ("asgi", "FotoWebASGIMiddleware"),
    }
    found: list[CheckMessage] = []
    for setting, (interface, wrapper) in wrappers.items():
        path = getattr(django_settings, setting, None)
        if not path:
            continue
        try:
            application = import_string(path)
        except Exception:  # noqa: BLE001, S112 (a server that loads it stops with this error, so nobody gets in)
            continue
        if is_open(application):
            message = f"{setting} names {path}, which is not wrapped: a server that loads it lets everybody in."
            hint = (
                f"Wrap it in {wrapper}. If your server loads fotoweb_middleware.wrap:{interface} instead, with "
                f"FOTOWEB_APP={':'.join(path.rsplit('.', 1))}, it is wrapped from outside: silence fotoweb.W003."
            )
            found.append(Warning(message, hint=hint, id="fotoweb.W003"))
    return found


def is_open(application: Any, wrappers: int = MAX_WRAPPERS) -> bool:
    """Return whether Django's own handler stands in an application without our middleware around it.

    It may stand in other middlewares, or in a router such as Channels' ``ProtocolTypeRouter``. What keeps it elsewhere,
    as in a closure, is not found; then ``FotoWebUserMiddleware`` says it in the log.
    """
    if isinstance(application, (FotoWebASGIMiddleware, FotoWebWSGIMiddleware)):
        return False
    if isinstance(application, BaseHandler):
        return True
    if wrappers == 0:
        return False
    parts = application if isinstance(application, dict) else getattr(application, "__dict__", {})
    return any(is_open(part, wrappers - 1) for part in parts.values() if callable(part) or isinstance(part, dict))
