"""Journey 2 of 4: back from FotoWeb (RFC 6749, 4.1.2; RFC 9700, 4.7).

The checks, in this order; whatever fails first answers, and until the state is claimed nothing changes:

1. The method is GET.
2. The query is well formed: each parameter once, a state, and either a code or an error.
3. This browser holds the login cookie of this state, sealed by us, not older than ten minutes.
4. Nobody used this state before.
"""

from __future__ import annotations

import hmac
import math
from dataclasses import dataclass, field
from urllib.parse import urlencode

from fotoweb_middleware import base64url
from fotoweb_middleware.cookies.content import LoginInProgress, read_login
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.effects import Claim, Detach, Flow, GetDocument, PostForm, SaveRecord
from fotoweb_middleware.errors import (
    CacheUnavailable,
    FotoWebError,
    FotoWebRefused,
    FotoWebUnreachable,
)
from fotoweb_middleware.fotoweb.authorize import CallbackProblem, CallbackQuery, read_callback
from fotoweb_middleware.fotoweb.identity import DESCRIPTOR_MEDIA_TYPE, ME_PATH, read_user
from fotoweb_middleware.fotoweb.tokens import TOKEN_PATH, build_code_form, is_operator_fault, read_token_reply
from fotoweb_middleware.journeys.login import LOGIN_SECONDS, crowd_out, forget_login, login_cookie_name
from fotoweb_middleware.journeys.loops import count_login
from fotoweb_middleware.journeys.target import safe_target
from fotoweb_middleware.model import Answer, Reason, RequestView, SessionRecord, TokenSet, User
from fotoweb_middleware.pages.bounce import one_moment
from fotoweb_middleware.pages.fotoweb_errors import FotoWebStep, fotoweb_error, fotoweb_nonsense
from fotoweb_middleware.pages.layout import Page
from fotoweb_middleware.pages.login_problems import access_denied
from fotoweb_middleware.pages.outages import cache_unavailable, fotoweb_unavailable, temporarily_unavailable
from fotoweb_middleware.pages.refusals import method_not_allowed
from fotoweb_middleware.pages.state_problems import StateProblem, sign_in_again
from fotoweb_middleware.site import Site, front_page
from fotoweb_middleware.site.answers import page_answer, redirect, with_cookies
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.site.journal import Event, journal
from fotoweb_middleware.stages.lookup import Presented, open_cookie
from fotoweb_middleware.stages.records import bury_session, seal_record
from fotoweb_middleware.stages.supply import session_cookies

__all__ = ["complete_login"]

RETRY_AFTER_SECONDS = 5
CLOCK_SKEW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ValidatedCallback:
    """A callback that a login cookie of this browser belongs to; only ``validate`` makes one."""

    query: CallbackQuery
    login: LoginInProgress
    cookie_name: str = field(repr=False)


def complete_login(site: Site, request: RequestView, presented: Presented) -> Flow[Answer]:
    """Check the callback, exchange its code and open a session."""
    if request.method != "GET":
        return page_answer(
            Reason.METHOD_NOT_ALLOWED,
            method_not_allowed(("GET",), front_page(request.mount)),
            extra=(("Allow", "GET"),),
        )
    callback = validate(site, request, presented)
    if isinstance(callback, StateProblem):
        return refuse(site, request, callback, None)
    age_seconds = site.clock() - callback.login.started_at
    if not -CLOCK_SKEW_SECONDS <= age_seconds < LOGIN_SECONDS:
        return refuse(site, request, StateProblem.EXPIRED, callback.login)
    try:
        is_first = yield from claim(site, callback.query.state)
    except CacheUnavailable as error:
        journal(Event.CACHE_DOWN, cause=error)
        return unavailable(cache_unavailable(RETRY_AFTER_SECONDS), RETRY_AFTER_SECONDS, Reason.CACHE_UNAVAILABLE)
    if not is_first:
        return refuse(site, request, StateProblem.REUSED, callback.login)
    # From here on the state is used up, so the browser's login cookie goes whatever comes.
    answer = (
        report(site, request, callback)
        if callback.query.error
        else (yield from Detach(exchange(site, request, presented, callback)))
    )
    return with_cookies(answer, (forget_login(request, presented, callback.cookie_name),))


