"""FotoWeb in front of a FastAPI app: who is signed in, and which archives they see.

    pip install fotoweb-middleware fastapi uvicorn
    uvicorn --app-dir examples fastapi_app:app

It reads FOTOWEB_URL, FOTOWEB_CLIENT_ID, FOTOWEB_CLIENT_SECRET and FOTOWEB_SECRET_KEY: see docs/how-to/first-login.md.
Register http://localhost:8000/oauth2/callback with FotoWeb, then open http://localhost:8000/ (not 127.0.0.1).
"""

from __future__ import annotations

import html

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from fotoweb_middleware import FotoWebASGIMiddleware, Session, Settings, login_url, logout_url
from fotoweb_middleware.client import FotoWebAuth
from fotoweb_middleware.integrations.fastapi import CurrentUser, OptionalSession, SignedIn, exception_handlers

app = FastAPI(exception_handlers=exception_handlers)
# Settings() here, and not left to add_middleware, which waits until the app starts: a wrong variable stops the import.
app.add_middleware(FotoWebASGIMiddleware, settings=Settings(public_paths=("/about",)))

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


@app.get("/", response_class=HTMLResponse)
async def front_page(request: Request, session: SignedIn) -> str:
    """Show who is signed in, their archives, and a way out."""
    name = session.user.full_name if session.user else "somebody"
    items = "".join(f"<li>{html.escape(archive)}</li>" for archive in await archive_names(session))
    return FRONT_PAGE.format(name=html.escape(name), archives=items, logout_url=logout_url(request))


@app.get("/me")
async def me(user: CurrentUser) -> dict[str, str]:
    """Tell a program who is signed in."""
    return {"user_name": user.user_name, "full_name": user.full_name}


@app.get("/about", response_class=HTMLResponse)
async def about(request: Request, session: OptionalSession) -> str:
    """Answer everybody, since this path is public, with a way in or out."""
    if session is None:
        url, text = login_url(request), "Sign in"
    else:
        url, text = logout_url(request), "Sign out"
    return ABOUT.format(url=url, text=text)


@app.exception_handler(httpx.TransportError)
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
