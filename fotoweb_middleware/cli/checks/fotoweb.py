"""Checks FotoWeb: the authorize endpoint, the clocks, and the token endpoint with a code that FotoWeb never gave."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs

import httpx

from fotoweb_middleware.cli.checks.finding import Finding, bad, ok, warn
from fotoweb_middleware.cli.checks.network import Reply, ask, split_address
from fotoweb_middleware.fotoweb.authorize import AUTHORIZE_PATH, build_authorize_url, challenge_of, make_verifier
from fotoweb_middleware.fotoweb.http import client_options
from fotoweb_middleware.fotoweb.messages import HttpReply, read_date
from fotoweb_middleware.fotoweb.tokens import TOKEN_PATH, build_code_form, read_error_code
from fotoweb_middleware.fotoweb.unreachable import open_client
from fotoweb_middleware.settings import Settings

REGISTRATION = "Site Configuration > Integrations > Applications"
TROUBLE = "FotoWeb has trouble; try again later."
LONGEST_DESCRIPTION = 200
MAX_SKEW_SECONDS = 60


class Site:
    """The FotoWeb site of the settings, asked as a login would ask it.

    Args:
        settings: What the requests are made of.
        client: Must follow no redirects.
    """

    def __init__(self, settings: Settings, client: httpx.Client) -> None:
        self._settings = settings
        self._client = client
        self._verifier = make_verifier(secrets.token_bytes)
        self._redirect_uri = settings.redirect_uri if settings.send_redirect_uri else None

    def authorize(self, *, pkce: bool | None = None, sends_redirect_uri: bool = True) -> Reply | Finding:
        """Ask the authorize endpoint, with or without PKCE (None: as the settings say) and redirect URI."""
        has_challenge = self._settings.pkce if pkce is None else pkce
        url = build_authorize_url(
            self._settings.url,
            client_id=self._settings.client_id,
            redirect_uri=self._redirect_uri if sends_redirect_uri else None,
            state=secrets.token_urlsafe(32),
            code_challenge=challenge_of(self._verifier) if has_challenge else None,
        )
        return ask(self._client, "GET", url, accept="text/html")

    def token(self, *, pkce: bool | None = None) -> Reply | Finding:
        """Ask the token endpoint for tokens, with a code that FotoWeb never gave."""
        has_verifier = self._settings.pkce if pkce is None else pkce
        form = build_code_form(
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret.get_secret_value(),
            code=f"check-{secrets.token_urlsafe(16)}",
            redirect_uri=self._redirect_uri,
            code_verifier=self._verifier if has_verifier else None,
        )
        url = self._settings.url + TOKEN_PATH
        return ask(self._client, "POST", url, accept="application/json", form=dict(form.fields))

    def accepts(self, *, pkce: bool | None = None, sends_redirect_uri: bool = True) -> bool:
        """Return whether the authorize endpoint would begin a login that is asked for in this way."""
        reply = self.authorize(pkce=pkce, sends_redirect_uri=sends_redirect_uri)
        return isinstance(reply, Reply) and begins_login(reply, self._settings)


def check_site(settings: Settings, clock: Callable[[], float]) -> list[Finding]:
    """Ask the FotoWeb site that the settings name, with a client made as the middleware's own."""
    with open_client(**client_options(settings)) as client:
        return check_fotoweb(settings, client, clock=clock)


def check_fotoweb(settings: Settings, client: httpx.Client, *, clock: Callable[[], float]) -> list[Finding]:
    """Ask both endpoints what they think of these settings. The client must follow no redirects."""
    site = Site(settings, client)
    page = site.authorize()
    if isinstance(page, Finding):
        return [page]
    if page.status == httpx.codes.NOT_FOUND and not is_from_fotoware(page):
        what = f"There is nothing at {settings.url}{AUTHORIZE_PATH} (HTTP 404)."
        hint = "Is FOTOWEB_URL the address of a FotoWeb? (Fotoware Alto is another product, and not supported.)"
        return [bad(what, hint)]  # The secret is not sent there.
    clocks = check_clock(page, now=clock())
    reply = site.token()
    if isinstance(reply, Finding):
        return [judge_authorize(page, settings), *clocks, reply]
    first, *others = judge_both(site, page, reply, settings)
    return [first, *clocks, *others]


def judge_both(site: Site, page: Reply, reply: Reply, settings: Settings) -> list[Finding]:
    """Say what the two answers mean together.

    The authorize endpoint checks client ID, redirect URI and PKCE; the token endpoint client ID and secret.
    """
    error = read_error_code(HttpReply(reply.status, None, reply.body))
    if begins_login(page, settings):
        if error == "invalid_request" and settings.pkce:
            other = site.token(pkce=False)
            if (
                isinstance(other, Reply)
                and read_error_code(HttpReply(other.status, None, other.body)) == "invalid_grant"
            ):
                return [judge_authorize(page, settings), pkce_refused("token")]
        if error == "invalid_client":
            return [judge_authorize(page, settings), wrong_secret()]
        return [judge_authorize(page, settings), judge_token(reply, settings)]
    is_refused = 400 <= page.status < 500 and page.status not in {httpx.codes.NOT_FOUND, httpx.codes.TOO_MANY_REQUESTS}
    if (is_refused or error_in(page.headers.get("location", "")) == "invalid_request") and site.accepts(
        pkce=not settings.pkce
    ):
        about_pkce = pkce_refused("authorize") if settings.pkce else pkce_required()
        return [about_pkce, judge_token(reply, settings)]
    if is_refused:
        return refused(site, page.status, reply, error, settings)
    return [judge_authorize(page, settings), judge_token(reply, settings)]


