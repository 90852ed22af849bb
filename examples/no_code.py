"""An app that knows nothing of the middleware, as ASGI and as WSGI: servers are told to wrap it.

    pip install fotoweb-middleware starlette uvicorn gunicorn
    cd examples
    FOTOWEB_APP=no_code:asgi_app FOTOWEB_PUBLIC_PATHS=/about uvicorn fotoweb_middleware.wrap:asgi
    FOTOWEB_APP=no_code:wsgi_app FOTOWEB_PUBLIC_PATHS=/about gunicorn fotoweb_middleware.wrap:wsgi

It reads FOTOWEB_URL, FOTOWEB_CLIENT_ID, FOTOWEB_CLIENT_SECRET and FOTOWEB_SECRET_KEY: see docs/how-to/first-login.md.
Register http://localhost:8000/oauth2/callback with FotoWeb, then open http://localhost:8000/ (not 127.0.0.1).

The Authorization header that reaches the app is the user's token: the client's own never does.
A WSGI app finds the user's name in REMOTE_USER; an ASGI app asks FotoWeb, as here, or calls get_session.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

FOTOWEB_URL = os.environ["FOTOWEB_URL"].rstrip("/")
ABOUT = "Nobody needs to sign in to read this."

PAGE = """<!doctype html>
<title>My archives</title>
<p>Signed in as {name}.</p>
<ul>{archives}</ul>
<form method="post" action="/oauth2/logout"><button>Sign out</button></form>
"""


def ask_fotoweb(path: str, authorization: str) -> httpx.Response:
    """Ask FotoWeb for something, with the header that came with the request."""
    headers = {"Authorization": authorization, "Accept": "application/json"}
    return httpx.get(FOTOWEB_URL + path, headers=headers).raise_for_status()


def show(name: str, authorization: str) -> str:
    """Return the page: who is signed in, their archives, and a way out."""
    archives = ask_fotoweb("/fotoweb/me/archives/", authorization).json()["data"]
    items = "".join(f"<li>{html.escape(archive['name'])}</li>" for archive in archives)
    return PAGE.format(name=html.escape(name), archives=items)


# ------------------------------------------------------------------------------------------------------------ as ASGI


def front_page(request: Request) -> HTMLResponse:
    """Show who is signed in, their archives, and a way out."""
    authorization = request.headers["Authorization"]
    user = ask_fotoweb("/fotoweb/me", authorization).json()["user"]
    return HTMLResponse(show(user["fullName"], authorization))


def about(_request: Request) -> PlainTextResponse:
    """Answer everybody: this path is public."""
    return PlainTextResponse(ABOUT)


asgi_app = Starlette(routes=[Route("/", front_page), Route("/about", about)])

# ------------------------------------------------------------------------------------------------------------ as WSGI


def wsgi_app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Do the same without a framework."""
    name = environ.get("REMOTE_USER", "somebody").encode("latin-1").decode()  # UTF-8 in latin-1 clothes (PEP 3333)
    page = ABOUT if environ["PATH_INFO"] == "/about" else show(name, environ["HTTP_AUTHORIZATION"])
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [page.encode()]
