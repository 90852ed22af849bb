"""FotoWeb in front of a Flask app: who is signed in, and which archives they see.

    pip install fotoweb-middleware flask
    flask --app examples/flask_app.py run --port 8000

It reads FOTOWEB_URL, FOTOWEB_CLIENT_ID, FOTOWEB_CLIENT_SECRET and FOTOWEB_SECRET_KEY: see docs/how-to/first-login.md.
Register http://localhost:8000/oauth2/callback with FotoWeb, then open http://localhost:8000/ (not 127.0.0.1).
"""

from __future__ import annotations

import httpx
from flask import Flask, abort, render_template_string, request

from fotoweb_middleware import FotoWebWSGIMiddleware, Session, Settings, get_session

settings = Settings(public_paths=("/about",))

app = Flask(__name__)
app.wsgi_app = FotoWebWSGIMiddleware(app.wsgi_app, settings=settings)  # type: ignore[method-assign]

PAGE = """<!doctype html>
<title>My archives</title>
<p>Signed in as {{ name }}.</p>
<ul>{% for archive in archives %}<li>{{ archive }}</li>{% endfor %}</ul>
<form method="post" action="{{ prefix }}/logout"><button>Sign out</button></form>
"""


@app.get("/")
def front_page() -> str:
    """Show who is signed in, their archives, and a way out."""
    session = get_session(request)
    if session is None:  # on a public path, or with FOTOWEB_LOGIN=optional
        abort(401)
    name = session.user.full_name if session.user else "somebody"
    return render_template_string(PAGE, name=name, archives=archive_names(session), prefix=settings.path_prefix)


@app.get("/about")
def about() -> str:
    """Answer everybody: this path is public."""
    return "Nobody needs to sign in to read this."


def archive_names(session: Session) -> list[str]:
    """Ask FotoWeb which archives the user sees, with the user's own token."""
    headers = {
        "Authorization": f"Bearer {session.access_token}",
        "Accept": "application/vnd.fotoware.collectionlist+json",
    }
    answer = httpx.get(f"{settings.url}/fotoweb/me/archives/", headers=headers)
    answer.raise_for_status()
    return [archive["name"] for archive in answer.json()["data"]]