def refused(site: Site, status: int, reply: Reply, error: str, settings: Settings) -> list[Finding]:
    """Say why the authorize endpoint turns the application down without a redirect: client ID, redirect URI or type."""
    sends_redirect_uri = settings.send_redirect_uri and settings.redirect_uri is not None
    if sends_redirect_uri and site.accepts(sends_redirect_uri=False):
        token = wrong_secret() if error == "invalid_client" else judge_token(reply, settings)
        return [unregistered(settings, status), token]
    if error == "invalid_client":
        return [
            bad(
                "FOTOWEB_CLIENT_ID is wrong: neither the authorize endpoint nor the token endpoint knows it "
                f"(HTTP {status}, invalid_client).",
                f"In FotoWeb, open {REGISTRATION} and copy the client ID. If it is already the same, both the redirect "
                "URI and the secret are wrong there.",
            )
        ]
    token = judge_token(reply, settings)
    if error == "invalid_grant":  # It says so only to a client that it knows.
        return [unregistered(settings, status), token]
    if token.level == "bad":  # The application is of another type, or the token endpoint is no token endpoint.
        return [token]
    return [
        bad(
            f"The authorize endpoint refuses the application (HTTP {status}), without a redirect: FOTOWEB_CLIENT_ID "
            "or the redirect URI is wrong.",
            f"In FotoWeb, open {REGISTRATION}. Is the client ID the same, and "
            f"{settings.redirect_uri or 'the redirect URI'} registered, letter for letter?",
        ),
        token,
    ]


def unregistered(settings: Settings, status: int) -> Finding:
    """Say that FotoWeb knows the application, but not under this redirect URI."""
    if not settings.send_redirect_uri:
        return bad(
            "FOTOWEB_SEND_REDIRECT_URI=false, but not exactly one redirect URI is registered: the authorize endpoint "
            f"answers HTTP {status}.",
            f"In FotoWeb, open {REGISTRATION} and leave one there, or remove FOTOWEB_SEND_REDIRECT_URI.",
        )
    if settings.redirect_uri:
        return bad(
            f"The redirect URI {settings.redirect_uri} is not registered with FotoWeb: its authorize endpoint answers "
            f"HTTP {status}, while it knows the client ID.",
            f"In FotoWeb, open {REGISTRATION} and add it, letter for letter, or correct FOTOWEB_REDIRECT_URI.",
        )
    return warn(
        f"The redirect URI was not tried, since FOTOWEB_REDIRECT_URI is not set (HTTP {status} without one).",
        f"In FotoWeb, open {REGISTRATION}. Where several redirect URIs are registered, logins work: set "
        "FOTOWEB_REDIRECT_URI to one of them and check again to be sure.",
    )


def wrong_secret() -> Finding:
    """Say that only the secret is wrong."""
    return bad(
        "FOTOWEB_CLIENT_SECRET is wrong: the token endpoint refuses it (invalid_client), while the authorize endpoint "
        "knows the client ID.",
        f"FotoWeb can't show the secret again, but can generate a new one: {REGISTRATION}. Compare the ID too.",
    )


def pkce_refused(endpoint: str) -> Finding:
    """Say that this FotoWeb predates PKCE."""
    return bad(
        f"FotoWeb refuses PKCE: its {endpoint} endpoint accepts the same request without it.",
        "Update FotoWeb. Until then, set FOTOWEB_PKCE=false.",
    )


def pkce_required() -> Finding:
    """Say that this FotoWeb wants PKCE."""
    return bad(
        "FotoWeb requires PKCE, but FOTOWEB_PKCE=false: its authorize endpoint accepts the same request with PKCE.",
        "Remove FOTOWEB_PKCE.",
    )


def begins_login(reply: Reply, settings: Settings) -> bool:
    """Return whether an answer of the authorize endpoint leads to a login, or to the callback with a code."""
    return judge_authorize(reply, settings).level == "ok"


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
            "FotoWeb has OAuth 2.0 since version 8.0.850. Which version is this?",
        )
    if reply.status >= 500 or reply.status == httpx.codes.TOO_MANY_REQUESTS:
        return bad(f"The authorize endpoint answers HTTP {reply.status}.", TROUBLE)
    if reply.status >= 400:
        return bad(
            f"The authorize endpoint refuses the application (HTTP {reply.status}), without a redirect.",
            f"In FotoWeb, open {REGISTRATION}. Are client ID and redirect URI the same, letter for letter?",
        )
    if reply.status >= 300:
        return redirected(reply.headers.get("location", ""), settings)
    return ok(f"The authorize endpoint of {settings.url} shows a page for logging in.")


