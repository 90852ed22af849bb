"""Starlette with Authlib as its documentation shows it: tokens in a table, ``fetch_token``, ``update_token``.

Run by ``tests.comparison.run``, in an environment of its own.
"""

from __future__ import annotations

import os
import secrets
from typing import Any

from authlib.integrations.starlette_client import OAuth, OAuthError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

SITE = os.environ["SITE"]
tokens: dict[str, dict[str, Any]] = {}
"""One process, so a dictionary does for the table of users' tokens."""


async def fetch_token(request: Request) -> dict[str, Any] | None:
    """Return the user's token."""
    return tokens.get(request.session.get("id", ""))


async def update_token(
    token: dict[str, Any], refresh_token: str | None = None, access_token: str | None = None
) -> None:
    """Keep what a refresh brought, in the row that holds the old refresh token."""
    del access_token
    for known in tokens.values():
        if known["refresh_token"] == refresh_token:
            known.update(token)


oauth = OAuth()
oauth.register(
    "fotoweb",
    client_id="demo",
    client_secret="demo-secret",
    authorize_url=f"{SITE}/fotoweb/oauth2/authorize",
    access_token_url=f"{SITE}/fotoweb/oauth2/token",
    api_base_url=f"{SITE}/",
    fetch_token=fetch_token,
    update_token=update_token,
    # Authlib's leeway is 60 s, more than these tokens live.
    client_kwargs={"code_challenge_method": "S256", "token_endpoint_auth_method": "client_secret_post", "leeway": 0},
)


async def home(request: Request) -> Response:
    """Ask FotoWeb who the user is, with the user's token."""
    if request.session.get("id") not in tokens:
        callback = f"http://{request.headers['host']}/oauth2/callback"
        login: Response = await oauth.fotoweb.authorize_redirect(request, callback)
        return login
    try:
        answer = await oauth.fotoweb.get("fotoweb/me", request=request)
    except OAuthError as error:
        return PlainTextResponse(str(error.error), 401)
    return PlainTextResponse("", answer.status_code)


async def callback(request: Request) -> Response:
    """Exchange the code."""
    token = await oauth.fotoweb.authorize_access_token(request)
    request.session["id"] = secrets.token_urlsafe()
    tokens[request.session["id"]] = dict(token)
    return RedirectResponse("/", 302)


app = Starlette(
    routes=[Route("/", home), Route("/oauth2/callback", callback)],
    middleware=[Middleware(SessionMiddleware, secret_key=secrets.token_urlsafe())],
)
