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
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from fotoweb_middleware import FotoWebASGIMiddleware, Session, Settings, get_session

# Read here and not by add_middleware, which waits until the app starts: a wrong variable stops the import at once.
settings = Settings(public_paths=("/about",))

PAGE = """<!doctype html>
<title>My archives</title>
<p>Signed in as {name}.</p>
<ul>{archives}</ul>
<form method="post" action="{prefix}/logout"><button>Sign out</button></form>
"""


async def front_page(request: Request) -> HTMLResponse:
    """Show who is signed in, their archives, and a way out."""
    session = get_session(request)
    if session is None:  # on a public path, or with FOTOWEB_LOGIN=optional
        raise HTTPException(401)
    name = session.user.full_name if session.user else "somebody"
    items = "".join(f"<li>{html.escape(archive)}</li>" for archive in await archive_names(session))
    return HTMLResponse(PAGE.format(name=html.escape(name), archives=items, prefix=settings.path_prefix))


async def about(_request: Request) -> PlainTextResponse:
    """Answer everybody: this path is public."""
    return PlainTextResponse("Nobody needs to sign in to read this.")


async def archive_names(session: Session) -> list[str]:
    """Ask FotoWeb which archives the user sees, with the user's own token."""
    headers = {
        "Authorization": f"Bearer {session.access_token}",
        "Accept": "application/vnd.fotoware.collectionlist+json",
    }
    async with httpx.AsyncClient(base_url=settings.url) as fotoweb:
        answer = await fotoweb.get("/fotoweb/me/archives/", headers=headers)
    answer.raise_for_status()
    return [archive["name"] for archive in answer.json()["data"]]


app = Starlette(routes=[Route("/", front_page), Route("/about", about)])
app.add_middleware(FotoWebASGIMiddleware, settings=settings)
