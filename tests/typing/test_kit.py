"""The pytest fixtures ``fotoweb`` and ``sign_in``, as a type checker sees them. Read by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, assert_type

import httpx
from fastapi.testclient import TestClient
from flask.testing import FlaskClient
from litestar.testing import AsyncTestClient as AsyncLitestarClient
from litestar.testing import TestClient as LitestarClient

from fotoweb_middleware.testing import Fault, SignIn, SimulatedFotoWeb, User


def sync_clients(
    sign_in: SignIn, starlette: TestClient, flask: FlaskClient, litestar: LitestarClient[Any], browser: httpx.Client
) -> None:
    """A client without ``await`` is signed in at once."""
    assert_type(sign_in(starlette), None)
    sign_in(flask, "bob")
    sign_in(litestar, user="bob")
    sign_in(browser, login_url="/gallery/oauth2/login")


async def async_clients(sign_in: SignIn, litestar: AsyncLitestarClient[Any], browser: httpx.AsyncClient) -> None:
    """An async client is awaited; a checker that looks for forgotten awaits sees it."""
    signing_in: Awaitable[None] = sign_in(browser, "bob")
    await signing_in
    await sign_in(litestar)


def simulator(fotoweb: SimulatedFotoWeb) -> None:
    """What a test turns."""
    fotoweb.clock.advance(60)
    fotoweb.switch(access_token_lifetime_seconds=60)
    fotoweb.fault("token", Fault.invalid_grant(), times=1, grant_type="refresh_token")
    fotoweb.add_user(User(user_name="eve", user_id=7))
    assert_type(fotoweb.users, dict[str, User])
    assert_type(fotoweb.refresh_count, int)
    assert_type(fotoweb.url, str)
