"""One request to FotoWeb, and in plain words what can go wrong on the way."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import httpx

from fotoweb_middleware.cli.checks.finding import Finding, bad

MOST_BYTES = 64 * 1024

# OpenSSL's X509_V_ERR_* numbers.
NOT_YET_VALID, EXPIRED = 9, 10
UNKNOWN_ISSUER = (2, 18, 19, 20, 21)
WRONG_HOST = (62, 64)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, as far as the checks look at it: of its body, the first 64 KiB."""

    status: int
    headers: httpx.Headers
    body: bytes = field(repr=False)


def ask(
    client: httpx.Client, method: str, url: str, *, accept: str, form: Mapping[str, str] | None = None
) -> Reply | Finding:
    """Send one request and return the answer, or a finding that says why none came.

    Args:
        client: Follows no redirects.
        method: GET or POST.
        url: Where to; its query is not repeated in any finding.
        accept: The media type asked for.
        form: The body of a POST.
    """
    try:
        with client.stream(method, url, data=form, headers={"Accept": accept}) as response:
            return Reply(response.status_code, response.headers, next(response.iter_bytes(MOST_BYTES), b""))
    except httpx.HTTPError as error:
        return explain(error, httpx.URL(url))


def explain(error: httpx.HTTPError, url: httpx.URL) -> Finding:
    """Say in plain words why a request got no answer."""
    host = url.host
    for cause in causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return explain_certificate(cause, host)
            case ssl.SSLError():
                return bad(f"{host} does not speak TLS as it should: {cause.reason}.", "Is the port the one for https?")
            case socket.gaierror():
                hint = "Is FOTOWEB_URL spelled right? Does this machine's DNS know it?"
                return bad(f"The name {host} can't be found (DNS).", hint)
            case ConnectionRefusedError():
                port = url.port or (443 if url.scheme == "https" else 80)
                hint = "Does FotoWeb run there, and is the port right?"
                return bad(f"{host} refuses connections on port {port}.", hint)
    if isinstance(error, httpx.TimeoutException):
        hint = "Is a firewall or proxy in between? Can this machine reach it at all?"
        return bad(f"{host} did not answer within FOTOWEB_HTTP_TIMEOUT.", hint)
    return bad(
        f"The connection to {host} broke ({type(error).__name__}).",
        "Try again. If it happens again, look for a proxy or firewall in between.",
    )


def explain_certificate(error: ssl.SSLCertVerificationError, host: str) -> Finding:
    """Say in plain words why a certificate is not accepted."""
    code = error.verify_code
    if code in UNKNOWN_ISSUER:
        return bad(
            f"The certificate of {host} comes from an authority that this machine does not know (or from itself).",
            "Set FOTOWEB_CA_BUNDLE to a PEM file with the certificate of your authority.",
        )
    if code in WRONG_HOST:
        return bad(
            f"The certificate that came is not for {host}.",
            "Use the host name that the certificate is for in FOTOWEB_URL, or have the certificate changed.",
        )
    if code == EXPIRED:
        return bad(f"The certificate of {host} has expired.", "Have it renewed. Is this machine's clock right?")
    if code == NOT_YET_VALID:
        return bad(f"The certificate of {host} is not valid yet.", "Is this machine's clock right?")
    return bad(f"The certificate of {host} is not accepted: {error.verify_message}.", "Have the certificate corrected.")


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what caused it, outermost first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
