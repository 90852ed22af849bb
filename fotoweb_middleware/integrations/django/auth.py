"""``request.user`` for who signed in to FotoWeb, under WSGI and ASGI.

Django's own ``RemoteUserMiddleware`` does not do: ``REMOTE_USER`` is WSGI's, and under ASGI it reads a header that
anybody can send. Two rules stand above its others:

1. Django's session is never believed alone. It belongs to the person whom FotoWeb's session names, on each request.
   Where somebody else is signed in, or nobody, it is emptied before the app sees it.
2. It gets a new key when somebody signs in (``login``: no session fixation), and a new CSRF token.
"""

from __future__ import annotations

import math
from typing import Any

from django.conf import settings as django_settings
from django.contrib import auth
from django.contrib.auth.backends import RemoteUserBackend
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin
from django.utils.html import format_html

from fotoweb_middleware.errors import FotoWebUnreachable, NotSignedIn, SessionEnded
from fotoweb_middleware.integrations.django import creates_users
from fotoweb_middleware.session import User, carriers_of, get_session
from fotoweb_middleware.urls import URLS_KEY, login_url
from fotoweb_middleware.views.refusals import CHALLENGE

__all__ = ["FotoWebBackend", "FotoWebUserMiddleware"]

NOT_SIGNED_IN = "<!doctype html><title>Not signed in</title><p>You are not signed in. <a href='{}'>Sign in</a></p>"
NO_ANSWER = "<!doctype html><title>Try again later</title><p>FotoWeb does not answer just now. Try again later.</p>"


class FotoWebBackend(RemoteUserBackend):  # type: ignore[misc]  # Django ships no types.
    """Finds or makes the Django user of a FotoWeb user. Passwords are none of its business.

    Users are matched by FotoWeb's ``user_name``, since that is what administrators know people by: they can be added
    before their first login, and made staff. Subclass it to change ``clean_username`` or ``configure_user``, as with
    Django's ``RemoteUserBackend``.
    """

    @property
    def create_unknown_user(self) -> bool:
        """Whether somebody who is new here gets a Django user; ``FOTOWEB = {"CREATE_USERS": False}`` says no."""
        return creates_users()

    def authenticate(self, request: HttpRequest, fotoweb_user: User) -> Any:
        """Return the Django user of a FotoWeb user; None where there is none, or it is not active."""
        return super().authenticate(request, remote_user=fotoweb_user.user_name)

    async def aauthenticate(self, request: HttpRequest, fotoweb_user: User) -> Any:
        """Do what ``authenticate`` does, as a task."""
        return await super().aauthenticate(request, remote_user=fotoweb_user.user_name)

    def configure_user(self, request: HttpRequest, user: Any, created: bool = True) -> Any:  # noqa: FBT001, FBT002 (Django's signature)
        """Give a user the name and e-mail address that FotoWeb knows, where there is none; a new user has no password.

        It is called at each login, and returns the user.
        """
        if user is None:
            return None
        session = get_session(request)
        known = {} if session is None or session.user is None else fields_of(session.user)
        # Projects may have a user model of their own, without these.
        changed = [name for name, value in known.items() if value and getattr(user, name, None) == ""]
        for name in changed:
            setattr(user, name, known[name][: user._meta.get_field(name).max_length])  # noqa: SLF001 (Django's API)
        if created:
            user.set_unusable_password()  # An empty one could be reset by e-mail.
            changed.append("password")
        if changed:
            user.save(update_fields=changed)
        return user


def fields_of(known: User) -> dict[str, str]:
    """Return what FotoWeb knows of a user, by the names that Django's own user model has."""
    first_name, _, last_name = known.full_name.partition(" ")
    return {"first_name": first_name, "last_name": last_name, "email": known.email}


class FotoWebUserMiddleware(MiddlewareMixin):  # type: ignore[misc]  # Django ships no types.
    """Sets ``request.user`` and ``request.auser`` to the Django user of who is signed in to FotoWeb.

    It goes after ``AuthenticationMiddleware``. Without ``django.contrib.sessions`` it works too, and remembers nothing.
    In a view ``NotSignedIn`` and ``SessionEnded`` become a 401, ``FotoWebUnreachable`` a 503. Requests that did not
    come through the FotoWeb middleware are left as they are, so that ``client.force_login`` works in tests.

    Raises:
        ImproperlyConfigured: It stands before what it needs, or ``AUTHENTICATION_BACKENDS`` has no ``FotoWebBackend``.
        PermissionDenied: From a request: FotoWeb knows the user, but there is no active Django user.
    """

    def __init__(self, get_response: Any) -> None:
        from fotoweb_middleware.integrations.django.checks import check_backend, check_order  # noqa: PLC0415 (a cycle)

        super().__init__(get_response)
        for message in (*check_order(), *check_backend()):
            raise ImproperlyConfigured(f"{message.msg} {message.hint}")

    def process_request(self, request: HttpRequest) -> None:
        """Find out whose request it is. Under ASGI Django runs this in a thread."""
        if not any(URLS_KEY in carrier for carrier in carriers_of(request)):
            return
        session = get_session(request)
        known = None if session is None else session.user
        user = user_of_django_session(request, known)
        if user is None and known is not None:
            user = sign_in(request, known)
        if user is None and hasattr(request, "user"):
            return  # AuthenticationMiddleware's, which is nobody, and says Vary: Cookie where a view asks.
        set_user(request, user or AnonymousUser())

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 401 where a view needed a session and there is none (any more), 503 where FotoWeb is out of reach."""
        if isinstance(exception, (NotSignedIn, SessionEnded)):
            page = format_html(NOT_SIGNED_IN, login_url(request))
            return HttpResponse(page, status=401, headers=dict([CHALLENGE]))
        if isinstance(exception, FotoWebUnreachable):
            seconds = exception.retry_after_seconds
            retry_after = {} if seconds is None else {"Retry-After": str(max(1, math.ceil(seconds)))}
            return HttpResponse(NO_ANSWER, status=503, headers=retry_after)
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
        is_theirs = known is None and user.is_authenticated
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
    return user


def set_user(request: HttpRequest, user: Any) -> None:
    """Set both ways to ask for the user. Django's ``alogin`` leaves ``auser`` as it was."""

    async def auser() -> Any:
        return user

    request.user = user
    request.auser = auser
