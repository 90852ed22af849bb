"""FotoWeb in front of a Django project, as ASGI and as WSGI: who is signed in, and which archives they see.

    pip install fotoweb-middleware django uvicorn gunicorn
    uvicorn --app-dir examples django_app:asgi_application
    gunicorn --chdir examples django_app:wsgi_application

It reads FOTOWEB_URL, FOTOWEB_CLIENT_ID, FOTOWEB_CLIENT_SECRET and FOTOWEB_SECRET_KEY: see docs/how-to/first-login.md.
Register http://localhost:8000/oauth2/callback with FotoWeb, then open http://localhost:8000/ (not 127.0.0.1).
In a project of several files, the two last lines go to its asgi.py and wsgi.py; a project serves one of them.
"""

from __future__ import annotations

import httpx
from django.conf import settings as django_settings
from django.core.asgi import get_asgi_application
from django.core.exceptions import PermissionDenied
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.urls import path

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Session, Settings, get_session

settings = Settings(public_paths=("/about",))

django_settings.configure(
    ALLOWED_HOSTS=["localhost"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="Django needs one; the middleware has its own in FOTOWEB_SECRET_KEY",
)

PAGE = Engine().from_string("""<!doctype html>
<title>My archives</title>
<p>Signed in as {{ name }}.</p>
<ul>{% for archive in archives %}<li>{{ archive }}</li>{% endfor %}</ul>
<form method="post" action="{{ prefix }}/logout"><button>Sign out</button></form>
""")


def front_page(request: HttpRequest) -> HttpResponse:
    """Show who is signed in, their archives, and a way out."""
    session = get_session(request)
    if session is None:  # on a public path, or with FOTOWEB_LOGIN=optional
        raise PermissionDenied
    name = session.user.full_name if session.user else "somebody"
    words = {"name": name, "archives": archive_names(session), "prefix": settings.path_prefix}
    return HttpResponse(PAGE.render(Context(words)))


def about(_request: HttpRequest) -> HttpResponse:
    """Answer everybody: this path is public."""
    return HttpResponse("Nobody needs to sign in to read this.")


def archive_names(session: Session) -> list[str]:
    """Ask FotoWeb which archives the user sees, with the user's own token."""
    headers = {
        "Authorization": f"Bearer {session.access_token}",
        "Accept": "application/vnd.fotoware.collectionlist+json",
    }
    answer = httpx.get(f"{settings.url}/fotoweb/me/archives/", headers=headers)
    answer.raise_for_status()
    return [archive["name"] for archive in answer.json()["data"]]


urlpatterns = [path("", front_page), path("about", about)]

asgi_application = FotoWebASGIMiddleware(get_asgi_application(), settings=settings)
wsgi_application = FotoWebWSGIMiddleware(get_wsgi_application(), settings=settings)
