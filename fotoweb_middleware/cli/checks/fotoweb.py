"""Checks FotoWeb: the authorize endpoint, the clocks, and the token endpoint with a code that FotoWeb never gave."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from fotoweb_middleware.cli.checks.finding import Finding, bad, ok, warn
from fotoweb_middleware.cli.checks.network import Reply, ask
from fotoweb_middleware.fotoweb.authorize import AUTHORIZE_PATH, build_authorize_url
from fotoweb_middleware.fotoweb.messages import HttpReply
from fotoweb_middleware.fotoweb.pkce import challenge_of, make_verifier
from fotoweb_middleware.fotoweb.tokens import TOKEN_PATH, build_code_form, read_error_code
from fotoweb_middleware.settings import Settings

REGISTRATION = "Site Configuration > Integrations > Applications"
TROUBLE = "FotoWeb has trouble; try again later."
LONGEST_DESCRIPTION = 200
MAX_SKEW_SECONDS = 60


def check_fotoweb(settings: Settings, client: httpx.Client, *, clock: Callable[[], float]) -> list[Finding]:
    """Ask both endpoints what they think of these settings. The client must follow no redirects."""
    redirect_uri = settings.redirect_uri if settings.send_redirect_uri else None
    verifier = make_verifier(secrets.token_bytes) if settings.pkce else None
    authorize_url = build_authorize_url(
        settings.url,
        client_id=settings.client_id,
        redirect_uri=redirect_uri,
        state=secrets.token_urlsafe(32),
        code_challenge=challenge_of(verifier) if verifier else None,
    )
    page = ask(client, "GET", authorize_url, accept="text/html")
    if isinstance(page, Finding):
        return [page]
    if page.status == httpx.codes.NOT_FOUND and not is_from_fotoware(page):
        what = f"There is nothing at {settings.url}{AUTHORIZE_PATH} (HTTP 404)."
        hint = "Look at FOTOWEB_URL: is that a FotoWeb? (Fotoware Alto is another product, and not supported.)"
        return [bad(what, hint)]  # The secret is not sent there.
    form = build_code_form(
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value(),
        code=f"check-{secrets.token_urlsafe(16)}",
        redirect_uri=redirect_uri,
        code_verifier=verifier,
    )
    clocks = check_clock(page, now=clock())
    reply = ask(client, "POST", settings.url + TOKEN_PATH, accept="application/json", form=dict(form.fields))
    token = reply if isinstance(reply, Finding) else judge_token(reply, settings)
    return [judge_authorize(page, settings), *clocks, token]


def is_from_fotoware(reply: Reply) -> bool:
    """Whether the headers name Fotoware, as those of real sites do."""
    return "fotoweb-server" in reply.headers or "fotoware" in reply.headers.get("x-powered-by", "").lower()


def judge_authorize(reply: Reply, settings: Settings) -> Finding:
    """Say what the authorize endpoint's answer means.

    FotoWeb never redirects where the client or the redirect URI is wrong ("Handling OAuth 2.0 errors").
    """
    if reply.status == httpx.codes.NOT_FOUND:
        return bad(
            f"{settings.url} is a FotoWeb without {AUTHORIZE_PATH} (HTTP 404).",
            "OAuth 2.0 came with FotoWeb 8.0.850: which version is this?",
        )
    if reply.status >= 500 or reply.status == httpx.codes.TOO_MANY_REQUESTS:
        return bad(f"The authorize endpoint answers HTTP {reply.status}.", TROUBLE)
    if reply.status >= 400:
        return refused(reply.status, settings)
    if reply.status >= 300:
        return redirected(reply.headers.get("location", ""), settings)
    return ok(f"The authorize endpoint of {settings.url} shows a page for logging in.")


def refused(status: int, settings: Settings) -> Finding:
    """Say why FotoWeb may have turned the application down, without a redirect."""
    what = f"The authorize endpoint turns the application down (HTTP {status}), without a redirect."
    compare = f"In FotoWeb, open {REGISTRATION}. Is the client ID the same as FOTOWEB_CLIENT_ID?"
    if not settings.send_redirect_uri:
        return bad(what, f"{compare} With FOTOWEB_SEND_REDIRECT_URI=false, exactly one redirect URI may be registered.")
    if settings.redirect_uri:
        return bad(what, f"{compare} Is {settings.redirect_uri} registered, letter for letter?")
    return warn(
        f"{what} A login sends a redirect URI; this check sent none, since FOTOWEB_REDIRECT_URI is not set.",
        f"{compare} If so, and several redirect URIs are registered, logins work: set FOTOWEB_REDIRECT_URI to one "
        "of them and check again to be sure.",
    )


def redirected(location: str, settings: Settings) -> Finding:
    """Say what it means that FotoWeb sends the browser there: to a login, or back to the callback."""
    target = urljoin(f"{settings.url}{AUTHORIZE_PATH}", location)
    parts = urlsplit(target)
    origin = f"{parts.scheme}://{parts.netloc}"
    if target.partition("?")[0] != settings.redirect_uri:
        if parts.path == AUTHORIZE_PATH and origin != settings.url:
            return bad(f"{settings.url} sends browsers on to {origin}.", f"Set FOTOWEB_URL={origin}.")
        place = "its login" if origin == settings.url else f"a login at {parts.netloc}"
        return ok(f"The authorize endpoint of {settings.url} leads to {place}.")
    error = ascii(parse_qs(parts.query).get("error", [""])[0])[1:-1][:64]
    if not error:
        return ok("The authorize endpoint leads straight back to the callback.")
    if error in {"temporarily_unavailable", "server_error"}:
        return warn(f"The authorize endpoint answers {error}.", TROUBLE)
    return bad(
        f"The authorize endpoint knows the application, but answers {error}.",
        f"In FotoWeb, open {REGISTRATION}: is its type Web App / API, and is the site licensed for it?",
    )


def check_clock(reply: Reply, *, now: float) -> list[Finding]:
    """Compare the ``Date`` header of an answer that came just now with this machine's clock, in epoch seconds."""
    try:
        theirs = parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError, OverflowError):
        return []
    seconds = round(theirs - now)
    if abs(seconds) <= MAX_SKEW_SECONDS:
        return [ok("The clocks of FotoWeb and of this machine agree.")]
    direction = "ahead of" if seconds > 0 else "behind"
    what = f"FotoWeb's clock is {abs(seconds)} seconds {direction} this machine's."
    return [warn(what, "Turn on time synchronisation (NTP) here; ask FotoWeb's operator where this one is right.")]


