"""HTTP to FotoWeb, as far as it is the same for both drivers.

No connection is used twice: a surplus answer on a kept connection would be read as the next caller's.
Redirects are never followed, since they would carry the client's secret elsewhere.
"""

from __future__ import annotations

import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode

import httpx

from fotoweb_middleware.effects import GetDocument, HttpReply, PostForm
from fotoweb_middleware.errors import FotoWebNonsense, FotoWebUnreachable
from fotoweb_middleware.settings import Settings

__all__ = ["BodyReader", "client_options", "read_reply", "request_parts", "unreachable"]

MAX_BODY_BYTES = 262_144
FIRST_SERVER_ERROR = 500
MAX_CONNECTIONS = 200
HEADERS = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "fotoweb-middleware"}


def client_options(settings: Settings) -> dict[str, Any]:
    """Return what both kinds of httpx client are made with; the TLS context is built once."""
    return {
        "verify": tls_context(settings),
        "timeout": settings.http_timeout,
        "limits": httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=0),
        "follow_redirects": False,
        "headers": HEADERS,
        # One client serves every user: a cookie that FotoWeb set for one must not go out with another's call.
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    }


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Trust the system's certificate authorities, or those of ``FOTOWEB_CA_BUNDLE`` alone."""
    context = ssl.create_default_context(cafile=settings.ca_bundle)
    if settings.ca_bundle is None and not context.get_ca_certs() and not context.cert_store_stats()["x509_ca"]:
        # A machine without certificate authorities, such as a bare container: httpx brings Mozilla's list.
        import certifi  # noqa: PLC0415

        context.load_verify_locations(certifi.where())
    return context


def request_parts(effect: PostForm | GetDocument) -> dict[str, Any]:
    """Return the arguments of ``httpx.Client.stream`` for an effect."""
    if isinstance(effect, PostForm):
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        return {"method": "POST", "url": effect.url, "content": urlencode(effect.fields), "headers": headers}
    headers = {"Accept": effect.accept, "Authorization": f"Bearer {effect.access_token}"}
    return {"method": "GET", "url": effect.url, "headers": headers}


class BodyReader:
    """Collects a body up to a limit."""

    def __init__(self, response: httpx.Response) -> None:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        is_wanted = response.status_code < FIRST_SERVER_ERROR  # What a failing server says is not looked at.
        if encoding not in {"", "identity"} and is_wanted:
            msg = "FotoWeb sent a compressed answer that was not asked for"
            raise FotoWebNonsense(msg)
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Take one more piece.

        Raises:
            FotoWebNonsense: The body is larger than any token answer.
        """
        self._size += len(chunk)
        if self._size > MAX_BODY_BYTES:
            msg = f"FotoWeb's answer is larger than {MAX_BODY_BYTES} bytes"
            raise FotoWebNonsense(msg)
        self._chunks.append(chunk)

    def body(self) -> bytes:
        """Return what was collected."""
        return b"".join(self._chunks)


def read_reply(response: httpx.Response, body: bytes) -> HttpReply:
    """Return an answer as flows see it."""
    headers = response.headers
    return HttpReply(response.status_code, headers.get("retry-after"), body)


def unreachable(error: Exception) -> FotoWebUnreachable:
    """Return the error of our own tree for a failed call; its text holds no secret."""
    # The text of other errors, such as h11's about a garbled answer, quotes what came: perhaps a token.
    is_safe = isinstance(error, httpx.NetworkError | httpx.TimeoutException) and str(error)
    words = f"{type(error).__name__}: {error}"[:200] if is_safe else type(error).__name__
    return FotoWebUnreachable(f"FotoWeb could not be reached ({words})")