def validate(site: Site, request: RequestView, presented: Presented) -> ValidatedCallback | StateProblem:
    """Tie the callback to a login that this browser began."""
    query = read_callback(request.query)
    if query is CallbackProblem.NO_STATE:
        return StateProblem.MISSING_STATE
    if query is CallbackProblem.GARBLED:
        return StateProblem.GARBLED
    name = login_cookie_name(presented, query.state)
    value = None if presented.own.conflicting else presented.own.values.get(name)
    opened = site.sealer.open(value, Purpose.LOGIN, name=name) if value else None
    login = read_login(opened.payload) if opened else None
    if login is None or not hmac.compare_digest(login.state.encode(), query.state.encode("utf-8", "replace")):
        return why_unknown(site, request, presented, value)
    return ValidatedCallback(query, login, name)


def why_unknown(site: Site, request: RequestView, presented: Presented, value: str | None) -> StateProblem:
    """Return why the login cookie of a state tells nothing, as precisely as the request shows it.

    Args:
        site: The wrapped app's.
        request: The callback.
        presented: The browser's cookies.
        value: What came under the login cookie's name, if anything.
    """
    if value:
        return StateProblem.OTHER_KEY
    cookie = open_cookie(site, presented)
    if cookie is not None and not site.near.is_buried(cookie.session_id):
        return StateProblem.REUSED  # Somebody who is signed in came back: the login cookie went when it was used.
    # Browsers send Fetch Metadata to https and to loopback hosts alone, whatever scheme a proxy lets us see.
    if presented.names.secure and request.scheme == "http" and "sec-fetch-site" not in request.headers:
        return StateProblem.PLAIN_HTTP
    return StateProblem.UNKNOWN_STATE if request.headers.get("cookie") else StateProblem.NO_COOKIES


def claim(site: Site, state: str) -> Flow[bool]:
    """Use the state up; False where it was used before, here or in any process that shares the cache."""
    key = site.cache_key("login", state)
    ttl_seconds = LOGIN_SECONDS + CLOCK_SKEW_SECONDS
    try:
        return (yield from Claim(key, ttl_seconds))
    except CacheUnavailable:
        if site.settings.cookie_mode == "reference":
            raise
        return (yield from Claim(key, ttl_seconds, local_only=True))


def exchange(site: Site, request: RequestView, presented: Presented, callback: ValidatedCallback) -> Flow[Answer]:
    """Exchange the code, once and without a second try, and open the session."""
    login = callback.login
    form = build_code_form(
        client_id=site.settings.client_id,
        client_secret=site.client_secret,
        code=callback.query.code,
        redirect_uri=login.redirect_uri,
        code_verifier=login.code_verifier,
    )
    try:
        reply = yield from PostForm(site.settings.url + TOKEN_PATH, form)
        tokens = read_token_reply(reply, now=site.clock())
    except FotoWebError as error:
        is_ours = isinstance(error, FotoWebRefused) and is_operator_fault(error)
        journal(Event.OPERATOR_FAULT if is_ours else Event.LOGIN_FAILED, cause=error)
        return failed_exchange(site, request, callback, error)
    user = yield from ask_who(site, tokens)
    return (yield from open_session(site, request, presented, login, tokens, user))


def open_session(  # noqa: PLR0913, PLR0917 (what a session is made of)
    site: Site,
    request: RequestView,
    presented: Presented,
    login: LoginInProgress,
    tokens: TokenSet,
    user: User | None,
) -> Flow[Answer]:
    """Open a session under a new id, end the one the browser came with, and go where the user was going."""
    now = site.clock()
    session_id = base64url.encode(site.entropy(24))
    record = SessionRecord(session_id, 1, tokens, started_at=now, seen_at=now, user=user)
    key = site.cache_key("session", session_id)
    held = site.near.adopt(record)
    cookies = cookies_at_login(site, request, presented, login, held)
    yield from end_presented(site, presented)
    try:
        ttl_seconds = site.settings.session_lifetime
        yield from SaveRecord(key, seal_record(site, key, record), version=1, ttl_seconds=ttl_seconds, create=True)
    except CacheUnavailable as error:
        journal(Event.CACHE_DOWN, session_id=session_id, cause=error)
        site.near.note_saved(record, is_saved=False)
        if held.by_handle:
            page = cache_unavailable(RETRY_AFTER_SECONDS, login_url(site, request, login))  # The code is used up.
            return unavailable(page, RETRY_AFTER_SECONDS, Reason.CACHE_UNAVAILABLE)
    journal(Event.LOGGED_IN, session_id=session_id, user=None if user is None else user.user_id)
    return arrive(site, safe_target(site, request.mount, login.next_path), cookies)


