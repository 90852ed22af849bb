"""What happened at the simulator, for tests to look at. Records hold no secrets, only fingerprints of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from urllib.parse import parse_qsl

from fotoweb_middleware.testing.fake_fotoweb.faults import Fault
from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse, Outcome
from fotoweb_middleware.testing.fake_fotoweb.state import Site

__all__ = ["RequestRecord", "TokenFacts", "TokenRequest", "fingerprint", "read_token_facts", "record_token_request"]


def fingerprint(secret: str) -> str:
    """Return a short name for a secret that doesn't reveal it; the same secret always gets the same name."""
    return hashlib.sha256(secret.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request of any kind.

    Args:
        method: upper case.
        path: percent-encoded, without the query.
        status: as sent.
        outcome: "answered", "dropped" or "timed out".
        received_at: epoch seconds.
        fault: name of the fault that was used; empty: none.
    """

    method: str
    path: str
    status: int
    outcome: Outcome
    received_at: float
    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """What a token request says of itself, read before it is answered."""

    grant_type: str
    client_id: str
    user_name: str
    code: str
    refresh_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """One request to the token endpoint.

    Args:
        grant_type: as sent; empty: none.
        client_id: as sent; empty: none.
        user_name: whose code or refresh token it was; empty: nobody's.
        status: as sent.
        outcome: "answered", "dropped" or "timed out".
        error: the OAuth error code of the answer; empty: none.
        issued: whether FotoWeb issued tokens, even if a fault kept the client from seeing them.
        received_at: epoch seconds, after a fault's delay.
        fault: name of the fault that was used; empty: none.
        code: fingerprint of the code; empty: none was sent.
        refresh_token: fingerprint of the refresh token; empty: none was sent.
    """

    grant_type: str
    client_id: str
    user_name: str
    status: int
    outcome: Outcome
    error: str
    issued: bool
    received_at: float
    fault: str
    code: str
    refresh_token: str


def read_token_facts(site: Site, request: FakeRequest) -> TokenFacts:
    """Read what can be read of a token request, however wrong it is."""
    values = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    code, refresh_token = values.get("code", ""), values.get("refresh_token", "")
    user_name = ""
    if code in site.codes:
        user_name = site.codes[code].user.user_name
    elif refresh_token in site.refresh_tokens:
        user_name = site.refresh_tokens[refresh_token].grant.user.user_name
    return TokenFacts(
        grant_type=values.get("grant_type", ""),
        client_id=values.get("client_id", ""),
        user_name=user_name,
        code=fingerprint(code) if code else "",
        refresh_token=fingerprint(refresh_token) if refresh_token else "",
    )


def record_token_request(
    facts: TokenFacts, real: FakeResponse | None, sent: FakeResponse, fault: Fault | None, received_at: float
) -> TokenRequest:
    """Put a token request and its answers on record; `real` is None where FotoWeb never saw the request."""
    return TokenRequest(
        grant_type=facts.grant_type,
        client_id=facts.client_id,
        user_name=facts.user_name,
        status=sent.status,
        outcome=sent.outcome,
        error=read_error(sent.body),
        issued=real is not None and real.status == 200,
        received_at=received_at,
        fault=fault.name if fault else "",
        code=facts.code,
        refresh_token=facts.refresh_token,
    )


def read_error(body: bytes) -> str:
    """Read the error code of an answer, if it has one."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return str(content.get("error", "")) if isinstance(content, dict) else ""
