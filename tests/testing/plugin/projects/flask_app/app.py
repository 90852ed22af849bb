"""A Flask app that wraps itself as it is imported."""

from __future__ import annotations

import httpx
from flask import Flask, request

from fotoweb_middleware import FotoWebWSGIMiddleware, require_session
from fotoweb_middleware.client import FotoWebAuth

app = Flask(__name__)
app.wsgi_app = FotoWebWSGIMiddleware(app.wsgi_app)  # type: ignore[method-assign]


@app.get("/hello")
def hello() -> str:
    """Greet the user by name."""
    return f"Hello, {request.remote_user}"


@app.get("/archives")
def archives() -> list[str]:
    """Ask FotoWeb which archives the user sees."""
    session = require_session(request)
    with httpx.Client(auth=FotoWebAuth(session), base_url=session.fotoweb_url) as fotoweb:
        accept = "application/vnd.fotoware.collectionlist+json"
        answer = fotoweb.get("/fotoweb/me/archives/", headers={"Accept": accept})
    answer.raise_for_status()
    return [archive["name"] for archive in answer.json()["data"]]
