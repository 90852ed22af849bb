"""An app that asks FotoWeb who the user is, with the token that came; ``tests.comparison.run`` starts it.

``our_app`` gets the token from the middleware, ``app`` in the header that mod_auth_openidc sets.
"""

from __future__ import annotations

import os

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from fotoweb_middleware import FotoWebASGIMiddleware

SITE = os.environ["SITE"]


async def home(request: Request) -> PlainTextResponse:
    """Return FotoWeb's status."""
    bearer = request.headers.get("authorization") or f"Bearer {request.headers['oidc_access_token']}"
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{SITE}/fotoweb/me", headers={"Authorization": bearer})
    return PlainTextResponse("", answer.status_code)


app = Starlette(routes=[Route("/", home)])
our_app = FotoWebASGIMiddleware(app) if "FOTOWEB_URL" in os.environ else app
