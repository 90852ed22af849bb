"""Broken set-ups: the settings, the registration with FotoWeb, and the way to it."""

from __future__ import annotations

import socket

from fotoweb_middleware.setup_warnings import WORDS, SetupCause
from fotoweb_middleware.testing import Fault
from tests.cli.bench import Bench
from tests.cli.declared_setups import (
    FOTOWEBS_PAGE,
    NOT_COMPLETED,
    SETUP_WARNING,
    SIGNED_IN,
    UNREACHABLE,
    UNTRUSTED,
    broken,
)
from tests.providers.ports import free_port
from tests.providers.raw_server import raw_server

SECONDS_OF_SILENCE = "0.3"

# ----------------------------------------------------------------------------------------------- settings, registration


@broken(
    "a short key",
    "bad   FOTOWEB_SECRET_KEY holds *** (not shown: it is a secret): it is 5 characters long; the minimum is 32.",
    logs=(
        "SettingsError: … FOTOWEB_SECRET_KEY holds *** (not shown: it is a secret). Wrong: it is 5 "
        "characters long; the minimum is 32."
    ),
    sees="(the server does not start)",
)
def _(bench: Bench) -> None:
    bench.set(FOTOWEB_SECRET_KEY="short")


@broken(
    "wrong client secret",
    "bad   FOTOWEB_CLIENT_SECRET is wrong: the token endpoint refuses it (invalid_client), while the authorize "
    "endpoint knows the client ID.",
    logs=(
        "ERROR FotoWeb refuses this app: run fotoweb-middleware check cause='FotoWeb refused: "
        "invalid_client (HTTP 401); is FOTOWEB_CLIENT_SECRET right, and FOTOWEB_CLIENT_ID?'"
    ),
    sees="fotoweb_invalid_client",
)
def _(bench: Bench) -> None:
    bench.set(FOTOWEB_CLIENT_SECRET="planted-wrong")


@broken(
    "wrong client ID",
    "bad   FOTOWEB_CLIENT_ID is wrong: neither the authorize endpoint nor the token endpoint knows it (HTTP 400, "
    "invalid_client).",
    logs=NOT_COMPLETED,
    sees=FOTOWEBS_PAGE,
)
def _(bench: Bench) -> None:
    bench.set(FOTOWEB_CLIENT_ID="unknown")


@broken(
    "redirect URI not registered",
    "bad   The redirect URI {callback} is not registered with FotoWeb: its authorize endpoint answers HTTP 400, while "
    "it knows the client ID.",
    logs=NOT_COMPLETED,
    sees=FOTOWEBS_PAGE,
)
def _(bench: Bench) -> None:
    bench.shown["callback"] = "https://app.example/oauth2/callback"
    bench.set(FOTOWEB_REDIRECT_URI=bench.shown["callback"])


@broken(
    "PKCE refused",
    "bad   FotoWeb refuses PKCE: its authorize endpoint accepts the same request without it.",
    logs=(
        "WARNING FotoWeb reported an error instead of a login cause=invalid_request description='The "
        "parameter code_challenge is unknown.'"
    ),
    sees="fotoweb_invalid_request",
)
def _(bench: Bench) -> None:
    bench.fotoweb.switch(refuse_pkce=True)


@broken(
    "PKCE required, and turned off here",
    "bad   FotoWeb requires PKCE, but FOTOWEB_PKCE=false: its authorize endpoint accepts the same request with PKCE.",
    logs="WARNING FOTOWEB_PKCE=false: a stolen authorization code can be used by somebody else.",
    sees="fotoweb_invalid_request",
)
def _(bench: Bench) -> None:
    bench.fotoweb.switch(require_pkce=True)
    bench.set(FOTOWEB_PKCE="false")


@broken(
    "a web page in place of the token endpoint",
    "bad   The token endpoint answers with a web page (HTTP 200), not with an OAuth error in JSON: something else "
    "answers in its place.",
    logs=(
        "WARNING the code could not be exchanged for tokens cause='FotoWeb answered HTTP 200 with a web "
        "page in place of JSON'"
    ),
    sees="fotoweb_nonsense",
)
def _(bench: Bench) -> None:
    bench.fotoweb.fault("token", Fault.replaced(body="<h1>Welcome</h1>", status=200, content_type="text/html"))


# --------------------------------------------------------------------------------------------------- the way to FotoWeb


@broken(
    "FotoWeb refuses connections",
    "bad   {fotoweb} refuses connections on port {fotoweb_port}.",
    logs=UNREACHABLE + "(ConnectError: [Errno 111] Connection refused)'",
    sees="fotoweb_unavailable",
)
def _(bench: Bench) -> None:
    port = free_port()
    bench.shown |= {"fotoweb": "localhost", "fotoweb_port": str(port)}
    bench.set(FOTOWEB_URL=f"http://localhost:{port}")


@broken(
    "FotoWeb is silent",
    "bad   {fotoweb} accepted the connection, but did not answer within FOTOWEB_HTTP_TIMEOUT.",
    logs=UNREACHABLE + "(ReadTimeout: no whole answer within FOTOWEB_HTTP_TIMEOUT)'",
    sees="fotoweb_unavailable",
)
def _(bench: Bench) -> None:
    listener = bench.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    bench.shown["fotoweb"] = "127.0.0.1"
    bench.set(FOTOWEB_URL=f"http://127.0.0.1:{listener.getsockname()[1]}", FOTOWEB_HTTP_TIMEOUT=SECONDS_OF_SILENCE)


