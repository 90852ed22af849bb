"""What goes to FotoWeb and what comes back, as values whose repr shows no secret."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from fotoweb_middleware.errors import FotoWebNonsense


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
    """

    status: int
    retry_after: str | None
    body: bytes = field(repr=False)


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
        raise FotoWebNonsense(f"FotoWeb answered HTTP {reply.status} without a JSON object")
    return document
