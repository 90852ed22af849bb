"""Visits pages that Django caches, in each way of its documentation, and prints as JSON what everybody read.

A program of its own, ``python -m tests.integrations.cached_django``: Django can be configured once in a process, and
other versions of it live in other environments.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.cache import cache
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_cookie

from fotoweb_middleware import get_session
from tests.integrations.cached_pages import COOKIES, Interface, Visits, page_of, visit

INTEGRATION = "fotoweb_middleware.integrations.django"
USER = f"{INTEGRATION}.FotoWebUserMiddleware"
MIDDLEWARES = {
    "no middleware": [],
    "request.user": [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        USER,
    ],
    "request.user without sessions": [USER],
}
UPDATE, FETCH = "django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.FetchFromCacheMiddleware"
INTERFACES: dict[Interface, Any] = {"asgi": get_asgi_application, "wsgi": get_wsgi_application}


def private(request: HttpRequest) -> HttpResponse:
    """Show what is the user's, and ask ``request.user`` where the project has one, as views do."""
    page, user = page_of(get_session(request)), getattr(request, "user", None)
    assert user is None or not user.is_authenticated or user.get_username() == page.split()[0]
    return HttpResponse(page)


urlpatterns: list[Any] = []
"""Filled once Django is configured: ``cache_page`` reads settings."""


def add_pages() -> None:
    """Serve the private page as it is, and in both ways of saying that it is private."""
    urlpatterns.append(path("private", private))
    urlpatterns.append(path("varied", vary_on_cookie(private)))
    urlpatterns.append(path("cached", cache_page(60)(vary_on_cookie(private))))


def ways() -> dict[str, tuple[str, list[str]]]:
    """Return each way to cache a page, by name: the page, and the project's middlewares."""
    found = {}
    for name, middlewares in MIDDLEWARES.items():
        site_wide = [UPDATE, *middlewares, FETCH]
        found[f"cache_page, {name}"] = ("/cached", middlewares)
        found[f"site-wide, vary_on_cookie, {name}"] = ("/varied", site_wide)
        if middlewares:  # Whoever asks for request.user need not say that the page is the user's.
            found[f"site-wide, {name}"] = ("/private", site_wide)
    return found


def visit_all() -> dict[str, Visits]:
    """Visit each page in each way, under both interfaces, with the header and without."""
    found = {}
    for (name, (page, middlewares)), interface, cookie, inject_header in itertools.product(
        ways().items(), INTERFACES, COOKIES, (True, False)
    ):
        cache.clear()
        with override_settings(MIDDLEWARE=middlewares):
            app = INTERFACES[interface]()
        key = f"{name}, {interface}, {cookie or 'no cookie'}, {'header' if inject_header else 'no header'}"
        found[key] = visit(interface, app, page, cookie=cookie, inject_header=inject_header)
    return found


def main() -> None:
    """Make a project with a database, and print all visits."""
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        settings.configure(
            ALLOWED_HOSTS=["localhost"],
            AUTHENTICATION_BACKENDS=[f"{INTEGRATION}.FotoWebBackend"],
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(folder) / "db.sqlite3"}},
            INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
            ROOT_URLCONF=__name__,
            SECRET_KEY="of a project for tests alone",
        )
        django.setup()
        add_pages()
        call_command("migrate", verbosity=0)
        visits = visit_all()
        connections.close_all()
    print(json.dumps({"version": django.get_version(), "visits": visits}))  # noqa: T201 (its answer)


if __name__ == "__main__":
    main()
