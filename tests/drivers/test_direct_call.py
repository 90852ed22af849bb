"""Calls from event loops go over a connection of their own, and over httpx where only that knows the way."""

from __future__ import annotations

import threading
import time
from typing import Any, cast

import anyio
import anyio.to_thread
import httpcore
import httpx
import pytest

from fotoweb_middleware.drivers.direct_call import MOST_ADDRESSES, Stream, address
from fotoweb_middleware.effects import Effect, GetDocument, PostForm
from tests.drivers.kit import RawServer, ToyCache, awaiting_driver, blocking_driver, perform, raw_server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
FIELDS = (("client_secret", "p@ss&w=r d+%\u00e9"), ("code", "C"))


def effects(url: str) -> list[Effect[Any]]:
    """Return every kind of call."""
    return [
        PostForm(f"{url}/fotoweb/oauth2/token", FIELDS),
        PostForm(f"{url}/empty?a=b", ()),
        GetDocument(f"{url}/fotoweb/me", "application/json", "T0K3N"),
        GetDocument(url, "application/json", "T0K3N"),
    ]


def parts(request: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Return first line, headers in any order and case, and body of a request."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *headers = head.split(b"\r\n")
    named = (header.partition(b": ") for header in headers)
    return first, sorted(name.lower() + b": " + value for name, _, value in named), body


@pytest.mark.parametrize("number", range(4))
def test_same_on_the_wire(number: int) -> None:
    """What is sent is what httpx sends for the same call, which the other driver's calls show."""
    with raw_server(OK) as server:
        effect = effects(server.url)[number]
        anyio.run(awaiting_driver(ToyCache(), None).run, perform(effect))
        blocking_driver(ToyCache(), None).run(perform(effect))
        direct, over_httpx = server.requests
    assert parts(direct) == parts(over_httpx)


@pytest.mark.parametrize("name", ["http_proxy", "ALL_PROXY"])
def test_proxy_of_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment names a proxy, calls go there."""
    with raw_server(OK) as proxy:
        monkeypatch.setenv(name, proxy.url)
        reply = anyio.run(awaiting_driver(ToyCache(), None).run, perform(PostForm("http://tenant.example/token", ())))
    assert (reply.status, proxy.requests[0].split(b" ")[1]) == (200, b"http://tenant.example/token")


def test_no_proxy_of_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment excepts FotoWeb from its proxy, calls go to FotoWeb."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with raw_server(OK) as server:
        reply = anyio.run(awaiting_driver(ToyCache(), None).run, perform(PostForm(server.url, ())))
    assert reply.status == 200


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancelled_call_is_hung_up(backend: str) -> None:
    """A call that is cancelled leaves no connection open."""
    asked, hung_up = threading.Event(), []

    def serve(connection: Any, _: bytes) -> None:
        asked.set()
        hung_up.append(connection.recv(1))

    async def call_and_go(url: str) -> None:
        async with anyio.create_task_group() as calls:
            calls.start_soon(driver.run, perform(PostForm(url, ())))
            assert await anyio.to_thread.run_sync(asked.wait, 10)
            calls.cancel_scope.cancel()
        await anyio.sleep(0.05)

    driver = awaiting_driver(ToyCache(), None)
    with RawServer(serve) as server:
        anyio.run(call_and_go, server.url, backend=backend)
        deadline = time.monotonic() + 5
        while not hung_up and time.monotonic() < deadline:
            time.sleep(0.005)
    assert hung_up == [b""]


@pytest.mark.parametrize(
    ("origin", "host", "port", "header"),
    [
        ("https://xn--mnchen-3ya.example", b"xn--mnchen-3ya.example", None, b"xn--mnchen-3ya.example"),
        ("https://tenant.example:8443", b"tenant.example", 8443, b"tenant.example:8443"),
        ("http://[2001:db8::1]:8080", b"2001:db8::1", 8080, b"[2001:db8::1]:8080"),
        ("http://[::1]", b"::1", None, b"[::1]"),
    ],
)
def test_address(origin: str, host: bytes, port: int | None, header: bytes) -> None:
    """Where a call goes, and the Host header that goes with it, as httpx would have both."""
    url, named = address(f"{origin}/fotoweb/oauth2/token")
    over_httpx = httpx.URL(origin)

    assert (url.host, url.port, named, url.target) == (host, port, header, b"/fotoweb/oauth2/token")
    assert (over_httpx.raw_host, over_httpx.port, over_httpx.netloc) == (host, port, header)


def test_addresses_are_few() -> None:
    """Addresses that were taken apart are not kept without end."""
    for number in range(MOST_ADDRESSES * 2):
        address(f"https://tenant-{number}.example/token")
    assert address.cache_info().currsize == MOST_ADDRESSES


def test_transport_of_a_test_is_used() -> None:
    """A transport that is given is where calls go."""
    driver = awaiting_driver(ToyCache(), lambda _: httpx.Response(201, stream=httpx.ByteStream(b"")))
    assert anyio.run(driver.run, perform(PostForm("https://tenant.example/token", ()))).status == 201


class Broken:
    """A connection that broke before anything was sent."""

    async def send(self, _: bytes) -> None:
        """Fail, as anyio's do."""
        raise anyio.BrokenResourceError


def test_broken_before_the_request() -> None:
    """A connection that cannot be written to any more is httpcore's error for it, which looks for an answer then."""
    with pytest.raises(httpcore.WriteError):
        anyio.run(Stream(cast("Any", Broken())).write, b"GET")
