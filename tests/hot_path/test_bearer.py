"""The bearer header, written once for each version of a session (docs/adr/0032)."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from tests.benchmarks.requests import environ_of, receive, scope_of, send, start_response
from tests.benchmarks.sessions import Wrapped, make_record


class Told:
    """An app that notes the Authorization header of its last request, through either door."""

    def __init__(self) -> None:
        self.bearer: Any = None

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        """Note it."""
        self.bearer = dict(scope["headers"])[b"authorization"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def wsgi(self, environ: Any, start_response: Any) -> list[bytes]:
        """Note it."""
        self.bearer = environ["HTTP_AUTHORIZATION"]
        start_response("200 OK", [])
        return []


@pytest.mark.parametrize("door", ["asgi", "wsgi"])
def test_bearer_is_written_once_for_each_token(door: str) -> None:
    """Requests of one version get the same object; once another version came, its token and no other."""
    told, record = Told(), make_record(1)
    wrapped = Wrapped(getattr(told, door), is_asgi=door == "asgi", changes={"cache": "memory://"})
    cookie = wrapped.cookie(record)

    def ask(cookie: str) -> Any:
        if door == "asgi":
            asyncio.run(wrapped.middleware(scope_of(cookie), receive, send))
        else:
            list(wrapped.middleware(environ_of(cookie), start_response))
        return told.bearer

    first, again = ask(cookie), ask(cookie)
    tokens = dataclasses.replace(record.tokens, access_token="another token")
    renewed = dataclasses.replace(record, version=record.version + 1_000_000, tokens=tokens)
    after_refresh = [ask(wrapped.cookie(renewed)) for _ in range(3)]

    as_sent = f"Bearer {record.tokens.access_token}"
    assert first in {as_sent, as_sent.encode()}
    assert again is first
    assert after_refresh[0] in {"Bearer another token", b"Bearer another token"}
    assert after_refresh[2] is after_refresh[1]  # The first took the long way, as a new cookie may.
