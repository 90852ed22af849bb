"""The token endpoint: POST /fotoweb/oauth2/token. Strict on every MUST of the manual.

Source: FotoWeb "Web Application or API authorization", "Refreshing tokens", "Non-interactive application
authorization with OAuth 2.0"; RFC 6749, 3.2, 4.1.3, 5 and 6; RFC 7636, 4.5 and 4.6; RFC 9700, 2.1.1.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Final
from urllib.parse import parse_qsl

from fotoweb_middleware.testing.fake_fotoweb.access_tokens import encode_base64url, mint_access_token
from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse, json_response, single_values
from fotoweb_middleware.testing.fake_fotoweb.registration import ADMINISTRATOR, Client
from fotoweb_middleware.testing.fake_fotoweb.state import AccessToken, Code, Grant, RefreshToken, Site
from fotoweb_middleware.testing.fake_fotoweb.switches import Switches

__all__ = ["read_token_form", "token"]

FORM_TYPE: Final = "application/x-www-form-urlencoded"
VERIFIER: Final = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
NEVER_STORED: Final = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
GRANTS_OF: Final = {
    "web": {"authorization_code", "refresh_token"},
    "native": {"authorization_code", "refresh_token"},
    "script": {"client_credentials"},
}


class TokenError(Exception):
    """A refusal with an error code of RFC 6749, 5.2."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = description


def token(site: Site, request: FakeRequest) -> FakeResponse:
    """Answer a token request."""
    try:
        values = read_token_form(request)
        client = authenticate(site, values)
        grant, rotates = find_grant(site, client, values)
    except TokenError as refusal:
        status = site.switches.invalid_client_status if refusal.error == "invalid_client" else 400
        content = {"error": refusal.error, "error_description": refusal.description}
        return json_response(content, status, headers=NEVER_STORED)
    return issue(site, grant, request.origin, spent=values.get("refresh_token", ""), rotates=rotates)


def read_token_form(request: FakeRequest) -> dict[str, str]:
    """Read the form body.

    Raises:
        TokenError: invalid_request, when the content isn't a form in UTF-8, a parameter was sent twice, or anything
            came in the query or in an Authorization header instead of the body.
    """
    content_type = (request.header("content-type") or "").split(";")[0].strip().lower()
    if content_type != FORM_TYPE:
        raise TokenError("invalid_request", f"The content type must be {FORM_TYPE}.")
    if request.query:
        raise TokenError("invalid_request", "Parameters go in the body, not in the URL.")
    if request.header("authorization") is not None:
        raise TokenError("invalid_request", "Credentials go in the body, not in the Authorization header.")
    try:
        text = request.body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict", max_num_fields=50)
    except ValueError:
        raise TokenError("invalid_request", "The body is not a form in UTF-8.") from None
    values, twice = single_values(pairs)
    if twice:
        raise TokenError("invalid_request", f"Sent more than once: {', '.join(twice)}.")
    return values


def authenticate(site: Site, values: dict[str, str]) -> Client:
    """Find the client and check its secret, which native clients must not send.

    Raises:
        TokenError: invalid_client or invalid_request.
    """
    client = site.clients.get(values.get("client_id", ""))
    if client is None:
        raise TokenError("invalid_client", "The client_id is missing or unknown.")
    secret = values.get("client_secret")
    if client.kind == "native":
        if secret is not None:
            raise TokenError("invalid_request", "A native application must not send a client_secret.")
    elif secret is None or not hmac.compare_digest(secret.encode(), client.client_secret.encode()):
        raise TokenError("invalid_client", "The client_secret is missing or wrong.")
    return client


def find_grant(site: Site, client: Client, values: dict[str, str]) -> tuple[Grant, bool]:
    """Find or make the grant that the request is about, and tell whether a fresh refresh token goes with it.

    Raises:
        TokenError: when the client may not do this, or what it shows is not good.
    """
    kind = values.get("grant_type")
    if kind is None:
        raise TokenError("invalid_request", "The parameter grant_type is missing.")
    if kind not in {"authorization_code", "refresh_token", "client_credentials"}:
        raise TokenError("unsupported_grant_type", "This grant_type is not supported.")
    if kind not in GRANTS_OF[client.kind]:
        raise TokenError("unauthorized_client", "This application is not registered for this grant_type.")
    if kind == "client_credentials":
        return Grant(client_id=client.client_id, user=ADMINISTRATOR), False
    if kind == "authorization_code":
        return exchange_code(site, client, values), True
    return use_refresh_token(site, client, values)


def exchange_code(site: Site, client: Client, values: dict[str, str]) -> Grant:
    """Check a code and use it up. A failed try leaves it as it was, except a second use where the switch says so.

    Raises:
        TokenError: invalid_request or invalid_grant.
    """
    if "code" not in values:
        raise TokenError("invalid_request", "The parameter code is missing.")
    code = site.codes.get(values["code"])
    if code is None or code.asked.client.client_id != client.client_id:
        raise TokenError("invalid_grant", "The code is unknown, or was given to another application.")
    if code.grant is not None:
        code.grant.revoked = code.grant.revoked or site.switches.code_reuse_revokes
        raise TokenError("invalid_grant", "The code was used before.")
    if code.expires_at <= site.now():
        raise TokenError("invalid_grant", "The code has expired.")
    check_redirect_uri(code, values.get("redirect_uri"))
    check_verifier(code.asked.code_challenge, values.get("code_verifier"))
    code.grant = Grant(client_id=client.client_id, user=code.user)
    return code.grant


