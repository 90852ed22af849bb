"""The session's status, for pages: ``PREFIX/session``. Never a token, and nothing is refreshed."""

from __future__ import annotations

from fotoweb_middleware.context import Context
from fotoweb_middleware.lookup import Found, Lookup
from fotoweb_middleware.records import StoreDown
from fotoweb_middleware.request import Request, own_path
from fotoweb_middleware.responses import Response, json_response
from fotoweb_middleware.session_cache import CachedSession
from fotoweb_middleware.views.refusals import method_not_allowed, not_signed_in, store_unavailable

ALLOWED = ("GET", "HEAD")


def status(context: Context, request: Request, found: Lookup) -> Response:
    """Return 200 with what a page may know, or 401."""
    if request.method not in ALLOWED:
        return method_not_allowed(context, request, ALLOWED)
    if isinstance(found, StoreDown):
        return store_unavailable(context, request, None)
    if isinstance(found, Found) and not is_over(context, found.cached):
        content = {
            "authenticated": True,
            "expires_at": found.cached.record.tokens.expires_at,
            "session_ends_at": found.cached.ends_at,
            "logout_url": own_path(context.settings, request.mount, "logout"),
        }
        return json_response(200, content, "session_status")
    return not_signed_in(context, request)


def is_over(context: Context, cached: CachedSession) -> bool:
    """Return whether the token has expired and nothing can renew it."""
    return cached.record.tokens.refresh_token is None and cached.must_refresh(context.clock())
