"""The authorization endpoint: GET /fotoweb/oauth2/authorize.

Never redirects when the client or the redirect URI is wrong, or the redirect URI ambiguous: then the user sees an
error page and the application hears nothing. Every other error goes back to the application.

Source: FotoWeb "Web Application or API authorization", "Handling OAuth 2.0 errors"; RFC 6749, 4.1.1; RFC 7636, 4.3.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from fotoweb_middleware.testing.fake_fotoweb import pages
from fotoweb_middleware.testing.fake_fotoweb.login import browser_user
from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse, redirect, single_values
from fotoweb_middleware.testing.fake_fotoweb.registration import Client, User
from fotoweb_middleware.testing.fake_fotoweb.state import AuthorizeRequest, Code, Pending, Site

__all__ = ["answer_consent", "authorize"]

S256_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
ABSOLUTE_HTTP_URI: Final = re.compile(r"https?://[^/?#\s]+[^#\s]*", re.IGNORECASE)


class ShowError(Exception):
    """The request can't be trusted enough to redirect anywhere."""


class SendBack(Exception):
    """The request is wrong, and its application shall hear of it."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = description


def authorize(site: Site, request: FakeRequest) -> FakeResponse:
    """Answer an authorize request with a page or a redirect."""
    values, twice = single_values(request.query_pairs())
    try:
        client = read_client(site, values, twice)
        redirect_uri = read_redirect_uri(site, client, values, twice)
    except ShowError as refusal:
        return pages.error_page(400, "This application can't be opened", str(refusal))
    try:
        asked = read_rest(site, client, redirect_uri, values, twice)
    except SendBack as refusal:
        back = {"error": refusal.error, "error_description": refusal.description, "state": values.get("state", "")}
        return redirect(with_query(redirect_uri, back))
    return go_on(site, request, asked)


def read_client(site: Site, values: dict[str, str], twice: list[str]) -> Client:
    """Find the client.

    Raises:
        ShowError: when the id is missing, doubled or unknown, or belongs to a script, which has no users.
    """
    if "client_id" in twice or "client_id" not in values:
        raise ShowError("The parameter client_id is missing, or was sent more than once.")
    client = site.clients.get(values["client_id"])
    if client is None:
        raise ShowError("No application is registered under this client_id.")
    if client.kind == "script":
        raise ShowError("This application is registered as non-interactive: it can't ask users to log in.")
    return client


def read_redirect_uri(site: Site, client: Client, values: dict[str, str], twice: list[str]) -> str:
    """Find out where the answer goes: exact match, and optional only where one URI is registered.

    Raises:
        ShowError: when it is doubled, not registered, or left out although not exactly one is registered.
    """
    if "redirect_uri" in twice:
        raise ShowError("The parameter redirect_uri was sent more than once.")
    if "redirect_uri" not in values:
        if len(client.redirect_uris) != 1:
            raise ShowError("The redirect URI is ambiguous: none was sent, and not exactly one is registered.")
        return client.redirect_uris[0]
    redirect_uri = values["redirect_uri"]
    if redirect_uri in client.redirect_uris:
        return redirect_uri
    if site.switches.any_redirect_uri and ABSOLUTE_HTTP_URI.fullmatch(redirect_uri):
        return redirect_uri
    raise ShowError("The redirect URI is not registered for this application.")


def read_rest(
    site: Site, client: Client, redirect_uri: str, values: dict[str, str], twice: list[str]
) -> AuthorizeRequest:
    """Check everything else.

    Raises:
        SendBack: with the error code of RFC 6749, 4.1.2.1.
    """
    if twice:
        raise SendBack("invalid_request", f"Sent more than once: {', '.join(twice)}.")
    if "response_type" not in values:
        raise SendBack("invalid_request", "The parameter response_type is missing.")
    if values["response_type"] != "code":
        raise SendBack("unsupported_response_type", "Only response_type=code is supported.")
    if "state" not in values and site.switches.require_state:
        raise SendBack("invalid_request", "The parameter state is missing.")
    challenge = read_challenge(site, client, values)
    if site.switches.authorize_error is not None:
        raise SendBack(site.switches.authorize_error, site.switches.authorize_error_description)
    return AuthorizeRequest(
        client=client,
        redirect_uri=redirect_uri,
        redirect_uri_was_sent="redirect_uri" in values,
        state=values.get("state", ""),
        code_challenge=challenge,
    )


def read_challenge(site: Site, client: Client, values: dict[str, str]) -> str | None:
    """Check the PKCE parameters; only S256 is supported.

    Raises:
        SendBack: when a needed challenge is missing, malformed or of another method. A challenge without a method
            would mean `plain` (RFC 7636, 4.3), which FotoWeb does not support.
    """
    challenge, method = values.get("code_challenge"), values.get("code_challenge_method")
    if challenge is None:
        if method is not None or client.kind == "native" or site.switches.require_pkce:
            raise SendBack("invalid_request", "The parameter code_challenge is missing.")
        return None
    if site.switches.refuse_pkce:
        raise SendBack("invalid_request", "The parameter code_challenge is unknown.")
    if method != "S256":
        raise SendBack("invalid_request", "The code_challenge_method must be S256.")
    if not S256_CHALLENGE.fullmatch(challenge):
        raise SendBack("invalid_request", "The code_challenge is not the base64url form of a SHA-256 hash.")
    return challenge


def go_on(site: Site, request: FakeRequest, asked: AuthorizeRequest) -> FakeResponse:
    """Ask for a login, then for consent, then send the code; skip what isn't needed."""
    if site.switches.auto_login is not None:
        return send_code(site, asked, site.users[site.switches.auto_login])
    user = browser_user(site, request)
    if user is None:
        return redirect(f"/fotoweb/views/login?ReturnUrl={quote(f'{request.path}?{request.query}', safe='')}")
    if not needs_consent(site, asked.client, user):
        return send_code(site, asked, user)
    pending_id = site.random_text()
    site.pending[pending_id] = Pending(asked=asked, user=user)
    return pages.consent_page(asked.client, user, pending_id)