def judge_token(reply: Reply, settings: Settings) -> Finding:
    """Say what the token endpoint's answer to a made-up code means (RFC 6749, 5.2)."""
    status = reply.status
    error = read_error_code(HttpReply(status, None, reply.body))
    said = description_of(reply, settings.client_secret.get_secret_value())
    if error == "invalid_client":
        return bad(
            "The token endpoint does not accept the credentials (invalid_client).",
            "FOTOWEB_CLIENT_SECRET or FOTOWEB_CLIENT_ID is wrong. FotoWeb can't show the secret again, but generates a "
            f"new one: {REGISTRATION}.",
        )
    if error == "invalid_grant":
        return ok("The token endpoint accepts the credentials (a made-up code was turned down, as it should be).")
    if error == "invalid_request":
        return ok(f"The token endpoint does not turn the credentials down; to a made-up code it says {error}{said}.")
    if error:
        hint = f"In FotoWeb, open {REGISTRATION}: is the type Web App / API?"
        return bad(f"The token endpoint answers {error} (HTTP {status}){said}.", hint)
    if status >= 500 or status == httpx.codes.TOO_MANY_REQUESTS:
        return bad(f"The token endpoint answers HTTP {status}.", TROUBLE)
    if 300 <= status < 400:
        hint = "Set FOTOWEB_URL to the address that browsers end up at."
        return bad(f"The token endpoint redirects (HTTP {status}); a POST must not be redirected.", hint)
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


def description_of(reply: Reply, secret: str) -> str:
    """Return FotoWeb's own ``error_description``, escaped and cut, with a colon before it; "" where there is none."""
    try:
        words = json.loads(reply.body)["error_description"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return f": {ascii(words.replace(secret, '***'))[:LONGEST_DESCRIPTION]}" if isinstance(words, str) else ""
