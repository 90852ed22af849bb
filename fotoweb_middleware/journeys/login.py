"""Journey 1 of 4: off to FotoWeb, with a login cookie that remembers the way back (RFC 6749, 4.1.1)."""

from __future__ import annotations

import base64
import hashlib

from fotoweb_middleware.cookies.content import LoginInProgress, read_login, write_login
from fotoweb_middleware.cookies.header import expire_cookie, write_cookie
from fotoweb_middleware.cookies.parts import MAX_TOTAL_CHARACTERS, total_characters
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.fotoweb.authorize import build_authorize_url
from fotoweb_middleware.fotoweb.pkce import challenge_of, make_verifier
from fotoweb_middleware.model import Answer, Reason, RequestView
from fotoweb_middleware.pages.refusals import bad_request_target
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.answers import page_or_problem, redirect
from fotoweb_middleware.site.origin import callback_url
from fotoweb_middleware.stages.lookup import Presented

__all__ = ["LOGIN_SECONDS", "begin_login", "forget_login", "forget_logins", "login_cookie_name"]

LOGIN_SECONDS = 600
MAX_LOGINS = 5


def begin_login(site: Site, request: RequestView, presented: Presented, target: str) -> Answer:
    """Return the redirect to FotoWeb.

    Args:
        site: The wrapped app's.
        request: Who asks.
        presented: Their cookies.
        target: Where to go after the login, checked by ``safe_target``.
    """
    redirect_uri = callback_url(site, request)
    if redirect_uri is None:
        return page_or_problem(request, Reason.BAD_HOST, bad_request_target(None))
    state = base64.urlsafe_b64encode(site.entropy(24)).decode("ascii")
    verifier = make_verifier(site.entropy) if site.settings.pkce else None
    sent_uri = redirect_uri if site.settings.send_redirect_uri else None
    login = LoginInProgress(state, verifier, sent_uri, target, site.clock())
    location = build_authorize_url(
        site.settings.url,
        client_id=site.settings.client_id,
        redirect_uri=sent_uri,
        state=state,
        code_challenge=None if verifier is None else challenge_of(verifier),
    )
    return redirect(Reason.LOGIN_STARTED, location, set_cookies=login_cookies(site, request, presented, login))


def login_cookies(site: Site, request: RequestView, presented: Presented, login: LoginInProgress) -> tuple[str, ...]:
    """Return the new login's cookie, and the removal of as many old ones as there is no room for."""
    names = presented.names
    name = login_cookie_name(presented, login.state)
    value = site.sealer.seal(write_login(login), Purpose.LOGIN, name=name)
    written = write_cookie(
        name,
        value,
        max_age_seconds=LOGIN_SECONDS,
        secure=names.secure,
        same_site=names.login_same_site,
        path=login_cookie_path(site, request, presented),
    )
    crowded_out = logins_without_room(site, presented, {name: value})
    return (written, *(forget_login(site, request, presented, old) for old in crowded_out))


def logins_without_room(site: Site, presented: Presented, newest: dict[str, str]) -> list[str]:
    """Return the names of login cookies to drop, oldest first, so that all our cookies stay few and small."""
    prefix = presented.names.login_prefix
    logins = {name: value for name, value in presented.own.values.items() if name.startswith(prefix)}
    others = {name: value for name, value in presented.own.values.items() if name not in logins}
    kept = sorted(logins, key=lambda name: started_at(site, name, logins[name]))
    room = MAX_TOTAL_CHARACTERS - total_characters(others | newest)
    dropped = []
    while kept and (len(kept) >= MAX_LOGINS or total_characters({name: logins[name] for name in kept}) > room):
        dropped.append(kept.pop(0))
    return dropped


def started_at(site: Site, name: str, value: str) -> float:
    """Return when a login cookie's login began; 0 for one that does not open, so that it goes first."""
    opened = site.sealer.open(value, Purpose.LOGIN, name=name)
    login = read_login(opened.payload) if opened else None
    return login.started_at if login else 0.0


def login_cookie_name(presented: Presented, state: str) -> str:
    """Return the name of a login's cookie: one for each state, so that tabs do not disturb one another."""
    digest = hashlib.sha256(state.encode("utf-8", "surrogatepass")).digest()
    return presented.names.login_prefix + base64.urlsafe_b64encode(digest[:12]).decode("ascii")


def login_cookie_path(site: Site, request: RequestView, presented: Presented) -> str:
    """Return the login cookie's path: the callback alone, but "/" where the ``__Host-`` name asks for it."""
    return "/" if presented.names.secure else site.path(request.mount, "callback")


def forget_login(site: Site, request: RequestView, presented: Presented, name: str) -> str:
    """Return the Set-Cookie value that removes a login cookie."""
    names = presented.names
    path = login_cookie_path(site, request, presented)
    return expire_cookie(name, secure=names.secure, same_site=names.login_same_site, path=path)


def forget_logins(site: Site, request: RequestView, presented: Presented) -> tuple[str, ...]:
    """Return the Set-Cookie values that remove every login cookie the browser showed."""
    prefix = presented.names.login_prefix
    return tuple(
        forget_login(site, request, presented, name) for name in presented.own.values if name.startswith(prefix)
    )
