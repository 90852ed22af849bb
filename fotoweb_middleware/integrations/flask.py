"""Flask: ``FotoWeb`` wraps the app, ``current_session`` is the session of the request, ``login_required`` guards views.

``integrations.quart`` imports what is the same in both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar, cast

from flask import Flask, abort, current_app, request
from flask.sansio.app import App
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import HTTPException, ServiceUnavailable, Unauthorized
from werkzeug.local import LocalProxy

from fotoweb_middleware.errors import FotoWebUnreachable, NotSignedIn, SessionEnded
from fotoweb_middleware.integrations.configuration import read_settings
from fotoweb_middleware.responses import NOT_SIGNED_IN, UNAVAILABLE, retry_after
from fotoweb_middleware.session import Session, get_session
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.urls import login_url, logout_url
from fotoweb_middleware.wsgi import FotoWebWSGIMiddleware

__all__ = ["FotoWeb", "current_session", "login_required"]

View = TypeVar("View", bound=Callable[..., Any])

CHALLENGE = WWWAuthenticate("FotoWeb-Login", {"realm": "fotoweb"})
"""The middleware's own challenge, which Werkzeug writes in other letters: ``Fotoweb-Login realm=fotoweb``."""

current_session = cast("Session", LocalProxy(lambda: get_session(request)))
"""The session of this request; falsy if nobody is signed in. Like ``request``, it exists only during a request: pass
``require_session(request)`` to anything that outlives the view (a stream, a thread)."""


class FotoWeb:
    """Puts a FotoWeb login in front of a Flask app, and turns the middleware's errors into answers.

    In a view, ``NotSignedIn`` and ``SessionEnded`` become a 401, ``FotoWebUnreachable`` a 503; the app's own error
    handlers for these codes are used. Templates get ``current_session``, ``fotoweb_login_url(next=None)`` and
    ``fotoweb_logout_url()``.

    Args:
        app: None if you call ``init_app`` later.
        settings: None: read from the ``FOTOWEB_*`` variables, then from ``app.config``.
        options: Other arguments for ``FotoWebWSGIMiddleware``.

    Raises:
        SettingsError: A setting is missing or wrong.
    """

    def __init__(self, app: Flask | None = None, *, settings: Settings | None = None, **options: Any) -> None:
        self._settings = settings
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Wrap an app. ``app.config`` is read now, and not again.

        Raises:
            SettingsError: A setting is missing or wrong.
            RuntimeError: The app is wrapped already.
        """
        settings = configure(app, self._settings, request, handle_error)
        app.wsgi_app = FotoWebWSGIMiddleware(app.wsgi_app, settings, **self._options)  # type: ignore[method-assign]


def login_required(view: View) -> View:
    """Decorate a sync or async view: it answers 401 if nobody is signed in."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if get_session(request) is None:
            abort(401, NOT_SIGNED_IN, www_authenticate=CHALLENGE)
        return current_app.ensure_sync(view)(*args, **kwargs)

    return cast("View", guarded)


def handle_error(error: Exception) -> Any:
    """Return the app's answer to one of our errors."""
    return current_app.handle_http_exception(http_error(error))


# ---------------------------------------------------------------------------------------------------- for Quart as well


def configure(app: App, settings: Settings | None, connection: object, handler: Callable[[Exception], Any]) -> Settings:
    """Give an app our error handlers and template names, and return the settings for the middleware."""
    if "fotoweb" in app.extensions:
        raise RuntimeError("this app has a FotoWeb already: a second one inside it would never see a session")
    if settings is None:
        settings = read_settings(lambda: app.config.get_namespace("FOTOWEB_"), source="app.config", prefix="FOTOWEB_")
    names = {
        "current_session": LocalProxy(lambda: get_session(connection)),
        "fotoweb_login_url": partial(login_url, connection),
        "fotoweb_logout_url": partial(logout_url, connection),
    }
    app.context_processor(lambda: names)
    for error in (NotSignedIn, SessionEnded, FotoWebUnreachable):
        app.register_error_handler(error, handler)
    app.extensions["fotoweb"] = settings
    return settings


def http_error(error: Exception) -> HTTPException:
    """Return what one of our errors is in HTTP: 503 where FotoWeb can't be reached, else 401."""
    if isinstance(error, FotoWebUnreachable):
        return ServiceUnavailable(UNAVAILABLE, retry_after=int(retry_after(error.retry_after_seconds)))
    return Unauthorized(NOT_SIGNED_IN, www_authenticate=CHALLENGE)
