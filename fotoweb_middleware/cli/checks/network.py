"""One request to FotoWeb, and in plain words what can go wrong on the way."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from fotoweb_middleware.cli.checks.finding import Finding, bad
from fotoweb_middleware.errors import chain_of
from fotoweb_middleware.settings.rules import DEFAULT_PORTS

MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, as far as the checks look at it: of its body, the first 64 KiB."""

    status: int
    headers: httpx.Headers
    body: bytes = field(repr=False)


def ask(
    client: httpx.Client, method: str, url: str, *, accept: str, form: Mapping[str, str] | None = None
) -> Reply | Finding:
    """Send one request and return the answer, or a finding that says why none came. No finding has the URL's query."""
    try:
        with client.stream(method, url, data=form, headers={"Accept": accept}) as response:
            return Reply(response.status_code, response.headers, next(response.iter_bytes(MOST_BYTES), b""))
    except httpx.HTTPError as error:
        return explain(error, httpx.URL(url))


def explain(error: httpx.HTTPError, url: httpx.URL) -> Finding:
    """Say in plain words why a request got no answer."""
    host = url.host
    for cause in chain_of(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return bad(
                    f"The certificate of {host} is not accepted: {cause.verify_message.removesuffix('.')}.",
                    "An unknown issuer, or self-signed: set FOTOWEB_CA_BUNDLE to a PEM file with the certificate of "
                    "your authority. Another host: use the name that it is for in FOTOWEB_URL. Expired, or not yet "
                    "valid: is this machine's clock right? Else have it renewed.",
                )
            case ssl.SSLError():
                return bad(f"{host} does not speak TLS as it should: {cause.reason}.", "Is the port the one for https?")
            case socket.gaierror():
                hint = "Is FOTOWEB_URL spelled right? Does this machine's DNS know it?"
                return bad(f"The name {host} can't be found (DNS).", hint)
            case ConnectionRefusedError():
                port = url.port or DEFAULT_PORTS[url.scheme]
                hint = "Does FotoWeb run there, and is the port right?"
                return bad(f"{host} refuses connections on port {port}.", hint)
    if isinstance(error, httpx.TimeoutException):
        hint = "Is a firewall or proxy in between? Can this machine reach it at all?"
        return bad(f"{host} did not answer within FOTOWEB_HTTP_TIMEOUT.", hint)
    return bad(
        f"The connection to {host} broke ({type(error).__name__}).",
        "Try again. If it happens again, look for a proxy or firewall in between.",
    )
