"""Back from FotoWeb (RFC 6749, 4.1.2; RFC 9700, 4.7).

The checks, in this order; whatever fails first answers, and until the state is used nothing changes:

1. The method is GET.
2. The query is well formed: each parameter once, a state, and either a code or an error.
3. This browser holds the login cookie of this state, sealed by us, not older than ten minutes.
4. Nobody used this state before.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode

from fotoweb_middleware.context import Context
from fotoweb_middleware.cookies import RequestCookies
from fotoweb_middleware.errors import FotoWebError, FotoWebRefused, FotoWebUnreachable, StoreUnavailable
from fotoweb_middleware.events import EventName
from fotoweb_middleware.fotoweb.authorize import CallbackQuery, read_callback
from fotoweb_middleware.fotoweb.tokens import build_code_form, is_operator_fault
from fotoweb_middleware.fotoweb.user import DESCRIPTOR_MEDIA_TYPE, ME_PATH, read_user
from fotoweb_middleware.lookup import open_session_cookie, session_cookies
from fotoweb_middleware.pages import page
from fotoweb_middleware.records import revoke_pending, revoke_session, save_record
from fotoweb_middleware.request import Request, own_path
from fotoweb_middleware.responses import Response, page_response, redirect, with_cookies
from fotoweb_middleware.sealing import base64url
from fotoweb_middleware.session import SessionRecord, TokenSet, User, build_session
from fotoweb_middleware.session_cache import CachedSession
from fotoweb_middleware.views.login import (
    LOGIN_SECONDS,
    LoginInProgress,
    evict_login_cookies,
    forget_login,
    login_cookie_name,
    open_login,
)
from fotoweb_middleware.views.login_loop import count_login
from fotoweb_middleware.views.next_path import safe_next_path
from fotoweb_middleware.views.refusals import method_not_allowed, not_allowed

T = TypeVar("T")

RETRY_AFTER_SECONDS = 5
CALL_SHARE = 0.95
"""The part of ``FOTOWEB_HTTP_TIMEOUT`` that a call may take: it ends before its waiter gives up, and says why."""
CLOCK_SKEW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ValidatedCallback:
    """A callback that a login cookie of this browser belongs to; only ``validate`` makes one."""

    query: CallbackQuery
    login: LoginInProgress
    cookie_name: str = field(repr=False)


def callback(context: Context, request: Request, cookies: RequestCookies) -> Response:
    """Check the callback, exchange its code and open a session."""
    if request.method != "GET":
        return method_not_allowed(context, request, ("GET",))
    validated = validate(context, request, cookies)
    if isinstance(validated, str):
        return refuse(context, request, validated, None)
    context.warnings.login_returned()
    age_seconds = context.clock() - validated.login.started_at
    if not -CLOCK_SKEW_SECONDS <= age_seconds < LOGIN_SECONDS:
        return refuse(context, request, "state_expired", validated.login)
    try:
        is_first = use_state(context, validated.query.state)
    except StoreUnavailable:
        return unavailable(context, request, "store_unavailable", RETRY_AFTER_SECONDS)
    if not is_first:
        return refuse(context, request, "state_reused", validated.login)
    # From here on the state is used up, so the browser's login cookie goes whatever comes.
    if validated.query.error:
        response = authorization_error(context, request, validated)
    else:
        response = exchange(context, request, cookies, validated)
    return with_cookies(response, (forget_login(request, cookies, validated.cookie_name),))


def validate(context: Context, request: Request, cookies: RequestCookies) -> ValidatedCallback | str:
    """Tie the callback to a login that this browser began; a text is the code of the page that says why not."""
    query = read_callback(request.query)
    if isinstance(query, str):
        return query
    name = login_cookie_name(cookies, query.state)
    value = None if cookies.conflicting else cookies.values.get(name)
    login = open_login(context, name, value) if value else None
    if login is None or not hmac.compare_digest(login.state.encode(), query.state.encode("utf-8", "replace")):
        return why_unknown(context, request, cookies, has_login_cookie=bool(value))
    return ValidatedCallback(query, login, name)


def why_unknown(context: Context, request: Request, cookies: RequestCookies, *, has_login_cookie: bool) -> str:
    """Return why there is no login of a state, as precisely as the request shows it."""
    if has_login_cookie:
        return "state_other_key"
    cookie = open_session_cookie(context, cookies)
    if cookie is not None and not context.session_cache.is_revoked(cookie.session_id):
        return "state_reused"  # Somebody who is signed in came back: the login cookie went when it was used.
    # Browsers send Fetch Metadata to https and to loopback hosts alone, whatever scheme a proxy lets us see.
    if cookies.names.secure and request.scheme == "http" and "sec-fetch-site" not in request.headers:
        return "state_plain_http"
    return "state_unknown" if request.headers.get("cookie") else "state_no_cookies"


def use_state(context: Context, state: str) -> bool:
    """Use the state up; False where it was used before, here or in any process that shares the store.

    Raises:
        StoreUnavailable: The store does not answer, and the session could not be saved either.
    """
    key, ttl_seconds = context.store_key("login", state), float(LOGIN_SECONDS + CLOCK_SKEW_SECONDS)
    try:
        is_first = context.store.use_once(key, ttl_seconds=ttl_seconds)
    except StoreUnavailable:
        if context.settings.cookie_mode == "reference":
            raise
        is_first = True
    return is_first and context.session_cache.use_state_once(key)


def exchange(context: Context, request: Request, cookies: RequestCookies, validated: ValidatedCallback) -> Response:
    """Exchange the code, once and without a second try, and open the session."""
    try:
        tokens = wait_for(context, lambda: ask_for_tokens(context, validated))
    except FotoWebError as error:
        # Anybody can send a garbage code, which some servers call an invalid request: no fault of the operator's.
        is_operators = (
            isinstance(error, FotoWebRefused) and is_operator_fault(error) and error.error != "invalid_request"
        )
        context.events.emit(EventName.OPERATOR_FAULT if is_operators else EventName.LOGIN_FAILED, cause=error)
        return failed_exchange(context, request, validated, error)
    context.warnings.clock_seen(context.client.clock_skew_seconds)
    return open_session(context, request, cookies, validated.login, tokens, ask_for_user(context, tokens))


def ask_for_tokens(context: Context, validated: ValidatedCallback) -> TokenSet:
    """Ask for tokens. No secret is in a variable of its own: error reporters send a frame's variables along."""
    settings = context.settings
    form = build_code_form(
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value(),
        code=validated.query.code,
        redirect_uri=validated.login.redirect_uri,
        code_verifier=validated.login.code_verifier,
    )
    return context.client.ask_for_tokens(form, timeout_seconds=CALL_SHARE * settings.http_timeout)


