"""Checks the token endpoint with a code that FotoWeb never gave: are the credentials right?"""

from __future__ import annotations

import json
import secrets

import httpx

from fotoweb_middleware.cli.checks.finding import Finding, bad, ok, warn
from fotoweb_middleware.cli.checks.network import Reply
from fotoweb_middleware.effects import HttpReply
from fotoweb_middleware.fotoweb.pkce import make_verifier
from fotoweb_middleware.fotoweb.tokens import TOKEN_PATH, build_code_form, read_error_code
from fotoweb_middleware.settings import Settings

__all__ = ["judge_token", "token_form", "token_url"]

_LONGEST_WORDS = 200


def token_url(settings: Settings) -> str:
    """Return the address of the token endpoint."""
    return f"{settings.url}{TOKEN_PATH}"


def token_form(settings: Settings) -> dict[str, str]:
    """Return the form of a login's last step, with a code that is sure to be wrong."""
    return dict(
        build_code_form(
            client_id=settings.client_id,
            client_secret=settings.client_secret.get_secret_value(),
            code=f"check-{secrets.token_urlsafe(16)}",
            redirect_uri=settings.redirect_uri if settings.send_redirect_uri else None,
            code_verifier=make_verifier(secrets.token_bytes) if settings.pkce else None,
        )
    )


def judge_token(reply: Reply, settings: Settings) -> Finding:
    """Say what the answer to ``token_form`` means (RFC 6749, 5.2)."""
    words = _words(reply, settings.client_secret.get_secret_value())
    error = read_error_code(HttpReply(reply.status, None, reply.body))
    if error == "invalid_client":
        return bad(
            "The token endpoint does not accept the credentials (invalid_client).",
            "FOTOWEB_CLIENT_SECRET or FOTOWEB_CLIENT_ID is wrong. The secret can't be shown again in FotoWeb, only "
            "generated anew: Site Configuration > Integrations > Applications.",
        )
    if error == "invalid_grant":
        return ok("The token endpoint accepts the credentials (a made-up code was turned down, as it should be).")
    if error == "invalid_request":
        return ok(f"The token endpoint does not turn the credentials down; to a made-up code it says {error}{words}.")
    if error:
        return bad(
            f"The token endpoint answers {error} (HTTP {reply.status}){words}.",
            "In FotoWeb, open Site Configuration > Integrations > Applications: is the type Web App / API?",
        )
    return _without_error_code(reply)


def _words(reply: Reply, secret: str) -> str:
    """Return FotoWeb's own ``error_description``, escaped and cut, with a colon before it; "" where there is none."""
    try:
        words = json.loads(reply.body)["error_description"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return f": {ascii(words.replace(secret, '***'))[:_LONGEST_WORDS]}" if isinstance(words, str) else ""


def _without_error_code(reply: Reply) -> Finding:
    status = reply.status
    if status >= 500 or status == httpx.codes.TOO_MANY_REQUESTS:
        return bad(f"The token endpoint answers HTTP {status}.", "FotoWeb has trouble; try again later.")
    if 300 <= status < 400:
        return bad(
            f"The token endpoint redirects (HTTP {status}); a POST must not be redirected.",
            "Set FOTOWEB_URL to the address that browsers end up at.",
        )
    if status in {httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        return warn(
            f"The token endpoint answers HTTP {status} without an error code that can be read.",
            "The credentials may be wrong, or a proxy in between turned the request down.",
        )
    kind = reply.headers.get("content-type", "no content type").partition(";")[0]
    return bad(
        f"The token endpoint answers HTTP {status} with {ascii(kind)[1:-1][:60]}, not with an OAuth error.",
        "Something else answers at this address. Is FOTOWEB_URL right? Does a proxy show a page of its own?",
    )