def needs_consent(site: Site, client: Client, user: User) -> bool:
    """Native clients ask every time; web clients once per user, or never where the administrator says so."""
    if client.kind == "native":
        return True
    return client.asks_consent and (user.user_name, client.client_id) not in site.consents


def answer_consent(site: Site, request: FakeRequest) -> FakeResponse:
    """Take the user's answer from the consent page: POST /fotoweb/oauth2/consent."""
    form = request.form()
    pending = site.pending.get(form.get("request", ""))
    if pending is None or browser_user(site, request) != pending.user:
        return pages.error_page(400, "This page is out of date", "Go back to the application and log in again.")
    del site.pending[form["request"]]
    if form.get("decision") == "allow":
        site.consents.add((pending.user.user_name, pending.asked.client.client_id))
        return send_code(site, pending.asked, pending.user)
    description = site.switches.authorize_error_description or "The user denied the request."
    back = {"error": "access_denied", "error_description": description, "state": pending.asked.state}
    return redirect(with_query(pending.asked.redirect_uri, back))


def send_code(site: Site, asked: AuthorizeRequest, user: User) -> FakeResponse:
    """Send the browser back with a fresh code."""
    code = site.random_text()
    site.codes[code] = Code(asked=asked, user=user, expires_at=site.now() + site.switches.code_lifetime_seconds)
    return redirect(with_query(asked.redirect_uri, {"code": code, "state": asked.state}))


def with_query(uri: str, values: dict[str, str]) -> str:
    """Add parameters to a URI, whose own query stays (RFC 6749, 4.1.2). Empty ones are left out."""
    parts = urlsplit(uri)
    added = urlencode({name: value for name, value in values.items() if value})
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))
