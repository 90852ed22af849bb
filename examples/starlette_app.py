"""FotoWeb in front of a Starlette app: who is signed in, and which archives they see.

    pip install fotoweb-middleware starlette uvicorn
    uvicorn --app-dir examples starlette_app:app

It reads FOTOWEB_URL, FOTOWEB_CLIENT_ID, FOTOWEB_CLIENT_SECRET and FOTOWEB_SECRET_KEY: see docs/how-to/first-login.md.
Register http://localhost:8000/oauth2/callback with FotoWeb, then open http://localhost:8000/ (not 127.0.0.1).
"""

from __future__ import annotations

import html

import httpx
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from fotoweb_middleware import FotoWebASGIMiddleware, Session, Settings, login_url, logout_url, require_session
from fotoweb_middleware.client import FotoWebAuth
from fotoweb_middleware.integrations.starlette import FotoWebAuthBackend, exception_handlers

FRONT_PAGE = """<!doctype html>
<title>My archives</title>
<p>Signed in as {name}.</p>
<ul>{archives}</ul>
<form method="post" action="{logout_url}"><button>Sign out</button></form>
"""

ABOUT = """<!doctype html>
<title>About</title>
<p>Nobody needs to sign in to read this.</p>
<p><a href="{url}">{text}</a></p>
"""


@requires("authenticated")
async def front_page(request: Request) -> HTMLResponse:
    """Show who is signed in, their archives, and a way out."""
    name = request.user.display_name or "somebody"
    items = "".join(f"<li>{html.escape(archive)}</li>" for archive in await archive_names(require_session(request)))
    return HTMLResponse(FRONT_PAGE.format(name=html.escape(name), archives=items, logout_url=logout_url(request)))


async def about(request: Request) -> HTMLResponse:
    """Answer everybody, since this path is public, with a way in or out."""
    if request.user.is_authenticated:
        url, text = logout_url(request), "Sign out"
    else:
        url, text = login_url(request), "Sign in"
    return HTMLResponse(ABOUT.format(url=url, text=text))


async def unavailable(_request: Request, _error: Exception) -> HTMLResponse:
    """Answer while FotoWeb is down and the user's token still valid."""
    return HTMLResponse("FotoWeb can't be reached. Try again later.", 503)


async def archive_names(session: Session) -> list[str]:
    """Ask FotoWeb which archives the user sees, with the user's own token."""
    async with httpx.AsyncClient(auth=FotoWebAuth(session), base_url=session.fotoweb_url) as fotoweb:
        answer = await fotoweb.get(
            "/fotoweb/me/archives/", headers={"Accept": "application/vnd.fotoware.collectionlist+json"}
        )
    answer.raise_for_status()
    return [archive["name"] for archive in answer.json()["data"]]


app = Starlette(
    routes=[Route("/", front_page), Route("/about", about)],
    middleware=[
        Middleware(FotoWebASGIMiddleware, settings=Settings(public_paths=("/about",))),
        Middleware(AuthenticationMiddleware, backend=FotoWebAuthBackend()),
    ],
    exception_handlers={**exception_handlers, httpx.TransportError: unavailable},
)
