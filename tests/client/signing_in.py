"""A wrapped app in this process that hands out the session of somebody who has signed in at the rig."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Session, Settings, require_session
from tests.providers.oidc_provider import OidcRig, RigOptions, StartRig

APP = "http://localhost:8000"


def rig_of(start_rig: StartRig) -> OidcRig:
    """Return a rig that shows no pages: everybody is signed in at once, as ``demo``."""
    return start_rig(RigOptions(redirect_uris=(f"{APP}/oauth2/callback",), auto_login=True))


def settings_for(rig: OidcRig, cache: str = "memory://") -> Settings:
    """Return the settings of an app at the rig."""
    return Settings(
        url=rig.base_url,
        client_id=rig.options.client_id,
        client_secret=rig.options.client_secret,
        secret_key="ZcR5vYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq",
        redirect_uri=f"{APP}/oauth2/callback",
        cache=cache,
    )


class App:
    """An app behind the WSGI middleware; ``sessions`` are those of its requests."""

    def __init__(self, settings: Settings) -> None:
        self.sessions: list[Session] = []
        self.middleware = FotoWebWSGIMiddleware(self._answer, settings)

    def _answer(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.sessions.append(require_session(environ))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    def browser(self, cookies: httpx.Cookies | None = None) -> httpx.Client:
        """Return a browser: it follows redirects to the rig and back."""
        mounts = {APP: httpx.WSGITransport(self.middleware)}
        return httpx.Client(
            mounts=mounts, base_url=APP, follow_redirects=True, cookies=cookies, trust_env=False,
            headers={"Accept": "text/html"},
        )  # fmt: skip

    def session_of(self, browser: httpx.Client) -> Session:
        """Return the session that the app gets at one more request of a browser's."""
        assert browser.get("/").text == "hello"
        return self.sessions[-1]

    def sign_in(self) -> Session:
        """Return the session of somebody who has just signed in."""
        with self.browser() as browser:
            return self.session_of(browser)


async def asgi_session(settings: Settings) -> Session:
    """Return the session of somebody who has signed in at an app behind the ASGI middleware."""
    sessions: list[Session] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        sessions.append(require_session(scope))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})

    transport = httpx.ASGITransport(FotoWebASGIMiddleware(app, settings))
    async with httpx.AsyncClient(
        mounts={APP: transport}, base_url=APP, follow_redirects=True, trust_env=False, headers={"Accept": "text/html"}
    ) as browser:
        assert (await browser.get("/")).text == "hello"
    return sessions[-1]


def refreshes(rig: OidcRig) -> int:
    """Return how many refreshes the rig has granted; its log comes through a pipe, a moment later at most."""
    return sum(line == "grant.success: refresh_token" for line in rig.log)


@pytest.fixture
def rig(oidc_rig: StartRig) -> OidcRig:
    """Return the rig."""
    return rig_of(oidc_rig)
