"""A Django project in one file: its views and URLs.

Django can be configured once in a process, so the tests run it in processes of its own.
"""

from __future__ import annotations

import json
from typing import Any

from asgiref.sync import sync_to_async
from django.apps import apps
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.template import engines
from django.urls import path

from fotoweb_middleware import FotoWebUnreachable, require_session


def facts(request: HttpRequest, user: Any) -> JsonResponse:
    """Tell who a user is, and what Django's session holds."""
    session = getattr(request, "session", None)
    return JsonResponse(
        {
            "user": user.get_username(),
            "is_authenticated": user.is_authenticated,
            "name": [getattr(user, name, "") for name in ("first_name", "last_name", "email")],
            "has_password": user.is_authenticated and user.has_usable_password(),
            "note": session.get("note") if session is not None else None,
        }
    )


def who(request: HttpRequest) -> HttpResponse:
    """Ask ``request.user``; ``?note=`` leaves a note in Django's session."""
    if "note" in request.GET:
        request.session["note"] = request.GET["note"]
    return facts(request, request.user)


async def who_async(request: HttpRequest) -> HttpResponse:
    """Ask ``request.auser``, and ``request.user``, which must be the same without a query."""
    user = await request.auser()
    assert request.user.get_username() == user.get_username()
    return await sync_to_async(facts)(request, user)


def needs_session(request: HttpRequest) -> HttpResponse:
    """Insist on a session."""
    return HttpResponse(require_session(request).access_token)


def unreachable(request: HttpRequest) -> HttpResponse:
    """Fail as ``session.fresh_token`` does while FotoWeb is away."""
    seconds = request.GET.get("seconds")
    raise FotoWebUnreachable("no answer", retry_after_seconds=None if seconds is None else float(seconds))


def links(request: HttpRequest) -> HttpResponse:
    """Show the links that the context processor gives."""
    template = engines["django"].from_string("{{ fotoweb_login_url }} {{ fotoweb_logout_url }}")
    return HttpResponse(template.render({}, request))


def greeting(request: HttpRequest) -> HttpResponse:
    """Ask ``request.user``, and nothing else."""
    return HttpResponse(f"Hello {request.user.get_username() or 'stranger'}")


def static_page(_request: HttpRequest) -> HttpResponse:
    """Say the same to everybody."""
    return HttpResponse("the same for all")


def form(request: HttpRequest) -> HttpResponse:
    """Give a CSRF token."""
    return HttpResponse(get_token(request))


def password_login(request: HttpRequest) -> HttpResponse:
    """Sign a user in to Django alone, as a form with a password would."""
    user, _ = auth.get_user_model().objects.get_or_create(username=request.GET["name"])
    auth.login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return facts(request, user)


def create_users(request: HttpRequest) -> HttpResponse:
    """Change whether new people get a user; ``?value=`` is JSON."""
    settings.FOTOWEB["CREATE_USERS"] = json.loads(request.GET["value"])
    return HttpResponse()


urlpatterns = [
    path("", who),
    path("async", who_async),
    path("form", form),
    path("public/who", who),
    path("public/who-async", who_async),
    path("public/login-required", login_required(who)),
    path("public/needs-session", needs_session),
    path("public/unreachable", unreachable),
    path("public/links", links),
    path("public/greeting", greeting),
    path("public/static-page", static_page),
    path("public/password-login", password_login),
    path("public/create-users", create_users),
]

if apps.is_installed("django.contrib.admin"):
    from django.contrib import admin

    urlpatterns.append(path("admin/", admin.site.urls))
