"""What ``FotoWebAuth`` sends where, and which requests it sends again."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

import anyio
import httpx
import pytest

from fotoweb_middleware import Session, SessionEnded, Settings
from fotoweb_middleware.client import FotoWebAuth, async_fotoweb_client, fotoweb_client

FOTOWEB = "https://fotoweb.test"


class Source:
    """Stands behind a session: hands out the tokens "one", "two", ... and notes what was refused."""

    session_id = "x"

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.refused: list[str] = []
        self.refused_again = 0
        self.error: Exception | None = None

    def fresh_token(self) -> str:
        """Return the newest token."""
        if self.error is not None:
            raise self.error
        return self.tokens[0]

    async def afresh_token(self) -> str:
        """Return the newest token."""
        return self.fresh_token()

    def replace_token(self, is_refused: Callable[[str], bool]) -> str | None:
        """Take the next token, if there is one."""
        self.refused += [token for token in self.tokens if is_refused(token)]
        if len(self.tokens) == 1 or self.refused_again:
            return None
        self.tokens.pop(0)
        return self.tokens[0]

    async def areplace_token(self, is_refused: Callable[[str], bool]) -> str | None:
        """Take the next token, if there is one."""
        return self.replace_token(is_refused)

    def note_refused_again(self) -> None:
        """Count."""
        self.refused_again += 1

    async def has_ended(self) -> bool:
        """Return False."""
        return False

    def seconds_until_check(self) -> float:
        """Return a second."""
        return 1.0


class Api:
    """FotoWeb's API, and any other site: notes what came, takes one token alone, and may redirect."""

    def __init__(self, library: ModuleType, accepted: str) -> None:
        self.library = library
        self.accepted = accepted
        self.redirects: dict[str, str] = {}
        self.seen: list[tuple[str, str | None, bytes]] = []
        self.cookies: list[str | None] = []

    def __call__(self, request: Any) -> Any:
        """Answer a request."""
        return self._answer(request, request.read())

    async def later(self, request: Any) -> Any:
        """Answer a request of an async client."""
        return self._answer(request, await request.aread())

    def _answer(self, request: Any, body: bytes) -> Any:
        sent = request.headers.get("Authorization")
        self.seen.append((str(request.url), sent, body))
        self.cookies.append(request.headers.get("Cookie"))
        if (target := self.redirects.get(str(request.url))) is not None:
            return self.library.Response(307, headers={"Location": target})
        headers = {"Set-Cookie": f"gateway={sent}; Path=/"}  # As FotoWeb, or a gateway before it, may.
        return self.library.Response(200 if sent == f"Bearer {self.accepted}" else 401, headers=headers)


def session_of(source: Source) -> Session:
    """Return a session with this behind it."""
    return Session(source.tokens[0], "bearer", None, None, FOTOWEB, source)  # type: ignore[arg-type]  # No ticket.


def client_of(library: ModuleType, api: Api, source: Source) -> Any:
    """Return a client over a transport that reads a body as a connection does (``MockTransport`` would keep it)."""

    class Transport(library.BaseTransport):  # type: ignore[name-defined,misc]
        def handle_request(self, request: Any) -> Any:
            return api._answer(request, b"".join(request.stream))

    return library.Client(auth=FotoWebAuth(session_of(source)), transport=Transport(), base_url=FOTOWEB)


def async_client_of(library: ModuleType, api: Api, source: Source) -> Any:
    """Return an async one."""

    class Transport(library.AsyncBaseTransport):  # type: ignore[name-defined,misc]
        async def handle_async_request(self, request: Any) -> Any:
            return api._answer(request, b"".join([chunk async for chunk in request.stream]))

    return library.AsyncClient(auth=FotoWebAuth(session_of(source)), transport=Transport(), base_url=FOTOWEB)


def test_fresh_token_for_each_request(library: ModuleType) -> None:
    """Each request carries the session's newest token, and not the one that it began with."""
    source, api = Source("one", "two"), Api(library, "one")
    with client_of(library, api, source) as client:
        client.get("/a")
        source.tokens.pop(0)
        api.accepted = "two"
        client.get("/b")

    assert [sent for _, sent, _ in api.seen] == ["Bearer one", "Bearer two"]
    assert source.refused == []


@pytest.mark.parametrize(
    "url",
    [
        "https://other.test/", "http://fotoweb.test/", "https://fotoweb.test:444/", "https://fotoweb.test.evil.test/",
        "https://evil.test/?https://fotoweb.test/", "https://fotoweb.test@evil.test/", "https://sub.fotoweb.test/",
    ],
)  # fmt: skip
def test_other_origins_get_no_token(library: ModuleType, url: str) -> None:
    """Another host, port or scheme never gets the token, and its 401 refreshes nothing."""
    source, api = Source("one", "two"), Api(library, "one")
    with client_of(library, api, source) as client:
        assert client.get(url).status_code == 401

    assert [sent for _, sent, _ in api.seen] == [None]
    assert source.refused == []


