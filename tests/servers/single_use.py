"""Connections that serve one request each, and that no pool can close under another thread's hands."""

from __future__ import annotations

import ssl

import httpx

__all__ = ["SingleUseTransport"]


class SingleUseTransport(httpx.BaseTransport):
    """Opens a connection for each request and closes it once the answer is there; safe from any number of threads.

    A pool that keeps no idle connection (httpcore 1.0.9) is not: where one thread's answer ends while another looks
    for a connection, that one may take it over and find it closed by the first: "Bad file descriptor".

    Args:
        tls: Trusts the servers' certificates; None: those that everybody trusts.
        http2: Whether it speaks HTTP/2 with servers that can.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, *, http2: bool = False) -> None:
        self._tls = tls or ssl.create_default_context()  # Made once: it takes longer than a request.
        self._http2 = http2

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read its whole answer."""
        with httpx.HTTPTransport(verify=self._tls, http2=self._http2, trust_env=False) as connection:
            response = connection.handle_request(request)
            content = b"".join(response.iter_raw())
            response.close()
        return httpx.Response(
            response.status_code, headers=response.headers, content=content, extensions=response.extensions
        )
