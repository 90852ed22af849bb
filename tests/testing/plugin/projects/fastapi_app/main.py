"""A FastAPI app of somebody who has never heard of the test kit: it wraps itself as it is imported."""

from __future__ import annotations

import os

import httpx
from fastapi import FastAPI, Request, WebSocket

from fotoweb_middleware import FotoWebASGIMiddleware, Session, get_session

app = FastAPI()
app.add_middleware(FotoWebASGIMiddleware)


def session_of(connection: Request | WebSocket) -> Session:
    """Return the session, which is there on every path of this app."""
    session = get_session(connection)
    assert session is not None
    return session


@app.get("/hello")
def hello(request: Request) -> dict[str, str]:
    """Greet the user by name."""
    user = session_of(request).user
    return {"hello": user.full_name if user else "somebody"}


@app.get("/token")
def token(request: Request) -> str:
    """Return the token that the app has for this request."""
    return session_of(request).access_token


@app.get("/archives")
def archives(request: Request) -> list[str]:
    """Ask FotoWeb which archives the user sees."""
    answer = httpx.get(
        f"{os.environ['FOTOWEB_URL']}/fotoweb/me/archives/",
        headers={
            "Authorization": f"Bearer {session_of(request).access_token}",
            "Accept": "application/vnd.fotoware.collectionlist+json",
        },
    )
    answer.raise_for_status()
    return [archive["name"] for archive in answer.json()["data"]]


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    """Send what comes back, with the user's name before it."""
    user = session_of(websocket).user
    await websocket.accept()
    text = await websocket.receive_text()
    await websocket.send_text(f"{user.user_name if user else 'somebody'}: {text}")
    await websocket.close()
