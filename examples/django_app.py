"""FotoWeb in front of a Django project, as ASGI and as WSGI: who is signed in, and which archives they see.

    pip install fotoweb-middleware django uvicorn gunicorn
    uvicorn --app-dir examples django_app:asgi_application
    gunicorn --chdir examples django_app:wsgi_application

It reads FOTOWEB_URL, FOTOWEB_CLIENT_ID, FOTOWEB_CLIENT_SECRET and FOTOWEB_SECRET_KEY: see docs/how-to/first-login.md.
Register http://localhost:8000/oauth2/callback with FotoWeb, then open http://localhost:8000/ (not 127.0.0.1).
docs/how-to/django.md has the same as a project of several files, with a database that stays, the admin and tests.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import django
import httpx
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Session, require_session
from fotoweb_middleware.client import FotoWebAuth
from fotoweb_middleware.integrations.django import fotoweb_settings

INTEGRATION = "fotoweb_middleware.integrations.django"
FOLDER = tempfile.TemporaryDirectory(prefix="django_app-")  # For an example: its users are gone when it ends.

settings.configure(
    ALLOWED_HOSTS=["localhost"],
    AUTHENTICATION_BACKENDS=[f"{INTEGRATION}.FotoWebBackend"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(FOLDER.name) / "db.sqlite3"}},
    FOTOWEB={"PUBLIC_PATHS": ["/about"]},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", INTEGRATION],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        f"{INTEGRATION}.FotoWebUserMiddleware",
    ],
    ROOT_URLCONF=__name__,
    SECRET_KEY="Django needs one; the middleware has its own in FOTOWEB_SECRET_KEY",
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "context_processors": [
                    "django.contrib.auth.context_processors.auth",
                    f"{INTEGRATION}.context_processors.fotoweb",
                ]
            },
        }
    ],
)
django.setup()

PAGE = engines["django"].from_string("""<!doctype html>
<title>My archives</title>
<p>Signed in as {{ user.get_full_name|default:user.username }}.</p>
<ul>{% for archive in archives %}<li>{{ archive }}</li>{% endfor %}</ul>
<form method="post" action="{{ fotoweb_logout_url }}"><button>Sign out</button></form>
""")

ABOUT = engines["django"].from_string("""<!doctype html>
<title>About</title>
<p>Nobody needs to sign in to read this.</p>
{% if user.is_authenticated %}
<p><a href="{{ fotoweb_logout_url }}">Sign out</a></p>
{% else %}
<p><a href="{{ fotoweb_login_url }}">Sign in</a></p>
{% endif %}
""")


def front_page(request: HttpRequest) -> HttpResponse:
    """Show who is signed in, their archives, and a way out."""
    try:
        archives = archive_names(require_session(request))
    except httpx.TransportError:
        return HttpResponse("FotoWeb can't be reached. Try again later.", status=503)
    return HttpResponse(PAGE.render({"archives": archives}, request))


def about(request: HttpRequest) -> HttpResponse:
    """Answer everybody, since this path is public, with a way in or out."""
    return HttpResponse(ABOUT.render({}, request))


def archive_names(session: Session) -> list[str]:
    """Ask FotoWeb which archives the user sees, with the user's own token."""
    with httpx.Client(auth=FotoWebAuth(session), base_url=session.fotoweb_url) as fotoweb:
        answer = fotoweb.get(
            "/fotoweb/me/archives/", headers={"Accept": "application/vnd.fotoware.collectionlist+json"}
        )
    answer.raise_for_status()
    return [archive["name"] for archive in answer.json()["data"]]


urlpatterns = [path("", front_page), path("about", about)]

asgi_application = FotoWebASGIMiddleware(get_asgi_application(), settings=fotoweb_settings())
wsgi_application = FotoWebWSGIMiddleware(get_wsgi_application(), settings=fotoweb_settings())


def make_tables() -> None:
    """Do what ``manage.py migrate`` does in a project of several files."""
    call_command("migrate", verbosity=0)
    connections.close_all()


with ThreadPoolExecutor(1) as thread:  # uvicorn imports this file in its event loop, where Django refuses to do it.
    thread.submit(make_tables).result()
