"""The views."""

from __future__ import annotations

import httpx
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from fotoweb_middleware import require_session
from fotoweb_middleware.client import FotoWebAuth


def hello(request: HttpRequest) -> HttpResponse:
    """Greet the user by name, and count the greetings in a cookie."""
    user = require_session(request).user
    count = int(request.COOKIES.get("count", "0")) + 1
    answer = HttpResponse(f"Hello, {user.full_name if user else 'somebody'} {request.GET.get('mark', '')}".rstrip())
    answer.set_cookie("count", str(count))
    return answer


def archives(request: HttpRequest) -> JsonResponse:
    """Ask FotoWeb which archives the user sees."""
    session = require_session(request)
    with httpx.Client(auth=FotoWebAuth(session), base_url=session.fotoweb_url) as fotoweb:
        accept = "application/vnd.fotoware.collectionlist+json"
        answer = fotoweb.get("/fotoweb/me/archives/", headers={"Accept": accept})
    answer.raise_for_status()
    return JsonResponse([archive["name"] for archive in answer.json()["data"]], safe=False)


def note(request: HttpRequest) -> HttpResponse:
    """Return what was sent."""
    return HttpResponse(request.POST["text"])


def broken(_request: HttpRequest) -> HttpResponse:
    """Fail."""
    raise ZeroDivisionError


urlpatterns = [path("hello", hello), path("archives", archives), path("note", note), path("broken", broken)]
