"""Stage 1 of 4, before lookup: which way does this request go?"""

from __future__ import annotations

import enum
import re

from fotoweb_middleware.model import RequestView
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.request_class import is_preflight

__all__ = ["Route", "classify", "is_open"]

AMBIGUOUS_PATH = re.compile(r"[\x00-\x1f\x7f\\;#?%]|//|/\.{1,2}(/|$)")
AMBIGUOUS_RAW_PATH = re.compile(r"%(2f|5c|2e|00)", re.IGNORECASE)


class Route(enum.Enum):
    """Where a request goes."""

    BAD_TARGET = "bad_target"
    LOGIN = "login"
    CALLBACK = "callback"
    LOGOUT = "logout"
    SESSION = "session"
    UNKNOWN_OWN_PATH = "unknown_own_path"
    PREFLIGHT = "preflight"
    OPEN = "open"
    """A public path, or ``FOTOWEB_LOGIN=optional``: the app runs, with a session where there is one."""
    PROTECTED = "protected"


OWN_PAGES = {
    "/login": Route.LOGIN,
    "/callback": Route.CALLBACK,
    "/logout": Route.LOGOUT,
    "/session": Route.SESSION,
}


def classify(site: Site, request: RequestView) -> Route:
    """Return the request's route. What matches nothing is protected, whatever its method."""
    path, prefix = request.path, site.settings.path_prefix
    if not is_origin_form(request):
        return Route.BAD_TARGET
    if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in {"", "/"}:
        page = OWN_PAGES.get(path[len(prefix) :], Route.UNKNOWN_OWN_PATH)
        return Route.UNKNOWN_OWN_PATH if request.is_websocket else page
    if is_preflight(request):
        return Route.PREFLIGHT
    return Route.OPEN if is_open(site, request) else Route.PROTECTED


def is_open(site: Site, request: RequestView) -> bool:
    """Return whether the app may run without a session."""
    return site.settings.login == "optional" or is_public(site, request)


def is_origin_form(request: RequestView) -> bool:
    """Return whether the request target is a path (RFC 9112, 3.2.1) and not a URL, an authority or "*"."""
    if request.raw_path is not None and not request.raw_path.startswith("/"):
        return False
    if request.mount.startswith("//") or "\\" in request.mount:
        return False  # A front server was talked into a mount that browsers would read as a host.
    return request.path.startswith("/") or (not request.path and bool(request.mount))


def is_public(site: Site, request: RequestView) -> bool:
    """Return whether ``FOTOWEB_PUBLIC_PATHS`` names this path.

    A path that two readers could read in two ways is never public:
    dot segments, empty segments, encoded slashes, parameters, anything still encoded after one decoding.
    """
    path = request.path
    if path not in site.public_paths and not path.startswith(site.public_prefixes):
        return False
    if AMBIGUOUS_PATH.search(path):
        return False
    return request.raw_path is None or not AMBIGUOUS_RAW_PATH.search(request.raw_path)