def check_redirect_uri(code: Code, sent: str | None) -> None:
    """Hold the manual's rule: given here if and only if it was given at authorize, and identical.

    Raises:
        TokenError: invalid_request or invalid_grant.
    """
    if code.asked.redirect_uri_was_sent and sent is None:
        raise TokenError("invalid_request", "The redirect_uri is missing: the authorize request had one.")
    if not code.asked.redirect_uri_was_sent and sent is not None:
        raise TokenError("invalid_request", "The redirect_uri must not be given: the authorize request had none.")
    if sent is not None and sent != code.asked.redirect_uri:
        raise TokenError("invalid_grant", "The redirect_uri is not that of the authorize request.")


def check_verifier(challenge: str | None, verifier: str | None) -> None:
    """Check the PKCE verifier; without a challenge there must be none (RFC 9700, 2.1.1).

    Raises:
        TokenError: invalid_grant.
    """
    if challenge is None:
        if verifier is not None:
            raise TokenError("invalid_grant", "There is a code_verifier, but there was no code_challenge.")
        return
    if verifier is None or not VERIFIER.fullmatch(verifier):
        raise TokenError("invalid_grant", "The code_verifier is missing or malformed.")
    if not hmac.compare_digest(encode_base64url(hashlib.sha256(verifier.encode()).digest()), challenge):
        raise TokenError("invalid_grant", "The code_verifier does not fit the code_challenge.")


def use_refresh_token(site: Site, client: Client, values: dict[str, str]) -> tuple[Grant, bool]:
    """Check a refresh token, and end it where this refresh rotates it.

    Raises:
        TokenError: invalid_request or invalid_grant.
    """
    if "refresh_token" not in values:
        raise TokenError("invalid_request", "The parameter refresh_token is missing.")
    known = site.refresh_tokens.get(values["refresh_token"])
    if known is None or known.grant.client_id != client.client_id:
        raise TokenError("invalid_grant", "The refresh_token is unknown, or was given to another application.")
    if known.rotated:
        known.grant.revoked = known.grant.revoked or site.switches.refresh_reuse_revokes
        raise TokenError("invalid_grant", "The refresh_token was replaced by a newer one.")
    if known.grant.revoked or (known.expires_at is not None and known.expires_at <= site.now()):
        raise TokenError("invalid_grant", "The refresh_token has expired or was revoked.")
    known.grant.refreshes += 1
    known.rotated = is_rotated(site.switches, known.grant.refreshes)
    return known.grant, known.rotated


def is_rotated(switches: Switches, refreshes: int) -> bool:
    """Tell whether the nth refresh of a login gives a new refresh token."""
    return switches.rotate_every > 0 and refreshes % switches.rotate_every == 0


def issue(site: Site, grant: Grant, origin: str, *, spent: str, rotates: bool) -> FakeResponse:
    """Make the tokens and write the answer."""
    switches, now = site.switches, site.now()
    access_token = mint_access_token(site, grant.user, origin)
    site.access_tokens[access_token] = AccessToken(grant=grant, expires_at=now + switches.access_token_lifetime_seconds)
    members = [("access_token", json.dumps(access_token))]
    if switches.token_type is not None:
        members.append(("token_type", json.dumps(switches.token_type)))
    members += expires_in_member(switches)
    members += refresh_token_member(site, grant, spent=spent, rotates=rotates)
    body = "{" + ",".join(f'"{name}":{text}' for name, text in members) + "}"
    return FakeResponse(200, body.encode(), (("Content-Type", "application/json"), *NEVER_STORED))


def expires_in_member(switches: Switches) -> list[tuple[str, str]]:
    """Write `expires_in` as JSON text: FotoWeb writes a number with six decimals, which `json.dumps` would shorten."""
    if switches.expires_in_raw is not None:
        return [("expires_in", switches.expires_in_raw)]
    seconds = switches.access_token_lifetime_seconds
    text = {"decimal": f"{seconds:.6f}", "integer": str(int(seconds)), "string": f'"{int(seconds)}"'}
    style = switches.expires_in_style
    return [] if style == "absent" else [("expires_in", text[style])]


def refresh_token_member(site: Site, grant: Grant, *, spent: str, rotates: bool) -> list[tuple[str, str]]:
    """Write `refresh_token` as JSON text. Scripts get none."""
    switches = site.switches
    if not switches.refresh_tokens or grant.user is ADMINISTRATOR:
        return []
    if not rotates:
        kept = {"null": "null", "empty": '""', "repeated": json.dumps(spent)}.get(switches.kept_refresh_token)
        return [] if kept is None else [("refresh_token", kept)]
    fresh = site.random_text(max(43, switches.refresh_token_length))
    lifetime = switches.refresh_token_lifetime_seconds
    expires_at = None if lifetime is None else site.now() + lifetime
    site.refresh_tokens[fresh] = RefreshToken(grant=grant, expires_at=expires_at)
    return [("refresh_token", json.dumps(fresh))]
