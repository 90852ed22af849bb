"""Checks the authorize endpoint: is that a FotoWeb, and does it know the application?"""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from fotoweb_middleware.cli.checks.finding import Finding, bad, ok, warn
from fotoweb_middleware.cli.checks.network import Reply
from fotoweb_middleware.fotoweb.authorize import build_authorize_url
from fotoweb_middleware.fotoweb.pkce import challenge_of, make_verifier
from fotoweb_middleware.settings import Settings

__all__ = ["authorize_url", "is_a_fotoweb", "judge_authorize"]

_PATH = "/fotoweb/oauth2/authorize"
_REGISTRATION = "Site Configuration > Integrations > Applications"


def authorize_url(settings: Settings) -> str:
    """Return an authorize address as a login would use it, for a login that nobody will finish."""
    return build_authorize_url(
        settings.url,
        client_id=settings.client_id,
        redirect_uri=settings.redirect_uri if settings.send_redirect_uri else None,
        state=secrets.token_urlsafe(32),
        code_challenge=challenge_of(make_verifier(secrets.token_bytes)) if settings.pkce else None,
    )


def judge_authorize(reply: Reply, settings: Settings) -> list[Finding]:
    """Say what the answer to ``authorize_url`` means.

    FotoWeb never redirects where the client or the redirect URI is wrong ("Handling OAuth 2.0 errors").
    """
    if reply.status == httpx.codes.NOT_FOUND:
        return [_not_found(reply, settings)]
    if reply.status >= 500 or reply.status == httpx.codes.TOO_MANY_REQUESTS:
        return [bad(f"The authorize endpoint answers HTTP {reply.status}.", "FotoWeb has trouble; try again later.")]
    if reply.status >= 400:
        return [_refused(reply.status, settings)]
    if 300 <= reply.status < 400:
        return [_redirected(reply.headers.get("location", ""), settings)]
    return [ok(f"The authorize endpoint of {settings.url} shows a page for logging in.")]


def is_a_fotoweb(findings: list[Finding]) -> bool:
    """Whether it is worth while to ask the token endpoint too."""
    return not any("is that a FotoWeb" in finding.mend for finding in findings)


def _not_found(reply: Reply, settings: Settings) -> Finding:
    if reply.is_from_fotoware:
        return bad(
            f"{settings.url} is a FotoWeb without {_PATH} (HTTP 404).",
            "OAuth 2.0 came with FotoWeb 8.0.850: which version is this?",
        )
    return bad(
        f"There is nothing at {settings.url}{_PATH} (HTTP 404).",
        "Look at FOTOWEB_URL: is that a FotoWeb? (Fotoware Alto is another product, and not supported.)",
    )


def _refused(status: int, settings: Settings) -> Finding:
    what = f"The authorize endpoint turns the application down (HTTP {status}), without a redirect."
    compare = f"In FotoWeb, open {_REGISTRATION}. Is the client ID the same as FOTOWEB_CLIENT_ID?"
    if settings.redirect_uri and settings.send_redirect_uri:
        return bad(what, f"{compare} Is {settings.redirect_uri} registered, letter for letter?")
    if settings.send_redirect_uri:
        return warn(
            f"{what} A login sends a redirect URI; this check sent none, since FOTOWEB_REDIRECT_URI is not set.",
            f"{compare} If so, and several redirect URIs are registered, logins work: set FOTOWEB_REDIRECT_URI to one "
            "of them and check again to be sure.",
        )
    return bad(what, f"{compare} With FOTOWEB_SEND_REDIRECT_URI=false, exactly one redirect URI may be registered.")


def _redirected(location: str, settings: Settings) -> Finding:
    target = urljoin(f"{settings.url}{_PATH}", location)
    parts = urlsplit(target)
    origin = f"{parts.scheme}://{parts.netloc}"
    if target.partition("?")[0] == settings.redirect_uri:
        return _called_back(parse_qs(parts.query))
    if parts.path == _PATH and origin != settings.url:
        return bad(f"{settings.url} sends browsers on to {origin}.", f"Set FOTOWEB_URL={origin}.")
    if origin == settings.url:
        return ok(f"The authorize endpoint of {settings.url} leads to its login.")
    return ok(f"The authorize endpoint of {settings.url} leads to a login at {parts.netloc}.")


def _called_back(query: dict[str, list[str]]) -> Finding:
    error = ascii(query.get("error", [""])[0])[1:-1][:64]
    if not error:
        return ok("The authorize endpoint leads straight back to the callback.")
    if error in {"temporarily_unavailable", "server_error"}:
        return warn(f"The authorize endpoint answers {error}.", "FotoWeb has trouble; try again later.")
    return bad(
        f"The authorize endpoint knows the application, but answers {error}.",
        f"In FotoWeb, open {_REGISTRATION}: is its type Web App / API, and is the site licensed for it?",
    )
