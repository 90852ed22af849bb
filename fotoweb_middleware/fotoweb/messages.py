"""What goes to FotoWeb and what comes back, as values whose repr shows no secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from fotoweb_middleware.errors import FotoWebNonsense
from fotoweb_middleware.events import HARMLESS_ID


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a POST: secrets among them, so nothing that fails may show them."""

    fields: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer of FotoWeb's.

    Attributes:
        status: HTTP status.
        retry_after: The Retry-After header, None where absent.
        body: At most 256 KiB, not compressed.
        date: By FotoWeb's clock, in epoch seconds; None where it does not tell.
        request_id: FotoWeb's own name of the call; None where it tells none.
    """

    status: int
    retry_after: str | None
    body: bytes = field(repr=False)
    date: float | None = None
    request_id: str | None = None


def read_date(value: str | None) -> float | None:
    """Return the epoch seconds of a Date header (RFC 9110, 6.6.1); None where it is absent or none."""
    try:
        return None if value is None else parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


def read_request_id(headers: Mapping[str, str]) -> str | None:
    """Return what FotoWeb calls a call, as proxies and servers write it, where nothing in it can do harm."""
    given = (headers.get(name, "") for name in ("x-request-id", "x-correlation-id"))
    return next(filter(HARMLESS_ID.fullmatch, given), None)


def read_object(reply: HttpReply) -> dict[str, Any]:
    """Return the JSON object in an answer.

    Raises:
        FotoWebNonsense: It is no JSON object, whatever the reason.
    """
    try:
        document = json.loads(reply.body.decode("utf-8"))
    except (ValueError, RecursionError):  # UnicodeDecodeError and too many digits are ValueErrors.
        document = None
    if not isinstance(document, dict):
        what = "a web page in place of JSON" if reply.body.lstrip()[:1] == b"<" else "no JSON object"
        raise FotoWebNonsense(f"FotoWeb answered HTTP {reply.status} with {what}")
    return document
