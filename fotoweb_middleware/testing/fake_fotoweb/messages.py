"""Requests and responses as plain values, so that the transports and the server run the same code."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

__all__ = [
    "FakeRequest",
    "FakeResponse",
    "Headers",
    "Outcome",
    "html_response",
    "json_response",
    "redirect",
    "single_values",
]

Headers = tuple[tuple[str, str], ...]
Outcome = Literal["answered", "dropped", "timed out", "unreachable"]

PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Pages need no script and no outside resource. No form-action: browsers apply it to the redirect after a form too."""


@dataclass(frozen=True, slots=True)
class FakeRequest:
    """One HTTP request as the simulator sees it.

    Args:
        method: upper case.
        path: percent-encoded, as it was sent, without the query.
        query: what follows the `?`.
        headers: names in lower case.
        body: the whole body.
        origin: scheme, host and port that the client used.
        read_timeout_seconds: how long an in-process client waits; None: as long as it takes.
    """

    method: str
    path: str
    query: str = field(default="", repr=False)
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    origin: str = "http://fotoweb.test"
    read_timeout_seconds: float | None = None

    def header(self, name: str) -> str | None:
        """Give a header's value; several values are joined with commas, as HTTP says."""
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None

    def cookie(self, name: str) -> str | None:
        """Give a cookie's value. Other cookies of the same host, however odd, don't get in the way."""
        pairs = [pair.strip() for key, value in self.headers if key == "cookie" for pair in value.split(";")]
        return next((pair.partition("=")[2] for pair in pairs if pair.startswith(f"{name}=")), None)

    def query_pairs(self) -> list[tuple[str, str]]:
        """Read the query. Empty values are kept."""
        return parse_qsl(self.query, keep_blank_values=True)

    def form(self) -> dict[str, str]:
        """Read a page's form leniently, the last of several values counts."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def without_header(self, name: str) -> FakeRequest:
        """Give the same request without one header."""
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0] != name))


@dataclass(frozen=True, slots=True)
class FakeResponse:
    """One HTTP response, or the lack of one.

    Args:
        status: HTTP status code.
        body: the whole body.
        headers: as they are sent, names in any case.
        outcome: "answered", or what the client sees instead.
    """

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Headers = field(default=(), repr=False)
    outcome: Outcome = "answered"

    def header(self, name: str) -> str | None:
        """Give the first header of that name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def with_header(self, name: str, value: str) -> FakeResponse:
        """Give the same response with one header set, whatever it was before."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))


def html_response(text: str, status: int = 200, headers: Headers = ()) -> FakeResponse:
    """Build a page that is never stored, framed or scripted."""
    fixed = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", PAGE_POLICY),
        ("Referrer-Policy", "no-referrer"),
    )
    return FakeResponse(status, text.encode(), (*fixed, *headers))


def json_response(
    content: dict[str, Any],
    status: int = 200,
    content_type: str = "application/json",
    headers: Headers = (),
) -> FakeResponse:
    """Build a JSON answer."""
    body = json.dumps(content, ensure_ascii=False).encode()
    return FakeResponse(status, body, (("Content-Type", content_type), *headers))


def redirect(location: str, headers: Headers = ()) -> FakeResponse:
    """Build a 302 that is never stored. FotoWeb's exact status is not documented."""
    return FakeResponse(302, b"", (("Location", location), ("Cache-Control", "no-store"), *headers))


def single_values(pairs: list[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    """Split parameters into the single ones and the names of those sent more than once.

    A parameter without a value counts as left out, and none may be sent twice (RFC 6749, 3.1 and 3.2).
    """
    sent = [(name, value) for name, value in pairs if value]
    names = [name for name, _ in sent]
    twice = sorted({name for name in names if names.count(name) > 1})
    return {name: value for name, value in sent if name not in twice}, twice
