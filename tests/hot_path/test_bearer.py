"""The bearer header, written once for each version of a session (docs/adr/0032)."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from fotoweb_middleware.model import SessionRecord
from tests.benchmarks.requests import environ_of, receive, scope_of, send, start_response
from tests.benchmarks.sessions import Wrapped, make_record


class Told:
    """An app that notes the Authorization header of its last request, through either door."""

    def __init__(self) -> None:
        self.bearer: Any = None
        self.user: Any = None

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        """Note it."""
        self.bearer = dict(scope["headers"])[b"authorization"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def wsgi(self, environ: Any, start_response: Any) -> list[bytes]:
        """Note it."""
        self.bearer, self.user = environ["HTTP_AUTHORIZATION"], environ.get("REMOTE_USER")
        start_response("200 OK", [])
        return []


class Wrapping:
    """A wrapped app, and what it is asked."""

    def __init__(self, door: str) -> None:
        self.told, self.is_asgi = Told(), door == "asgi"
        self.wrapped = Wrapped(getattr(self.told, door), is_asgi=self.is_asgi, changes={"cache": "memory://"})

    def ask(self, cookie: str, **more: str) -> Any:
        """Send a request, and return the Authorization header that the app got."""
        if self.is_asgi:
            asyncio.run(self.wrapped.middleware(scope_of(cookie), receive, send))
        else:
            list(self.wrapped.middleware({**environ_of(cookie), **more}, start_response))
        return self.told.bearer

    def expected(self, record: SessionRecord) -> str | bytes:
        """Return the header that belongs to a session."""
        bearer = f"Bearer {record.tokens.access_token}"
        return bearer.encode() if self.is_asgi else bearer


@pytest.mark.parametrize("door", ["asgi", "wsgi"])
def test_bearer_is_written_once_for_each_token(door: str) -> None:
    """Requests of one version get the same object; once another version came, its token and no other."""
    wrapping, record = Wrapping(door), make_record(1)
    cookie = wrapping.wrapped.cookie(record)

    first, again = wrapping.ask(cookie), wrapping.ask(cookie)
    tokens = dataclasses.replace(record.tokens, access_token="another token")
    renewed = dataclasses.replace(record, version=record.version + 1_000_000, tokens=tokens)
    after_refresh = [wrapping.ask(wrapping.wrapped.cookie(renewed)) for _ in range(3)]

    assert first == wrapping.expected(record)
    assert again is first
    assert after_refresh == [wrapping.expected(renewed)] * 3
    assert after_refresh[2] is after_refresh[1]  # The first took the long way, as a new cookie may.


@pytest.mark.parametrize("door", ["asgi", "wsgi"])
def test_each_user_has_a_bearer_of_their_own(door: str) -> None:
    """Users who come in turn each get their own, on the short way too."""
    wrapping, records = Wrapping(door), [make_record(number) for number in range(3)]
    cookies = [wrapping.wrapped.cookie(record) for record in records]

    for _ in range(3):
        assert [wrapping.ask(cookie) for cookie in cookies] == [wrapping.expected(record) for record in records]


def test_nobody_knows_who() -> None:
    """Where FotoWeb did not tell who logged in, the app sees no REMOTE_USER, and never the client's."""
    wrapping, record = Wrapping("wsgi"), dataclasses.replace(make_record(1), user=None)
    cookie = wrapping.wrapped.cookie(record)

    for _ in range(2):
        wrapping.ask(cookie, REMOTE_USER="root")
        assert wrapping.told.user is None
