"""One request to FotoWeb, and in plain words what can go wrong on the way."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import httpx

from fotoweb_middleware.cli.checks.finding import Finding, bad
from fotoweb_middleware.fotoweb.http import client_options
from fotoweb_middleware.settings import Settings

__all__ = ["Reply", "ask", "build_client"]

_MOST_BYTES = 64 * 1024

# OpenSSL's X509_V_ERR_* numbers.
_EXPIRED, _NOT_YET_VALID = 10, 9
_SELF_SIGNED = (18, 19)
_WRONG_HOST = (62, 64)
_UNKNOWN_ISSUER = (2, 20, 21)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, as far as the checks look at it.

    Attributes:
        status: The HTTP status.
        headers: Names in lower case.
        body: The first 64 KiB.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def is_from_fotoware(self) -> bool:
        """Whether the headers name Fotoware, as those of real sites do."""
        return "fotoweb-server" in self.headers or "fotoware" in self.headers.get("x-powered-by", "").lower()


def build_client(settings: Settings) -> httpx.Client:
    """Return a client made as the middleware's own: FOTOWEB_CA_BUNDLE, FOTOWEB_HTTP_TIMEOUT, no redirect followed."""
    return httpx.Client(**client_options(settings))


def ask(
    client: httpx.Client, method: str, url: str, *, form: Mapping[str, str] | None = None, accept: str
) -> Reply | Finding:
    """Send one request and return the answer, or a finding that says why none came.

    Args:
        client: From ``build_client``.
        method: GET or POST.
        url: Where to; its query is not repeated in any finding.
        form: The body of a POST.
        accept: The media type asked for.
    """
    try:
        with client.stream(method, url, data=form, headers={"Accept": accept}) as response:
            return Reply(response.status_code, dict(response.headers), _body(response))
    except httpx.HTTPError as error:
        return explain(error, url)


def _body(response: httpx.Response) -> bytes:
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) >= _MOST_BYTES:
            break
    return body[:_MOST_BYTES]


def explain(error: httpx.HTTPError, url: str) -> Finding:
    """Say in plain words why a request got no answer."""
    place = httpx.URL(url)
    host = place.host
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate(cause, host)
        if isinstance(cause, ssl.SSLError):
            return bad(f"{host} does not speak TLS as it should: {cause.reason}.", "Is the port the one for https?")
        if isinstance(cause, socket.gaierror):
            return bad(
                f"The name {host} can't be found (DNS).",
                "Is FOTOWEB_URL spelled right? Does this machine's DNS know it?",
            )
        if isinstance(cause, ConnectionRefusedError):
            port = place.port or (443 if place.scheme == "https" else 80)
            return bad(f"{host} refuses connections on port {port}.", "Does FotoWeb run there, and is the port right?")
    if isinstance(error, httpx.TimeoutException):
        return bad(
            f"{host} did not answer within FOTOWEB_HTTP_TIMEOUT.",
            "Is a firewall or proxy in between? Can this machine reach it at all?",
        )
    return bad(
        f"The connection to {host} broke ({type(error).__name__}).",
        "Try again. If it happens again, look for a proxy or firewall in between.",
    )


def _certificate(error: ssl.SSLCertVerificationError, host: str) -> Finding:
    code = error.verify_code
    if code in _SELF_SIGNED or code in _UNKNOWN_ISSUER:
        return bad(
            f"The certificate of {host} comes from an authority that this machine does not know (or from itself).",
            "Set FOTOWEB_CA_BUNDLE to a PEM file with the certificate of your authority.",
        )
    if code in _WRONG_HOST:
        return bad(
            f"The certificate that came is not for {host}.",
            "Use the host name that the certificate is for in FOTOWEB_URL, or have the certificate changed.",
        )
    if code == _EXPIRED:
        return bad(f"The certificate of {host} has expired.", "Have it renewed. Is this machine's clock right?")
    if code == _NOT_YET_VALID:
        return bad(f"The certificate of {host} is not valid yet.", "Is this machine's clock right?")
    return bad(f"The certificate of {host} is not accepted: {error.verify_message}.", "Have the certificate corrected.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what caused it, outermost first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
