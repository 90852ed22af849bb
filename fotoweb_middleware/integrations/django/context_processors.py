"""Sign-in and sign-out links in templates."""

from __future__ import annotations

from django.http import HttpRequest

from fotoweb_middleware.urls import has_middleware, login_url, logout_url


def fotoweb(request: HttpRequest) -> dict[str, str]:
    """Give templates ``fotoweb_login_url``, which leads back to the current page, and ``fotoweb_logout_url``.

    Requests that did not come through the FotoWeb middleware, as from a plain test client, get neither.
    """
    if not has_middleware(request):
        return {}
    return {"fotoweb_login_url": login_url(request), "fotoweb_logout_url": logout_url(request)}
