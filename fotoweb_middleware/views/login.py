"""Off to FotoWeb, with a login cookie that remembers the way back (RFC 6749, 4.1.1)."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from fotoweb_middleware.context import Context
from fotoweb_middleware.cookies import MAX_TOTAL_CHARACTERS, RequestCookies, total_characters
from fotoweb_middleware.events import EventName
from fotoweb_middleware.fotoweb.authorize import build_authorize_url, challenge_of, make_verifier
from fotoweb_middleware.request import (
    Request,
    callback_url,
    front_page,
    has_fetch_metadata,
    is_loopback_host_header,
    is_navigation,
    own_path,
)
from fotoweb_middleware.responses import Response, redirect, with_cookies
from fotoweb_middleware.sealing import Purpose, base64url
from fotoweb_middleware.setup_warnings import SetupCause
from fotoweb_middleware.views.login_loop import stop_login_loop
from fotoweb_middleware.views.next_path import next_parameter
from fotoweb_middleware.views.refusals import bad_target, method_not_allowed, not_signed_in

LOGIN_SECONDS = 600
ALLOWED = frozenset({"GET", "HEAD"})
MAX_LOGINS = 5
MAX_REMOVALS = 20  # More are planted, and each costs a header.


@dataclass(frozen=True, slots=True)
class LoginInProgress:
    """What a login cookie remembers until the callback.

    Attributes:
        state: Must come back unchanged.
        code_verifier: None where no PKCE is used.
        redirect_uri: Exactly as sent; None where it was left out.
        next_path: Where the user was going.
        started_at: Epoch seconds.
    """

    state: str = field(repr=False)
    code_verifier: str | None = field(repr=False)
    redirect_uri: str | None
    next_path: str = field(repr=False)
    started_at: float

    def to_json(self) -> list[Any]:
        """Return what ``from_json`` reads."""
        return [self.state, self.code_verifier, self.redirect_uri, self.next_path, self.started_at]

    @classmethod
    def from_json(cls, value: Any) -> LoginInProgress | None:
        """Return the login that ``to_json`` wrote; None for anything else, such as another release's."""
        match value:
            case [str(), str() | None, str() | None, str(), int() | float()]:
                return cls(*value)
            case _:
                return None


def login(context: Context, request: Request, cookies: RequestCookies) -> Response:
    """Answer ``PREFIX/login?next=…``: a person who goes there begins a login; scripts and prefetches do not."""
    if request.method not in ALLOWED:
        return method_not_allowed(context, request, ("GET",))
    if not is_navigation(request):
        return not_signed_in(context, request)
    return begin_login(context, request, cookies, next_parameter(context.settings, request))


def begin_login(context: Context, request: Request, cookies: RequestCookies, next_path: str) -> Response:
    """Return the redirect to FotoWeb; ``next_path`` was checked by ``safe_next_path``."""
    if (stopped := stop_login_loop(context, request, cookies, next_path)) is not None:
        return stopped
    settings = context.settings
    redirect_uri = callback_url(request, settings)
    if redirect_uri is None:
        return bad_target(context, request)
    started = LoginInProgress(
        state=base64url(context.entropy(24)),
        code_verifier=make_verifier(context.entropy) if settings.pkce else None,
        redirect_uri=redirect_uri if settings.send_redirect_uri else None,
        next_path=next_path,
        started_at=context.clock(),
    )
    location = build_authorize_url(
        settings.url,
        client_id=settings.client_id,
        redirect_uri=started.redirect_uri,
        state=started.state,
        code_challenge=None if started.code_verifier is None else challenge_of(started.code_verifier),
    )
    context.events.emit(EventName.LOGIN_STARTED)
    if has_fetch_metadata(request):
        warn_where_wrong(context, request, redirect_uri)
    return with_cookies(redirect("login_started", location), login_cookies(context, request, cookies, started))