def cookies_at_login(
    site: Site, request: RequestView, presented: Presented, login: LoginInProgress, held: Held
) -> tuple[str, ...]:
    """Return the Set-Cookie values of a new session; logins in other tabs go where there is no room beside it."""
    cookies = session_cookies(site, presented, held)
    cookies += (count_login(site, presented, cookies),)
    taken_characters = sum(len(cookie.partition(";")[0]) + len("; ") for cookie in cookies)
    finished = login_cookie_name(presented, login.state)
    return cookies + crowd_out(site, request, presented, taken_characters, finished=finished)


def arrive(site: Site, target: str, cookies: tuple[str, ...]) -> Answer:
    """Go where the user was going.

    A redirect would still be part of the navigation that FotoWeb's site began, and so carry no Strict cookie:
    the app would send the browser to the login again, and again. A page of our own begins a navigation of ours.
    """
    if site.settings.cookie_samesite != "strict":
        return redirect(Reason.LOGGED_IN, target, set_cookies=cookies)
    page = page_answer(Reason.LOGGED_IN, one_moment(target), extra=(("Refresh", f"0; url={target}"),))
    return with_cookies(page, cookies)


def end_presented(site: Site, presented: Presented) -> Flow[None]:
    """End the session the browser came with: each login opens a new one (OWASP ASVS 5.0, 7.2.4)."""
    cookie = open_cookie(site, presented)
    if cookie is not None:
        yield from bury_session(site, cookie.session_id)


def ask_who(site: Site, tokens: TokenSet) -> Flow[User | None]:
    """Ask FotoWeb who logged in; whatever goes wrong, the login goes on."""
    if not site.settings.fetch_user:
        return None
    try:
        reply = yield from GetDocument(site.settings.url + ME_PATH, DESCRIPTOR_MEDIA_TYPE, tokens.access_token)
    except FotoWebError as error:
        journal(Event.USER_UNKNOWN, cause=error)
        return None
    user = read_user(reply)
    if user is None:
        journal(Event.USER_UNKNOWN, cause=f"HTTP {reply.status}")
    return user


def refuse(site: Site, request: RequestView, problem: StateProblem, login: LoginInProgress | None) -> Answer:
    """Refuse a callback and change nothing: the vendor page asks for no change of state but a line in the log."""
    journal(Event.STATE_REFUSED, cause=problem.value)
    target = safe_target(site, request.mount, login.next_path if login else "")
    page = sign_in_again(problem, login_url(site, request, login), app_url=target)
    return page_answer(Reason.STATE_REFUSED, page)


def report(site: Site, request: RequestView, callback: ValidatedCallback) -> Answer:
    """Show the error that FotoWeb sent instead of a code (RFC 6749, 4.1.2.1)."""
    query, again = callback.query, login_url(site, request, callback.login)
    journal(Event.LOGIN_REFUSED, cause=query.error, description=query.error_description)
    if query.error == "access_denied":
        return page_answer(Reason.LOGIN_FAILED, access_denied(query.error_description, again))
    if query.error == "temporarily_unavailable":
        return unavailable(temporarily_unavailable(again, RETRY_AFTER_SECONDS), RETRY_AFTER_SECONDS)
    return page_answer(Reason.LOGIN_FAILED, fotoweb_error(FotoWebStep.AUTHORIZE, query.error, again))


def failed_exchange(site: Site, request: RequestView, callback: ValidatedCallback, error: FotoWebError) -> Answer:
    """Show what became of the exchange; the way on is a new login, never the same code again."""
    again = login_url(site, request, callback.login)
    match error:
        case FotoWebUnreachable():
            seconds = error.retry_after_seconds or RETRY_AFTER_SECONDS
            return unavailable(fotoweb_unavailable(seconds, again), seconds)
        case FotoWebRefused():
            return page_answer(Reason.LOGIN_FAILED, fotoweb_error(FotoWebStep.CODE, error.error, again))
        case _:
            return page_answer(Reason.LOGIN_FAILED, fotoweb_nonsense(again))


def unavailable(page: Page, retry_after_seconds: float, reason: Reason = Reason.FOTOWEB_UNAVAILABLE) -> Answer:
    """Return a 503 page."""
    return page_answer(reason, page, extra=(("Retry-After", str(max(1, math.ceil(retry_after_seconds)))),))


def login_url(site: Site, request: RequestView, login: LoginInProgress | None) -> str:
    """Return where to start again, with the way back where it is known."""
    path = site.path(request.mount, "login")
    return f"{path}?{urlencode({'next': login.next_path})}" if login else path
