"""Runs the recipe for pyfwapi of docs/how-to/fotoweb-api.md against a simulator, and prints as JSON what came of it.

A program of its own, ``python -m tests.stress.pyfwapi_recipe``: pyfwapi needs a later Python than this project.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from fotoweb_middleware import FotoWebASGIMiddleware, Session, Settings, get_session
from fotoweb_middleware.testing import FakeClock, FakeFotoWeb
from tools.code_blocks import HOW_TO, blocks_of

LIFETIME_SECONDS = 3600
PAGE = HOW_TO / "fotoweb-api.md"


async def sign_in(fotoweb: FakeFotoWeb, clock: FakeClock, url: str) -> Session:
    """Sign Alice in to an app behind the middleware, and return her session."""
    sessions: list[Session] = []

    async def keep_session(scope: Any, receive: Any, send: Any) -> None:
        session = get_session(scope)
        if session is not None:
            sessions.append(session)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    settings = Settings(
        url=url,
        client_id=fotoweb.client.client_id,
        client_secret=fotoweb.client.client_secret,
        secret_key="kQ3vX9rT6bL1mZ8cW4nP7sD2fH5jY0gA",
        cache="memory://",
    )
    app = FotoWebASGIMiddleware(keep_session, settings=settings, clock=clock, monotonic=clock)
    transport, headers = httpx.ASGITransport(app), {"Accept": "text/html"}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", headers=headers) as browser:
        to_fotoweb = await browser.get("/")
        await browser.get(fotoweb.approve(to_fotoweb.headers["location"]))
        await browser.get("/")
    return sessions[0]


async def status_of(archive_names: Any, session: Session) -> int:
    """Return the status of the error that the recipe raises."""
    try:
        await archive_names(session)
    except Exception as error:  # noqa: BLE001 (httpx2's, which is not imported here)
        return int(error.response.status_code)  # type: ignore[attr-defined]
    return 200


async def main() -> None:
    """List the archives with the first token, with a refreshed one, and with one that FotoWeb has ended."""
    names: dict[str, Any] = {}
    [block] = blocks_of(PAGE, "python pyfwapi")
    exec(compile(block, PAGE.name, "exec"), names)  # noqa: S102 (our own page)
    clock = FakeClock()
    fotoweb = FakeFotoWeb(clock=clock)
    fotoweb.switch(access_token_lifetime_seconds=LIFETIME_SECONDS)
    with fotoweb.serve() as url:
        session = await sign_in(fotoweb, clock, url)
        first = await names["archive_names"](session)
        clock.advance(LIFETIME_SECONDS + 1)
        later = await names["archive_names"](session)
        fotoweb.expire_access_tokens()
        ended = await status_of(names["archive_names"], session)
    grants = [record.grant_type for record in fotoweb.token_requests]
    print(json.dumps({"first": first, "later": later, "ended": ended, "grants": grants}))  # noqa: T201 (its answer)


if __name__ == "__main__":
    asyncio.run(main())