def warn_where_wrong(context: Context, request: Request, redirect_uri: str) -> None:
    """Warn where no login comes back, or where the redirect URI is not the address that the browser sees.

    Only a browser's login tells: monitors and robots never come back, and may come past the proxy. Browsers send fetch
    metadata to https and to this machine alone (W3C Fetch Metadata, 2).
    """
    context.warnings.login_started()
    host = request.headers.get("host", "")
    if redirect_uri.startswith("http:") and not is_loopback_host_header(host):
        context.warnings.warn(SetupCause.HTTPS_SEEN_AS_HTTP, host=host)
    path = own_path(context.settings, request.mount, "callback")
    if urlsplit(redirect_uri).path != path:
        context.warnings.warn(SetupCause.REDIRECT_URI_MOUNT, path=path)


def login_cookies(
    context: Context, request: Request, cookies: RequestCookies, started: LoginInProgress
) -> tuple[str, ...]:
    """Return the new login's cookie, and the removal of as many old ones as there is no room for."""
    logins = cookies.logins
    name = login_cookie_name(cookies, started.state)
    value = context.sealer.seal(started.to_json(), Purpose.LOGIN, name=name)
    others = total_characters({other: cookies.values[other] for other in cookies.values if other not in logins})
    if others + len(name) + len(value) > MAX_TOTAL_CHARACTERS:
        started = dataclasses.replace(started, next_path=front_page(request.mount))
        value = context.sealer.seal(started.to_json(), Purpose.LOGIN, name=name)
    path = login_cookie_path(request, cookies)
    written = cookies.names.write(name, value, max_age_seconds=LOGIN_SECONDS, path=path)
    return (written, *evict_login_cookies(context, request, cookies, others + total_characters({name: value})))


def evict_login_cookies(
    context: Context, request: Request, cookies: RequestCookies, taken_characters: int, *, finished: str = ""
) -> tuple[str, ...]:
    """Return the Set-Cookie values that drop login cookies, oldest first, so that all our cookies stay few and small.

    ``taken_characters`` is the room of our other cookies, as the browser will hold them after this answer; ``finished``
    is the cookie of a login that has come to its end, which goes anyway.
    """
    logins = {name: value for name, value in cookies.logins.items() if name != finished}
    kept = sorted(logins, key=lambda name: started_at(context, name, logins[name]))
    room = MAX_TOTAL_CHARACTERS - taken_characters
    dropped = []
    while kept and (len(kept) >= MAX_LOGINS or total_characters({name: logins[name] for name in kept}) > room):
        dropped.append(kept.pop(0))
    return tuple(forget_login(request, cookies, name) for name in dropped[:MAX_REMOVALS])


def started_at(context: Context, name: str, value: str) -> float:
    """Return when a login cookie's login began; 0 for one that does not open, so that it goes first."""
    opened = open_login(context, name, value)
    return opened.started_at if opened is not None else 0.0


def open_login(context: Context, name: str, value: str) -> LoginInProgress | None:
    """Return the login that a login cookie carries; None where it is not one of ours."""
    opened = context.sealer.open(value, Purpose.LOGIN, name=name)
    return LoginInProgress.from_json(opened.value) if opened is not None else None


def login_cookie_name(cookies: RequestCookies, state: str) -> str:
    """Return the name of a login's cookie: one for each state, so that tabs do not disturb one another."""
    digest = hashlib.sha256(state.encode("utf-8", "surrogatepass")).digest()
    return cookies.names.login_prefix + base64url(digest[:12])


def login_cookie_path(request: Request, cookies: RequestCookies) -> str:
    """Return the login cookie's path: "/" where the ``__Host-`` name asks for it, else the mount.

    Not the callback alone: then no other request would show how many there are, and old ones could not be dropped.
    """
    return "/" if cookies.names.secure else front_page(request.mount)


def forget_login(request: Request, cookies: RequestCookies, name: str) -> str:
    """Return the Set-Cookie value that removes a login cookie."""
    return cookies.names.expire(name, path=login_cookie_path(request, cookies))


def forget_logins(request: Request, cookies: RequestCookies) -> tuple[str, ...]:
    """Return the Set-Cookie values that remove every login cookie the browser sent."""
    return tuple(forget_login(request, cookies, name) for name in list(cookies.logins)[:MAX_REMOVALS])