@pytest.mark.parametrize(
    "url", ["https://FOTOWEB.test/x", "https://fotoweb.test:443/x", "/x", "/x?y=https://evil.test/"]
)
def test_the_site_however_it_is_written(library: ModuleType, url: str) -> None:
    """The site's own address counts in any case of letters, and with the default port."""
    api = Api(library, "one")
    with client_of(library, api, Source("one")) as client:
        assert client.get(url).status_code == 200


def test_redirect_to_another_host(library: ModuleType) -> None:
    """A redirect away from the site carries no token, and a 401 from there refreshes nothing."""
    source, api = Source("one", "two"), Api(library, "one")
    api.redirects = {f"{FOTOWEB}/file": "https://storage.test/file"}
    with client_of(library, api, source) as client:
        answer = client.get("/file", follow_redirects=True)

    assert answer.status_code == 401
    assert api.seen == [(f"{FOTOWEB}/file", "Bearer one", b""), ("https://storage.test/file", None, b"")]
    assert source.refused == []


def test_redirect_on_the_site(library: ModuleType) -> None:
    """A redirect within the site keeps the token, and a 401 there refreshes it."""
    source, api = Source("one", "two"), Api(library, "two")
    api.redirects = {f"{FOTOWEB}/old": "/new"}
    with client_of(library, api, source) as client:
        assert client.get("/old", follow_redirects=True).status_code == 200

    assert source.refused == ["one"]


BODIES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "bytes": {"content": b"hello"},
    "json": {"json": {"a": 1}},
    "form": {"data": {"a": "1"}},
    "multipart": {"files": {"chunk": ("chunk", b"hello")}},
}


@pytest.mark.parametrize("body", BODIES)
def test_refused_token_is_replaced_once(library: ModuleType, body: str) -> None:
    """After a 401 the request goes out again with another token, and with the same body."""
    source, api = Source("one", "two"), Api(library, "two")
    with client_of(library, api, source) as client:
        assert client.post("/x", **BODIES[body]).status_code == 200

    assert [sent for _, sent, _ in api.seen] == ["Bearer one", "Bearer two"]
    assert api.seen[0][2] == api.seen[1][2]
    assert source.refused == ["one"]


@pytest.mark.parametrize("body", BODIES)
def test_refused_token_is_replaced_once_async(library: ModuleType, body: str) -> None:
    """The same for async clients."""
    source, api = Source("one", "two"), Api(library, "two")

    async def call() -> int:
        async with async_client_of(library, api, source) as client:
            answer = await client.post("/x", **BODIES[body])
        status: int = answer.status_code
        return status

    assert anyio.run(call) == 200
    assert [sent for _, sent, _ in api.seen] == ["Bearer one", "Bearer two"]
    assert api.seen[0][2] == api.seen[1][2]


def chunks() -> Iterator[bytes]:
    """Yield a body once."""
    yield b"hel"
    yield b"lo"


async def async_chunks() -> AsyncIterator[bytes]:
    """Yield a body once."""
    yield b"hel"
    yield b"lo"


class Pipe:
    """A body of unknown length that is empty when it is read again."""

    def __init__(self) -> None:
        self._left = [b"hel", b"lo"]

    def __iter__(self) -> Iterator[bytes]:
        """Yield what is left."""
        while self._left:
            yield self._left.pop(0)


@pytest.mark.parametrize("content", [chunks, Pipe, lambda: io.BytesIO(b"hello")], ids=["generator", "pipe", "file"])
def test_body_that_can_be_read_once(library: ModuleType, content: Any) -> None:
    """A body that is gone is not sent again: the 401 is handed on; the session was refreshed for the next call."""
    source, api = Source("one", "two"), Api(library, "two")
    with client_of(library, api, source) as client:
        assert client.post("/x", content=content()).status_code == 401
        assert client.post("/x", content=b"hello").status_code == 200

    assert [body for _, _, body in api.seen] == [b"hello", b"hello"]


def test_body_that_can_be_read_once_async(library: ModuleType) -> None:
    """The same for async clients."""
    source, api = Source("one", "two"), Api(library, "two")

    async def call() -> int:
        async with async_client_of(library, api, source) as client:
            status: int = (await client.post("/x", content=async_chunks())).status_code
        return status

    assert anyio.run(call) == 401
    assert len(api.seen) == 1


def test_no_other_token(library: ModuleType) -> None:
    """Where there is no other token the 401 is handed on, after one try."""
    source, api = Source("one"), Api(library, "two")
    with client_of(library, api, source) as client:
        assert client.get("/x").status_code == 401

    assert len(api.seen) == 1