def ask_for_user(context: Context, tokens: TokenSet) -> User | None:
    """Ask FotoWeb who logged in; whatever goes wrong, the login goes on."""
    settings = context.settings
    if not settings.fetch_user:
        return None

    def ask() -> User | None:
        timeout_seconds = CALL_SHARE * settings.http_timeout
        accept = DESCRIPTOR_MEDIA_TYPE
        reply = context.client.get_document(ME_PATH, accept=accept, tokens=tokens, timeout_seconds=timeout_seconds)
        user = read_user(reply)
        if user is None:
            context.events.emit(EventName.USER_UNKNOWN, cause=f"HTTP {reply.status}")
        return user

    try:
        return wait_for(context, ask)
    except FotoWebError as error:
        context.events.emit(EventName.USER_UNKNOWN, cause=error)
        return None


def wait_for(context: Context, work: Callable[[], T]) -> T:
    """Call FotoWeb in a thread of its own and return the result.

    A name server that hangs, which no connection's deadline covers, is not waited for.

    Raises:
        FotoWebError: The call failed, there is no answer in time, or too many requests wait for FotoWeb already.
    """
    future = context.client.submit(lambda: (work(),))
    answer = context.client.wait(future)
    if answer is None:
        raise FotoWebUnreachable("FotoWeb did not answer within FOTOWEB_HTTP_TIMEOUT")
    return answer[0]


def open_session(  # noqa: PLR0913, PLR0917 (what a session is made of)
    context: Context,
    request: Request,
    cookies: RequestCookies,
    login: LoginInProgress,
    tokens: TokenSet,
    user: User | None,
) -> Response:
    """Open a session under a new id, end the one the browser came with, and go where the user was going.

    The app is asked and told before anything of the session is kept: where it says no, or raises, there is none.
    """
    now = context.clock()
    record = SessionRecord(base64url(context.entropy(24)), 1, tokens, started_at=now, seen_at=now, user=user)
    session = build_session(record, context.settings.url)
    if (refused := context.authorization.check(session)) is not None:
        return not_allowed(context, request, refused, login_url(context, request, login))
    context.authorization.tell_of_login(session)
    cached = CachedSession(record, context.settings, by_reference=context.settings.cookie_mode == "reference")
    set_cookies = cookies_of_new_session(context, request, cookies, login, cached)
    sent = open_session_cookie(context, cookies)
    if sent is not None:  # Each login opens a new session (OWASP ASVS 5.0, 7.2.4).
        revoke_session(context, sent.session_id, reason="replaced")
    is_saved = True
    try:
        save_record(context, record, create=True)
        revoke_pending(context)
    except StoreUnavailable:
        is_saved = False
        if cached.by_reference:
            return unavailable(
                context, request, "store_unavailable", RETRY_AFTER_SECONDS, login_url(context, request, login)
            )
    adopted = context.session_cache.adopt(record, by_reference=cached.by_reference)
    if adopted is not None:
        adopted.is_authorized = True
        context.session_cache.note_checked(adopted, is_saved=is_saved)
    context.events.emit(EventName.LOGGED_IN, session_id=record.session_id, user=None if user is None else user.user_id)
    next_path = safe_next_path(context.settings, request.mount, login.next_path)
    return redirect_to_next(context, request, next_path, set_cookies)