@broken(
    "a firewall drops what goes to FotoWeb",
    "bad   No connection to {fotoweb}, port {fotoweb_port}, within FOTOWEB_HTTP_TIMEOUT: nothing answers there.",
    logs=UNREACHABLE + "(ConnectTimeout: no connection within FOTOWEB_HTTP_TIMEOUT, nothing answers there)'",
    sees="fotoweb_unavailable",
)
def _(bench: Bench) -> None:
    listener = bench.stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(4):  # Once its queue is full, Linux drops what else comes.
        waiting = bench.stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
    port = listener.getsockname()[1]
    bench.shown |= {"fotoweb": "127.0.0.1", "fotoweb_port": str(port)}
    bench.set(FOTOWEB_URL=f"http://127.0.0.1:{port}", FOTOWEB_HTTP_TIMEOUT=SECONDS_OF_SILENCE)


@broken(
    "FotoWeb's name is unknown",
    "bad   The name {fotoweb} can't be found (DNS).",
    logs=UNREACHABLE + "(ConnectError: [Errno -2] Name or service not known)'",
    sees="fotoweb_unavailable",
)
def _(bench: Bench) -> None:
    bench.shown["fotoweb"] = "nowhere.invalid"
    bench.set(FOTOWEB_URL="https://nowhere.invalid")


@broken(
    "FotoWeb's certificate is from a private authority",
    "bad   The certificate of {fotoweb} is signed by an authority that is unknown here (self-signed certificate).",
    logs=UNTRUSTED + "self-signed certificate)'",
    sees="fotoweb_unavailable",
)
def _(bench: Bench) -> None:
    bench.use_certificate()


@broken(
    "FotoWeb's certificate has expired",
    "bad   The certificate of {fotoweb} has expired, by this machine's clock.",
    logs=UNTRUSTED + "certificate has expired)'",
    sees="fotoweb_unavailable",
)
def _(bench: Bench) -> None:
    bench.set(FOTOWEB_CA_BUNDLE=bench.use_certificate(days_from_now=(-3, -2)).certificate)


@broken(
    "FotoWeb's certificate is for another host",
    "bad   The certificate of {fotoweb} is not accepted: Hostname mismatch, certificate is not valid for '{fotoweb}'.",
    logs=(
        'WARNING the code could not be exchanged for tokens cause="FotoWeb could not be reached '
        "(ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, "
        "certificate is not valid for '{fotoweb}')\""
    ),
    sees="fotoweb_unavailable",
)
def _(bench: Bench) -> None:
    bench.set(FOTOWEB_CA_BUNDLE=bench.use_certificate(host="other.example").certificate)


@broken(
    "a clock that is off by an hour",
    "warn  FotoWeb's clock is 60 minutes ahead of this machine's.",
    exit_code=2,
    logs=SETUP_WARNING + WORDS[SetupCause.CLOCK_DIFFERS],
    sees=SIGNED_IN,
)
def _(bench: Bench) -> None:
    bench.fotoweb.switch(clock_skew_seconds=3600)


@broken(
    "the system's proxy is down",
    "bad   The proxy {proxy} (from HTTP_PROXY) refuses connections.",
    logs=UNREACHABLE + ("(ConnectError: [Errno 111] Connection refused, through the proxy {proxy} (from HTTP_PROXY))'"),
    sees="fotoweb_unavailable",
)
def _(bench: Bench) -> None:
    bench.shown["proxy"] = f"127.0.0.1:{free_port()}"
    bench.set(HTTP_PROXY=f"http://user:planted@{bench.shown['proxy']}")


@broken(
    "the system's proxy wants a password",
    "bad   The proxy {proxy} (from HTTPS_PROXY) requires a user name and a password (HTTP 407).",
    logs=UNREACHABLE + "(ProxyError: HTTP 407, through the proxy {proxy} (from HTTPS_PROXY))'",
    sees="fotoweb_unavailable",
)
def _(bench: Bench) -> None:
    answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
    server = bench.stack.enter_context(raw_server(answer))
    bench.shown["proxy"] = server.url.removeprefix("http://")
    bench.set(HTTPS_PROXY=server.url, FOTOWEB_URL="https://tenant.example")


@broken(
    "the system's proxy refuses FotoWeb's host",
    "bad   The proxy {proxy} (from HTTPS_PROXY) does not connect to {fotoweb} (HTTP 403).",
    logs=UNREACHABLE + "(ProxyError: HTTP 403, through the proxy {proxy} (from HTTPS_PROXY))'",
    sees="fotoweb_unavailable",
)
def _(bench: Bench) -> None:
    server = bench.stack.enter_context(raw_server(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
    bench.shown |= {"proxy": server.url.removeprefix("http://"), "fotoweb": "tenant.example"}
    bench.set(HTTPS_PROXY=server.url, FOTOWEB_URL="https://tenant.example")
