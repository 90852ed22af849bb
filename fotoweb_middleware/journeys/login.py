"""Journey 1 of 4: off to FotoWeb, with a login cookie that remembers the way back (RFC 6749, 4.1.1)."""

from __future__ import annotations

import dataclasses
import hashlib

from fotoweb_middleware import base64url
from fotoweb_middleware.cookies.content import LoginInProgress, read_login, write_login
from fotoweb_middleware.cookies.header import expire_cookie, write_cookie
from fotoweb_middleware.cookies.parts import MAX_TOTAL_CHARACTERS, total_characters
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.fotoweb.authorize import build_authorize_url
from fotoweb_middleware.fotoweb.pkce import challenge_of, make_verifier
from fotoweb_middleware.journeys.loops import stop_loop
from fotoweb_middleware.journeys.target import next_target
from fotoweb_middleware.model import Answer, Reason, RequestView
from fotoweb_middleware.pages.refusals import bad_request_target, method_not_allowed
from fotoweb_middleware.site import Site, front_page
from fotoweb_middleware.site.answers import page_or_problem, redirect
from fotoweb_middleware.site.origin import callback_url
from fotoweb_middleware.site.request_class import is_navigation
from fotoweb_middleware.stages.lookup import Presented
from fotoweb_middleware.stages.unadmitted import not_signed_in_problem

__all__ = [
    "LOGIN_SECONDS",
    "begin_login",
    "crowd_out",
    "forget_login",
    "forget_logins",
    "login_cookie_name",
    "login_page",
]

LOGIN_SECONDS = 600
ALLOWED = frozenset({"GET", "HEAD"})
MAX_LOGINS = 5
MAX_REMOVALS = 20  # more are planted, and each costs a header


def login_page(site: Site, request: RequestView, presented: Presented) -> Answer:
    """Answer ``PREFIX/login?next=…``: a person who goes there begins a login; scripts and prefetches do not."""
    if request.method not in ALLOWED:
        page = method_not_allowed(("GET",), front_page(request.mount))
        return page_or_problem(request, Reason.METHOD_NOT_ALLOWED, page, extra=(("Allow", "GET"),))
    if not is_navigation(request):
        return not_signed_in_problem(site, request)
    return begin_login(site, request, presented, next_target(site, request))


def begin_login(site: Site, request: RequestView, presented: Presented, target: str) -> Answer:
    """Return the redirect to FotoWeb.

    Args:
        site: The wrapped app's.
        request: Who asks.
        presented: Their cookies.
        target: Where to go after the login, checked by ``safe_target``.
    """
    if (stopped := stop_loop(site, request, presented, target)) is not None:
        return stopped
    redirect_uri = callback_url(site, request)
    if redirect_uri is None:
        return page_or_problem(request, Reason.BAD_HOST, bad_request_target(None))
    state = base64url.encode(site.entropy(24))
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
    names, logins, own = presented.names, presented.logins, presented.own.values
    name = login_cookie_name(presented, login.state)
    value = site.sealer.seal(write_login(login), Purpose.LOGIN, name=name)
    others = total_characters({other: own[other] for other in own if other not in logins}) if own else 0
    if others + len(name) + len(value) > MAX_TOTAL_CHARACTERS:
        login = dataclasses.replace(login, next_path=front_page(request.mount))
        value = site.sealer.seal(write_login(login), Purpose.LOGIN, name=name)
    written = write_cookie(
        name,
        value,
        max_age_seconds=LOGIN_SECONDS,
        secure=names.secure,
        same_site=names.login_same_site,
        path=login_cookie_path(request, presented),
    )
    if not logins:
        return (written,)
    return (written, *crowd_out(site, request, presented, others + total_characters({name: value})))


def crowd_out(
    site: Site, request: RequestView, presented: Presented, taken_characters: int, *, finished: str = ""
) -> tuple[str, ...]:
    """Return the Set-Cookie values that drop login cookies, oldest first, so that all our cookies stay few and small.

    Args:
        site: The wrapped app's.
        request: Who asks.
        presented: Their cookies.
        taken_characters: The room of our other cookies, as the browser will hold them after this answer.
        finished: The cookie of a login that has come to its end; it goes anyway.
    """
    logins = {name: value for name, value in presented.logins.items() if name != finished}
    kept = sorted(logins, key=lambda name: started_at(site, name, logins[name]))
    room = MAX_TOTAL_CHARACTERS - taken_characters
    dropped = []
    while kept and (len(kept) >= MAX_LOGINS or total_characters({name: logins[name] for name in kept}) > room):
        dropped.append(kept.pop(0))
    return tuple(forget_login(request, presented, name) for name in dropped[:MAX_REMOVALS])


def started_at(site: Site, name: str, value: str) -> float:
    """Return when a login cookie's login began; 0 for one that does not open, so that it goes first."""
    opened = site.sealer.open(value, Purpose.LOGIN, name=name)
    login = read_login(opened.payload) if opened else None
    return login.started_at if login else 0.0


def login_cookie_name(presented: Presented, state: str) -> str:
    """Return the name of a login's cookie: one for each state, so that tabs do not disturb one another."""
    digest = hashlib.sha256(state.encode("utf-8", "surrogatepass")).digest()
    return presented.names.login_prefix + base64url.encode(digest[:12])


def login_cookie_path(request: RequestView, presented: Presented) -> str:
    """Return the login cookie's path: "/" where the ``__Host-`` name asks for it, else the mount.

    Not the callback alone: then no other request would show how many there are, and old ones could not be dropped.
    """
    return "/" if presented.names.secure else front_page(request.mount)


def forget_login(request: RequestView, presented: Presented, name: str) -> str:
    """Return the Set-Cookie value that removes a login cookie."""
    names = presented.names
    path = login_cookie_path(request, presented)
    return expire_cookie(name, secure=names.secure, same_site=names.login_same_site, path=path)


def forget_logins(request: RequestView, presented: Presented) -> tuple[str, ...]:
    """Return the Set-Cookie values that remove every login cookie the browser showed."""
    return tuple(forget_login(request, presented, name) for name in list(presented.logins)[:MAX_REMOVALS])
