"""``PREFIX/health/live`` and ``PREFIX/health/ready``, for probes and load balancers; served with ``FOTOWEB_HEALTH``.

Neither looks at a session, and neither tells anything that an anonymous user may not know.
"""

from __future__ import annotations

from fotoweb_middleware.context import Context
from fotoweb_middleware.cookies import RequestCookies
from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.request import Request
from fotoweb_middleware.responses import Response, json_response
from fotoweb_middleware.views.refusals import method_not_allowed

ALLOWED = ("GET", "HEAD")


def live(context: Context, request: Request, _cookies: RequestCookies) -> Response:
    """Return 200: this process answers requests. Does no I/O."""
    if request.method not in ALLOWED:
        return method_not_allowed(context, request, ALLOWED)
    return json_response(200, {"live": True}, "health_live")


def ready(context: Context, request: Request, _cookies: RequestCookies) -> Response:
    """Return 200 where this process can serve people who are signed in, else 503. Asks the store one question.

    FotoWeb being out of reach makes nobody unready: people with valid tokens are served, and every process would be
    unready at the same time. For the same reason the store counts in reference mode alone, where there is no session
    without it; in sealed mode sessions are in the cookies.
    """
    if request.method not in ALLOWED:
        return method_not_allowed(context, request, ALLOWED)
    is_reachable = can_be_read(context)
    is_ready = is_reachable or context.settings.cookie_mode == "sealed"
    content = {
        "ready": is_ready,
        "store": {"reachable": is_reachable, "failing": context.store.failing},
        "fotoweb": {
            "last_answer_seconds_ago": context.client.last_answer_seconds_ago(),
            "circuit": context.client.breaker.state(),
        },
    }
    return json_response(200 if is_ready else 503, content, "health_ready" if is_ready else "health_unready")


def can_be_read(context: Context) -> bool:
    """Ask the store for an entry that is never there; a store that failed a moment ago says so at once."""
    try:
        context.store.load(context.store_key("health", "ready"))
    except StoreUnavailable:
        return False
    return True
