"""The views."""

from __future__ import annotations

import os

import httpx
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from fotoweb_middleware import Session, get_session


def session_of(request: HttpRequest) -> Session:
    """Return the session, which is there on every path of this project."""
    session = get_session(request)
    assert session is not None
    return session


def hello(request: HttpRequest) -> HttpResponse:
    """Greet the user by name, and count the greetings in a cookie."""
    user = session_of(request).user
    count = int(request.COOKIES.get("count", "0")) + 1
    answer = HttpResponse(f"Hello, {user.full_name if user else 'somebody'} {request.GET.get('mark', '')}".rstrip())
    answer.set_cookie("count", str(count))
    return answer


def archives(request: HttpRequest) -> JsonResponse:
    """Ask FotoWeb which archives the user sees."""
    answer = httpx.get(
        f"{os.environ['FOTOWEB_URL']}/fotoweb/me/archives/",
        headers={
            "Authorization": f"Bearer {session_of(request).access_token}",
            "Accept": "application/vnd.fotoware.collectionlist+json",
        },
    )
    answer.raise_for_status()
    return JsonResponse([archive["name"] for archive in answer.json()["data"]], safe=False)


def note(request: HttpRequest) -> HttpResponse:
    """Return what was sent."""
    return HttpResponse(request.POST["text"])


def broken(_request: HttpRequest) -> HttpResponse:
    """Fail."""
    raise ZeroDivisionError


urlpatterns = [path("hello", hello), path("archives", archives), path("note", note), path("broken", broken)]
