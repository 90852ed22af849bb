"""FotoWeb in front of a Quart app: who is signed in, and which archives they see.

    pip install fotoweb-middleware quart uvicorn
    uvicorn --app-dir examples quart_app:app

It reads FOTOWEB_URL, FOTOWEB_CLIENT_ID, FOTOWEB_CLIENT_SECRET and FOTOWEB_SECRET_KEY: see docs/how-to/first-login.md.
Register http://localhost:8000/oauth2/callback with FotoWeb, then open http://localhost:8000/ (not 127.0.0.1).
"""

from __future__ import annotations

import httpx
from quart import Quart, render_template_string, request

from fotoweb_middleware import Session, require_session
from fotoweb_middleware.client import FotoWebAuth
from fotoweb_middleware.integrations.quart import FotoWeb

app = Quart(__name__)
app.config["FOTOWEB_PUBLIC_PATHS"] = ["/about"]
FotoWeb(app)

FRONT_PAGE = """<!doctype html>
<title>My archives</title>
<p>Signed in as {{ current_session.user.full_name or "somebody" }}.</p>
<ul>{% for archive in archives %}<li>{{ archive }}</li>{% endfor %}</ul>
<form method="post" action="{{ fotoweb_logout_url() }}"><button>Sign out</button></form>
"""

ABOUT = """<!doctype html>
<title>About</title>
<p>Nobody needs to sign in to read this.</p>
{% if current_session %}
<p><a href="{{ fotoweb_logout_url() }}">Sign out</a></p>
{% else %}
<p><a href="{{ fotoweb_login_url() }}">Sign in</a></p>
{% endif %}
"""


@app.get("/")
async def front_page() -> str:
    """Show who is signed in, their archives, and a way out."""
    return await render_template_string(FRONT_PAGE, archives=await archive_names(require_session(request)))


@app.get("/about")
async def about() -> str:
    """Answer everybody: this path is public."""
    return await render_template_string(ABOUT)


@app.errorhandler(httpx.TransportError)
async def unavailable(_error: Exception) -> tuple[str, int]:
    """Answer while FotoWeb is down and the user's token still valid."""
    return "FotoWeb can't be reached. Try again later.", 503


async def archive_names(session: Session) -> list[str]:
    """Ask FotoWeb which archives the user sees, with the user's own token."""
    headers = {"Accept": "application/vnd.fotoware.collectionlist+json"}
    async with httpx.AsyncClient(auth=FotoWebAuth(session), base_url=session.fotoweb_url) as fotoweb:
        answer = (await fotoweb.get("/fotoweb/me/archives/", headers=headers)).raise_for_status()
    return [archive["name"] for archive in answer.json()["data"]]
