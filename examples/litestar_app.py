"""FotoWeb in front of a Litestar app: who is signed in, and which archives they see.

    pip install fotoweb-middleware litestar uvicorn
    uvicorn --app-dir examples litestar_app:app

It reads FOTOWEB_URL, FOTOWEB_CLIENT_ID, FOTOWEB_CLIENT_SECRET and FOTOWEB_SECRET_KEY: see docs/how-to/first-login.md.
Register http://localhost:8000/oauth2/callback with FotoWeb, then open http://localhost:8000/ (not 127.0.0.1).
"""

from __future__ import annotations

import html
from typing import Any

import httpx
from litestar import Litestar, MediaType, Request, Response, get
from litestar.di import NamedDependency

from fotoweb_middleware import Session, Settings, login_url, logout_url
from fotoweb_middleware.client import FotoWebAuth
from fotoweb_middleware.integrations.litestar import FotoWebPlugin, signed_in

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


@get("/", media_type=MediaType.HTML, guards=[signed_in])
async def front_page(request: Request[Any, Any, Any], fotoweb_session: NamedDependency[Session]) -> str:
    """Show who is signed in, their archives, and a way out."""
    name = fotoweb_session.user.full_name if fotoweb_session.user else "somebody"
    items = "".join(f"<li>{html.escape(archive)}</li>" for archive in await archive_names(fotoweb_session))
    return FRONT_PAGE.format(name=html.escape(name), archives=items, logout_url=logout_url(request))


@get("/about", media_type=MediaType.HTML)
async def about(request: Request[Any, Any, Any], fotoweb_session: NamedDependency[Session | None]) -> str:
    """Answer everybody, since this path is public, with a way in or out."""
    if fotoweb_session is None:
        url, text = login_url(request), "Sign in"
    else:
        url, text = logout_url(request), "Sign out"
    return ABOUT.format(url=url, text=text)


def unavailable(_request: Request[Any, Any, Any], _error: Exception) -> Response[str]:
    """Answer while FotoWeb is down and the user's token still valid."""
    return Response("FotoWeb can't be reached. Try again later.", status_code=503)


async def archive_names(session: Session) -> list[str]:
    """Ask FotoWeb which archives the user sees, with the user's own token."""
    async with httpx.AsyncClient(auth=FotoWebAuth(session), base_url=session.fotoweb_url) as fotoweb:
        answer = await fotoweb.get(
            "/fotoweb/me/archives/", headers={"Accept": "application/vnd.fotoware.collectionlist+json"}
        )
    answer.raise_for_status()
    return [archive["name"] for archive in answer.json()["data"]]


app = Litestar(
    [front_page, about],
    plugins=[FotoWebPlugin(Settings(public_paths=("/about",)))],
    exception_handlers={httpx.TransportError: unavailable},
)
