"""Faults: what goes wrong on purpose, for the next few requests or until cleared."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import parse_qs

from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse, Headers

__all__ = ["Endpoint", "Fault", "FaultBook", "endpoint_of"]

Endpoint = Literal["authorize", "token", "me", "api", "page"]

BAD_GATEWAY_PAGE = b"""<!DOCTYPE html>
<html><head><title>502 - Bad Gateway</title></head>
<body><h1>502 - Web server received an invalid response while acting as a gateway or proxy server.</h1></body></html>
"""
SERVER_ERROR_PAGE = b"<!DOCTYPE html><html><head><title>500</title></head><body><h1>Server Error</h1></body></html>"


def endpoint_of(path: str) -> Endpoint:
    """Tell which endpoint a path belongs to."""
    if path == "/fotoweb/oauth2/token":
        return "token"
    if path == "/fotoweb/oauth2/authorize":
        return "authorize"
    if path in {"/fotoweb/me", "/fotoweb/me/"}:
        return "me"
    api = (
        *("/fotoweb/me/", "/fotoweb/archives", "/fotoweb/data/", "/fotoweb/cache/", "/fotoweb/api/"),
        "/fotoweb/services/renditions",
    )
    return "api" if path.startswith(api) else "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. Create it with one of the class methods; `dataclasses.replace` combines them.

    Args:
        name: for reprs and records.
        processes: whether the request reaches FotoWeb's own code. With a fault that replaces or drops the answer,
            True means that FotoWeb did its work (a refresh token was rotated), but the client never finds out.
        delay_seconds: pause before anything else happens.
        drops_connection: no answer at all.
        strips_authorization: the request loses its Authorization header, as behind some reverse proxies.
        status: replaces the status.
        content_type: replaces the content type.
        body: replaces the body.
        headers: set on the answer.
    """

    name: str
    processes: bool = True
    delay_seconds: float = 0
    drops_connection: bool = False
    strips_authorization: bool = False
    status: int | None = None
    content_type: str | None = None
    body: bytes | None = field(default=None, repr=False)
    headers: Headers = ()

    @classmethod
    def bad_gateway(cls) -> Fault:
        """A 502 with an HTML body, as from a proxy in front of FotoWeb."""
        return cls._page("bad gateway", 502, BAD_GATEWAY_PAGE)

    @classmethod
    def server_error(cls) -> Fault:
        """A 500 with an HTML body."""
        return cls._page("server error", 500, SERVER_ERROR_PAGE)

    @classmethod
    def too_many_requests(cls, retry_after_seconds: int = 30) -> Fault:
        """A 429 with Retry-After."""
        return replace(
            cls._page("too many requests", 429, b"<!DOCTYPE html><title>Too Many Requests</title>"),
            headers=(("Retry-After", str(retry_after_seconds)),),
        )

    @classmethod
    def slow(cls, delay_seconds: float) -> Fault:
        """The right answer, late. A client that gives up earlier misses it, but FotoWeb still does its work."""
        return cls(name="slow", delay_seconds=delay_seconds)

    @classmethod
    def dropped(cls, *, after_processing: bool = False) -> Fault:
        """The connection ends without an answer, before or after FotoWeb did its work."""
        return cls(name="dropped connection", drops_connection=True, processes=after_processing)

    @classmethod
    def invalid_client(cls, status: int = 401) -> Fault:
        """The token endpoint says that the client is unknown or its secret wrong."""
        return cls.oauth_error("invalid_client", status, "Client authentication failed.")

    @classmethod
    def invalid_grant(cls, status: int = 400) -> Fault:
        """The token endpoint refuses the code or refresh token, which stays valid."""
        return cls.oauth_error("invalid_grant", status, "The grant is invalid, expired or revoked.")

    @classmethod
    def oauth_error(cls, error: str, status: int = 400, description: str = "") -> Fault:
        """Any error document of RFC 6749, 5.2."""
        content = {"error": error} | ({"error_description": description} if description else {})
        body = json.dumps(content).encode()
        return cls(name=error, processes=False, status=status, content_type="application/json", body=body)

    @classmethod
    def replaced(
        cls,
        *,
        body: bytes | str | None = None,
        status: int | None = None,
        content_type: str | None = None,
        processes: bool = False,
    ) -> Fault:
        """An answer with these parts replaced.

        Args:
            body: the raw body; None keeps FotoWeb's (empty unless `processes`).
            status: None keeps FotoWeb's (200 unless `processes`).
            content_type: None keeps FotoWeb's (`application/json` unless `processes`).
            processes: whether FotoWeb does its work first.
        """
        raw = body.encode() if isinstance(body, str) else body
        return cls(name="replaced", processes=processes, body=raw, status=status, content_type=content_type)

    @classmethod
    def stripped_authorization(cls) -> Fault:
        """The Authorization header is lost on the way, as behind some reverse proxies."""
        return cls(name="stripped Authorization", strips_authorization=True)

    @classmethod
    def _page(cls, name: str, status: int, body: bytes) -> Fault:
        return cls(name=name, processes=False, status=status, content_type="text/html; charset=utf-8", body=body)

    def change_request(self, request: FakeRequest) -> FakeRequest:
        """Give the request as FotoWeb gets it."""
        return request.without_header("authorization") if self.strips_authorization else request

    def change_response(self, real: FakeResponse | None) -> FakeResponse:
        """Give the answer as the client gets it; `real` is None where FotoWeb never saw the request."""
        changed = real or FakeResponse(200, b"", (("Content-Type", "application/json"),))
        if self.status is not None:
            changed = replace(changed, status=self.status)
        if self.body is not None:
            changed = replace(changed, body=self.body)
        for name, value in (*self.headers, *((("Content-Type", self.content_type),) if self.content_type else ())):
            changed = changed.with_header(name, value)
        return replace(changed, outcome="dropped") if self.drops_connection else changed


@dataclass(slots=True)
class _Entry:
    endpoint: Endpoint
    fault: Fault
    times: int | None
    grant_type: str | None

    def fits(self, request: FakeRequest) -> bool:
        if endpoint_of(request.path) != self.endpoint:
            return False
        if self.grant_type is None:
            return True
        return parse_qs(request.body.decode("utf-8", "replace")).get("grant_type") == [self.grant_type]


class FaultBook:
    """The faults that are set. The first one that fits a request is used; not locked by itself."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    def add(self, endpoint: Endpoint, fault: Fault, times: int | None, grant_type: str | None) -> None:
        """Queue a fault behind those already set."""
        self._entries.append(_Entry(endpoint, fault, times, grant_type))

    def clear(self, endpoint: Endpoint | None) -> None:
        """Forget the faults of one endpoint, or all."""
        self._entries = [entry for entry in self._entries if endpoint not in {None, entry.endpoint}]

    def take(self, request: FakeRequest) -> Fault | None:
        """Give the fault for this request, if there is one, and count it."""
        entry = next((entry for entry in self._entries if entry.fits(request)), None)
        if entry is None:
            return None
        if entry.times is not None:
            entry.times -= 1
            if entry.times <= 0:
                self._entries.remove(entry)
        return entry.fault