def redirected(location: str, settings: Settings) -> Finding:
    """Say what it means that FotoWeb sends the browser there: to a login, or back to the callback."""
    parts = split_address(location, f"{settings.url}{AUTHORIZE_PATH}")
    if parts is None:
        what = f"The authorize endpoint of {settings.url} redirects to an address that can't be read."
        return bad(what, "Does FotoWeb answer there, or a proxy in front of it? Ask the people who run it.")
    is_callback = parts._replace(query="", fragment="").geturl() == settings.redirect_uri
    origin = f"{parts.scheme}://{parts.netloc}"
    if not is_callback and parts.path == AUTHORIZE_PATH and origin != settings.url:
        return bad(f"{settings.url} sends browsers on to {origin}.", f"Set FOTOWEB_URL={origin}.")
    error = error_in(location)  # Without a redirect URI in the settings, the registered one may be the target.
    if error in {"temporarily_unavailable", "server_error"}:
        return warn(f"The authorize endpoint answers {error}.", TROUBLE)
    if error:
        return bad(
            f"The authorize endpoint knows the application, but answers {error}.",
            f"In FotoWeb, open {REGISTRATION}: is its type Web App / API, and is the site licensed for it?",
        )
    if is_callback:
        return ok("The authorize endpoint leads straight back to the callback.")
    place = "its login" if origin == settings.url else f"a login at {parts.netloc}"
    return ok(f"The authorize endpoint of {settings.url} leads to {place}.")


def error_in(location: str) -> str:
    """Return the error code that a redirect carries in its query, escaped and cut; "" where there is none."""
    parts = split_address(location)
    return ascii(parse_qs(parts.query).get("error", [""])[0])[1:-1][:64] if parts is not None else ""


def check_clock(reply: Reply, *, now: float) -> list[Finding]:
    """Compare the ``Date`` header of an answer that came just now with this machine's clock, in epoch seconds."""
    theirs = read_date(reply.headers.get("date"))
    if theirs is None:
        return []
    seconds = round(theirs - now)
    if abs(seconds) <= MAX_SKEW_SECONDS:
        return [ok("The clocks of FotoWeb and of this machine agree.")]
    direction = "ahead of" if seconds > 0 else "behind"
    apart = f"{abs(seconds)} seconds" if abs(seconds) < 120 else f"{round(abs(seconds) / 60)} minutes"
    what = f"FotoWeb's clock is {apart} {direction} this machine's."
    return [warn(what, "Turn on time synchronisation (NTP) here; ask FotoWeb's operator where this one is right.")]


def judge_token(reply: Reply, settings: Settings) -> Finding:
    """Say what the token endpoint's answer to a made-up code means (RFC 6749, 5.2)."""
    status = reply.status
    error = read_error_code(HttpReply(status, None, reply.body))
    said = description_of(reply, settings.client_secret.get_secret_value())
    if error == "invalid_client":
        return bad(
            "The token endpoint does not accept the credentials (invalid_client).",
            "FOTOWEB_CLIENT_SECRET or FOTOWEB_CLIENT_ID is wrong. FotoWeb can't show the secret again, but can "
            f"generate a new one: {REGISTRATION}.",
        )
    if error == "invalid_grant":
        return ok("The token endpoint accepts the credentials (it rejected a made-up code, as it should).")
    if error == "invalid_request":
        return ok(f"The token endpoint does not refuse the credentials; its answer to a made-up code is {error}{said}.")
    if error:
        hint = f"In FotoWeb, open {REGISTRATION}: is the type Web App / API?"
        return bad(f"The token endpoint answers {error} (HTTP {status}){said}.", hint)
    if status >= 500 or status == httpx.codes.TOO_MANY_REQUESTS:
        return bad(f"The token endpoint answers HTTP {status}.", TROUBLE)
    if 300 <= status < 400:
        hint = "Set FOTOWEB_URL to the address that browsers end up at."
        return bad(f"The token endpoint redirects (HTTP {status}); a POST must not be redirected.", hint)
    if status in {httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        what = "with a web page" if reply.is_web_page else "without an error code that can be read"
        return warn(
            f"The token endpoint answers HTTP {status} {what}.",
            "The credentials may be wrong, or a proxy in between refused the request.",
        )
    return no_oauth_error(reply, settings)


def no_oauth_error(reply: Reply, settings: Settings) -> Finding:
    """Say that something else than a token endpoint answered."""
    status = reply.status
    if reply.is_web_page:
        return bad(
            f"The token endpoint answers with a web page (HTTP {status}), not with an OAuth error in JSON: something "
            "else answers in its place.",
            "A proxy, firewall or login page in front of FotoWeb? Let POST requests to "
            f"{settings.url}{TOKEN_PATH} through to FotoWeb. Or is FOTOWEB_URL wrong?",
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
