"""The session ends here, in the store and in the browser; FotoWeb's own session is FotoWeb's.

FotoWeb documents no revocation endpoint, so the store's revocation is what makes a logout stick.
"""

from __future__ import annotations

import dataclasses

from fotoweb_middleware.context import Context
from fotoweb_middleware.cookies import RequestCookies
from fotoweb_middleware.events import EventName
from fotoweb_middleware.lookup import forget_session_cookies, sent_session_ids
from fotoweb_middleware.pages import page
from fotoweb_middleware.records import revoke_session
from fotoweb_middleware.request import (
    Request,
    front_page,
    is_cross_origin,
    is_same_origin_navigation,
    origin_of,
    own_path,
)
from fotoweb_middleware.responses import Response, page_response, redirect, with_cookies
from fotoweb_middleware.views.login import forget_logins
from fotoweb_middleware.views.login_loop import forget_login_attempts
from fotoweb_middleware.views.refusals import cross_origin, method_not_allowed

ALLOWED = ("GET", "POST")

FORGET_PAGES = ("Clear-Site-Data", '"cache"')
"""Takes the app's answers out of the browser's history cache and HTTP cache, so that Back shows none of them.

W3C Clear Site Data. Browsers obey over https and on loopback hosts alone.
"""


def logout(context: Context, request: Request, cookies: RequestCookies) -> Response:
    """Log out on a POST or a click of our own origin; ask first on any other GET.

    A cross-site image or link must not be able to log somebody out (OWASP ASVS 5.0, 3.5.3).
    """
    if request.method not in ALLOWED:
        return method_not_allowed(context, request, ALLOWED)
    if request.method == "GET" and not is_same_origin_navigation(request):
        return confirm(context, request)
    session_ids = sent_session_ids(context, request, cookies)
    if request.method == "POST" and is_cross_origin(request, context.settings):
        return cross_origin(context, request, session_ids[0] if session_ids else None)
    for session_id in session_ids:
        context.events.emit(EventName.LOGGED_OUT, session_id=session_id)
        revoke_session(context, session_id, reason="logout")
    removals = (*forget_session_cookies(cookies), *forget_logins(request, cookies), *forget_login_attempts(cookies))
    response = with_cookies(signed_out(context, request), removals)
    return dataclasses.replace(response, headers=(*response.headers, FORGET_PAGES))


def confirm(context: Context, request: Request) -> Response:
    """Ask first. The form may end at ``FOTOWEB_POST_LOGOUT_URL``, which its security headers have to allow."""
    url = context.settings.post_logout_url
    shown = page(
        "confirm_logout",
        logout_url=own_path(context.settings, request.mount, "logout"),
        back_url=front_page(request.mount),
    )
    leads_to = origin_of(url) if url and not url.startswith("/") else None
    return page_response(context.pages, request, shown, context.pages.headers(leads_to, has_form=True))


def signed_out(context: Context, request: Request) -> Response:
    """Return where a logout leads; never straight into the next login."""
    settings = context.settings
    if settings.post_logout_url is not None:
        return redirect("logged_out", settings.post_logout_url)
    login_url = own_path(settings, request.mount, "login")
    app_url = front_page(request.mount) if settings.login == "optional" else None
    shown = page("signed_out", login_url=login_url, fotoweb_url=settings.url, app_url=app_url)
    return page_response(context.pages, request, shown)
