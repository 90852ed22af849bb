"""A FastAPI app of somebody who has never heard of the test kit: it wraps itself as it is imported."""

from __future__ import annotations

import httpx
from fastapi import FastAPI, Request, WebSocket

from fotoweb_middleware import FotoWebASGIMiddleware, require_session
from fotoweb_middleware.client import FotoWebAuth

app = FastAPI()
app.add_middleware(FotoWebASGIMiddleware)


@app.get("/hello")
def hello(request: Request) -> dict[str, str]:
    """Greet the user by name."""
    user = require_session(request).user
    return {"hello": user.full_name if user else "somebody"}


@app.get("/token")
def token(request: Request) -> str:
    """Return the token that the app has for this request."""
    return require_session(request).access_token


@app.get("/ticket")
def ticket(request: Request) -> str:
    """Return what a job gets."""
    return require_session(request).ticket()


@app.get("/archives")
def archives(request: Request) -> list[str]:
    """Ask FotoWeb which archives the user sees."""
    session = require_session(request)
    with httpx.Client(auth=FotoWebAuth(session), base_url=session.fotoweb_url) as fotoweb:
        accept = "application/vnd.fotoware.collectionlist+json"
        answer = fotoweb.get("/fotoweb/me/archives/", headers={"Accept": accept})
    answer.raise_for_status()
    return [archive["name"] for archive in answer.json()["data"]]


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    """Send what comes back, with the user's name before it."""
    user = require_session(websocket).user
    await websocket.accept()
    text = await websocket.receive_text()
    await websocket.send_text(f"{user.user_name if user else 'somebody'}: {text}")
    await websocket.close()