def test_other_token_is_refused_too(library: ModuleType) -> None:
    """Where FotoWeb refuses the new token too, that 401 is handed on: there is no third try, and it is noted."""
    source, api = Source("one", "two", "three"), Api(library, "four")
    with client_of(library, api, source) as client:
        assert client.get("/x").status_code == 401

    assert [sent for _, sent, _ in api.seen] == ["Bearer one", "Bearer two"]
    assert source.refused_again == 1


def test_other_token_is_refused_too_async(library: ModuleType) -> None:
    """The same for async clients."""
    source, api = Source("one", "two", "three"), Api(library, "four")

    async def call() -> int:
        async with async_client_of(library, api, source) as client:
            status: int = (await client.get("/x")).status_code
        return status

    assert anyio.run(call) == 401
    assert source.refused_again == 1


def test_session_that_ended(library: ModuleType) -> None:
    """A session that is over raises what ``fresh_token`` raises, and nothing is sent."""
    source, api = Source("one"), Api(library, "one")
    source.error = SessionEnded("over")
    with client_of(library, api, source) as client, pytest.raises(SessionEnded):
        client.get("/x")

    assert api.seen == []


def test_session_without_middleware(library: ModuleType) -> None:
    """A session made by hand, for a test, sends the token that it has to the site that it names."""
    api = Api(library, "mine")
    session = Session("mine", "bearer", None, None, FOTOWEB)
    with library.Client(auth=FotoWebAuth(session), transport=library.MockTransport(api), base_url=FOTOWEB) as client:
        assert client.get("/x").status_code == 200
        api.accepted = "other"
        assert client.get("/x").status_code == 401


def test_session_without_middleware_async(library: ModuleType) -> None:
    """The same for async clients."""
    api = Api(library, "other")
    session = Session("mine", "bearer", None, None, FOTOWEB)

    async def call() -> int:
        transport = library.MockTransport(api.later)
        async with library.AsyncClient(auth=FotoWebAuth(session), transport=transport, base_url=FOTOWEB) as client:
            status: int = (await client.get("/x")).status_code
        return status

    assert anyio.run(call) == 401
    assert [sent for _, sent, _ in api.seen] == ["Bearer mine"]


def test_it_shows_no_token() -> None:
    """Its repr holds no token."""
    assert "S3CR3T" not in repr(FotoWebAuth(Session("S3CR3T", "bearer", None, None, FOTOWEB)))


# -------------------------------------------------------------------------------------------- one client for all users


def test_cookies_of_another_user(library: ModuleType) -> None:
    """A client of the app's own that serves alice and bob sends nothing to FotoWeb that it kept for the other one."""
    api, alice, bob = Api(library, "alice"), Source("alice"), Source("bob", "alice")
    with client_of(library, api, alice) as client:
        client.get("/")
        assert len(client.cookies) == 1
        client.get("/", auth=FotoWebAuth(session_of(bob)))

    assert (bob.refused, api.cookies) == (["bob"], [None] * 3)


def test_async_cookies_of_another_user(library: ModuleType) -> None:
    """So it is with an async client."""
    api, alice, bob = Api(library, "alice"), Source("alice"), Source("bob", "alice")

    async def call() -> None:
        async with async_client_of(library, api, alice) as client:
            await client.get("/")
            await client.get("/", auth=FotoWebAuth(session_of(bob)))

    anyio.run(call)

    assert (bob.refused, api.cookies) == (["bob"], [None] * 3)


SETTINGS = Settings(
    url=FOTOWEB,
    client_id="client",
    client_secret="secret",
    secret_key="ZcR5vYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq",
    cache="memory://",
    http_timeout=7,
)


def test_client_for_all_users() -> None:
    """``fotoweb_client`` calls the site with the settings' time-out and keeps no cookie."""
    api = Api(httpx, "alice")
    with fotoweb_client(SETTINGS, transport=httpx.MockTransport(api)) as client:
        client.get("/a", auth=FotoWebAuth(session_of(Source("alice"))))
        client.get("/b")
        assert (client.timeout, len(client.cookies)) == (httpx.Timeout(7), 0)

    assert [url for url, _, _ in api.seen] == [f"{FOTOWEB}/a", f"{FOTOWEB}/b"]
    assert api.cookies == [None, None]


def test_async_client_for_all_users() -> None:
    """So does ``async_fotoweb_client``."""
    api = Api(httpx, "alice")

    async def call() -> None:
        async with async_fotoweb_client(SETTINGS, transport=httpx.MockTransport(api.later)) as client:
            await client.get("/a", auth=FotoWebAuth(session_of(Source("alice"))))
            await client.get("/b")
            assert (client.timeout, len(client.cookies)) == (httpx.Timeout(7), 0)

    anyio.run(call)

    assert api.cookies == [None, None]