def cookies_of_new_session(
    context: Context, request: Request, cookies: RequestCookies, login: LoginInProgress, cached: CachedSession
) -> tuple[str, ...]:
    """Return the Set-Cookie values of a new session; logins in other tabs go where there is no room beside it."""
    set_cookies = session_cookies(context, cookies, cached)
    set_cookies += (count_login(context, cookies, set_cookies),)
    taken_characters = sum(len(cookie.partition(";")[0]) + len("; ") for cookie in set_cookies)
    finished = login_cookie_name(cookies, login.state)
    return set_cookies + evict_login_cookies(context, request, cookies, taken_characters, finished=finished)


def redirect_to_next(context: Context, request: Request, path: str, set_cookies: tuple[str, ...]) -> Response:
    """Go where the user was going.

    A redirect would still be part of the navigation that FotoWeb's site began, and so carry no Strict cookie:
    the app would send the browser to the login again, and again. A page of our own begins a navigation of ours.
    """
    if context.settings.cookie_samesite != "strict":
        return with_cookies(redirect("logged_in", path), set_cookies)
    headers = (*context.pages.headers(), ("Refresh", f"0; url={path}"))
    return with_cookies(page_response(context.pages, request, page("one_moment", target=path), headers), set_cookies)


def refuse(context: Context, request: Request, code: str, login: LoginInProgress | None) -> Response:
    """Refuse a callback and change nothing: the vendor page asks for no change of state but a line in the log."""
    context.events.emit(EventName.STATE_REFUSED, cause=code.removeprefix("state_"))
    app_url = safe_next_path(context.settings, request.mount, login.next_path if login else "")
    return page_response(
        context.pages, request, page(code, login_url=login_url(context, request, login), app_url=app_url)
    )


def authorization_error(context: Context, request: Request, validated: ValidatedCallback) -> Response:
    """Show the error that FotoWeb sent instead of a code (RFC 6749, 4.1.2.1)."""
    query, again = validated.query, login_url(context, request, validated.login)
    context.events.emit(EventName.LOGIN_REFUSED, cause=query.error, description=query.error_description)
    if query.error == "access_denied":
        return page_response(
            context.pages, request, page("access_denied", description=query.error_description, login_url=again)
        )
    if query.error == "temporarily_unavailable":
        shown = page("temporarily_unavailable", login_url=again, retry_after_seconds=RETRY_AFTER_SECONDS)
        return page_response(context.pages, request, shown)
    return page_response(
        context.pages, request, page("fotoweb_error", step="authorize", error=query.error, retry_url=again)
    )


def failed_exchange(context: Context, request: Request, validated: ValidatedCallback, error: FotoWebError) -> Response:
    """Show what became of the exchange; the way on is a new login, never the same code again."""
    again = login_url(context, request, validated.login)
    match error:
        case FotoWebUnreachable():
            seconds = error.retry_after_seconds or RETRY_AFTER_SECONDS
            return unavailable(context, request, "fotoweb_unavailable", seconds, again)
        case FotoWebRefused():
            return page_response(
                context.pages, request, page("fotoweb_error", step="code", error=error.error, retry_url=again)
            )
        case _:
            return page_response(context.pages, request, page("fotoweb_nonsense", retry_url=again))


def unavailable(
    context: Context, request: Request, code: str, retry_after_seconds: float, retry_url: str | None = None
) -> Response:
    """Return a 503 page."""
    shown = page(code, retry_after_seconds=retry_after_seconds, retry_url=retry_url)
    return page_response(context.pages, request, shown)


def login_url(context: Context, request: Request, login: LoginInProgress | None) -> str:
    """Return where to start again, with the way back where it is known."""
    path = own_path(context.settings, request.mount, "login")
    return f"{path}?{urlencode({'next': login.next_path})}" if login else path
