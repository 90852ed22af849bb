"""A Flask app that wraps itself as it is imported."""

from __future__ import annotations

import os

import httpx
from flask import Flask, request

from fotoweb_middleware import FotoWebWSGIMiddleware, Session, get_session

app = Flask(__name__)
app.wsgi_app = FotoWebWSGIMiddleware(app.wsgi_app)  # type: ignore[method-assign]


def current_session() -> Session:
    """Return the session, which is there on every path of this app."""
    session = get_session(request)
    assert session is not None
    return session


@app.get("/hello")
def hello() -> str:
    """Greet the user by name."""
    return f"Hello, {request.remote_user}"


@app.get("/archives")
def archives() -> list[str]:
    """Ask FotoWeb which archives the user sees."""
    answer = httpx.get(
        f"{os.environ['FOTOWEB_URL']}/fotoweb/me/archives/",
        headers={
            "Authorization": f"Bearer {current_session().access_token}",
            "Accept": "application/vnd.fotoware.collectionlist+json",
        },
    )
    answer.raise_for_status()
    return [archive["name"] for archive in answer.json()["data"]]
