"""``request.user`` for people signed in to FotoWeb, under WSGI and ASGI.

Django's own ``RemoteUserMiddleware`` won't do: there is no ``REMOTE_USER`` under ASGI, so it reads a header that anyone
can send. Two rules come first:

1. Django's session is never believed alone. It belongs to the person whom FotoWeb's session names, on each request.
   Where somebody else is signed in, or nobody, it is emptied before the app sees it.
2. It gets a new key when somebody signs in (``login``: no session fixation), and a new CSRF token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings as django_settings
from django.contrib import auth
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.html import format_html
from django.utils.module_loading import import_string

from fotoweb_middleware.errors import FotoWebUnreachable, NotSignedIn, SessionEnded
from fotoweb_middleware.integrations.django.backends import FotoWebBackend
from fotoweb_middleware.responses import CHALLENGE, NOT_SIGNED_IN, UNAVAILABLE, retry_after
from fotoweb_middleware.session import User, get_session, warn_of_missing_middleware
from fotoweb_middleware.urls import has_middleware, login_url

NAME = "fotoweb_middleware.integrations.django"
NOT_SIGNED_IN_PAGE = "<!doctype html><title>{0}</title><p>{0}. <a href='{1}'>Sign in</a></p>"
SIGNED_IN_KEY = "fotoweb_signed_in"
"""Marks a Django session that a FotoWeb login made: without the middleware nobody can tell whose it is now."""
UNAVAILABLE_PAGE = "<!doctype html><title>{0}</title><p>{0}</p>"


class FotoWebUserMiddleware(MiddlewareMixin):  # type: ignore[misc]  # Django ships no types.
    """Sets ``request.user`` and ``request.auser`` to the Django user of the person signed in to FotoWeb.

    Put it after ``AuthenticationMiddleware``. It also works without ``django.contrib.sessions``, but remembers nothing.
    In a view, ``NotSignedIn`` and ``SessionEnded`` become a 401, ``FotoWebUnreachable`` a 503. Requests that did not
    come through the FotoWeb middleware are left as they are, so that ``client.force_login`` works in tests; the first
    one is told in the log.

    Raises:
        ImproperlyConfigured: It comes before what it needs, or ``AUTHENTICATION_BACKENDS`` has no ``FotoWebBackend``.
        PermissionDenied: From a request: FotoWeb knows the user, but there is no active Django user.
    """

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        for message in (*check_order(), *check_backend()):
            raise ImproperlyConfigured(f"{message.msg} {message.hint}")

    def process_request(self, request: HttpRequest) -> None:
        """Find out whose request it is. Under ASGI Django runs this in a thread."""
        if not has_middleware(request):  # As of Django's test client, or a server that does not wrap the project.
            warn_of_missing_middleware()
            if SIGNED_IN_KEY in getattr(request, "session", {}):
                auth.logout(request)
            return
        session = get_session(request)
        known = None if session is None else session.user
        user = user_of_django_session(request, known)
        if user is None and known is not None:
            user = sign_in(request, known)
        if user is None and hasattr(request, "user"):
            return  # AuthenticationMiddleware's, which is nobody, and says Vary: Cookie where a view asks.
        set_user(request, user or AnonymousUser())

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Say ``Vary: Cookie`` to Django's site-wide cache where no ``SessionMiddleware`` does."""
        if has_middleware(request) and not hasattr(request, "session"):
            patch_vary_headers(response, ["Cookie"])
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 401 where a view needed a session and there is none (any more), 503 where FotoWeb is out of reach."""
        if isinstance(exception, (NotSignedIn, SessionEnded)) and has_middleware(request):
            page = format_html(NOT_SIGNED_IN_PAGE, NOT_SIGNED_IN, login_url(request))
            return HttpResponse(page, status=401, headers=dict([CHALLENGE]))
        if isinstance(exception, FotoWebUnreachable):
            headers = {"Retry-After": retry_after(exception.retry_after_seconds)}
            return HttpResponse(format_html(UNAVAILABLE_PAGE, UNAVAILABLE), status=503, headers=headers)
        return None


def user_of_django_session(request: HttpRequest, known: User | None) -> Any:
    """Return who is signed in to Django's session, if it may be this person's; otherwise empty it and return None."""
    session = getattr(request, "session", None)
    if session is None or session.session_key is None or auth.BACKEND_SESSION_KEY not in session:
        return None
    user, path = auth.get_user(request), session.get(auth.BACKEND_SESSION_KEY)
    backend = auth.load_backend(path) if path in django_settings.AUTHENTICATION_BACKENDS else None
    if isinstance(backend, FotoWebBackend):
        is_theirs = known is not None and user.get_username() == backend.clean_username(known.user_name)
    else:  # Somebody signed in to Django with a password, where the app has that.
        is_theirs = get_session(request) is None and user.is_authenticated
    if is_theirs:
        return user
    auth.logout(request)
    return None


def sign_in(request: HttpRequest, known: User) -> Any:
    """Return the Django user of a FotoWeb user, remembered in Django's session where there is one.

    Raises:
        PermissionDenied: There is none, or it is not active. A new login would change nothing.
    """
    user = auth.authenticate(request, fotoweb_user=known)
    if user is None:
        raise PermissionDenied("FotoWeb knows this user, but there is no active Django user of this name")
    if hasattr(request, "session"):
        auth.login(request, user)
        request.session[SIGNED_IN_KEY] = True
    return user


def set_user(request: HttpRequest, user: Any) -> None:
    """Set both ways to ask for the user. Django's ``alogin`` leaves ``auser`` as it was."""

    async def auser() -> Any:
        return user

    request.user = user
    request.auser = auser


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


def position(wanted: type, paths: Sequence[str]) -> int | None:
    """Return where a class, or a subclass of it, stands in a list of import paths; None where it does not.

    An entry that can't be imported is none: Django says so itself when it loads them.
    """
    for index, path in enumerate(paths):
        try:
            found = import_string(path)
        except ImportError:
            continue
        if isinstance(found, type) and issubclass(found, wanted):
            return index
    return None
