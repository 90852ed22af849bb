"""Stage 1 of 4, before lookup: which way does this request go?"""

from __future__ import annotations

import enum
import re

from fotoweb_middleware.model import RequestView
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.request_class import is_preflight

__all__ = ["Route", "classify", "is_harmless_mount", "is_open", "is_public"]

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
    if site.settings.login == "optional":
        return True
    return not request.has_stray_mount and is_public(site, request.path, request.raw_path)


def is_origin_form(request: RequestView) -> bool:
    """Return whether the request target is a path (RFC 9112, 3.2.1) and not a URL, an authority or "*"."""
    if request.raw_path is not None and not request.raw_path.startswith("/"):
        return False
    if not is_harmless_mount(request.mount):
        return False
    return request.path.startswith("/") or (not request.path and bool(request.mount))


def is_harmless_mount(mount: str) -> bool:
    """Return whether browsers read a mount as a path: a front server may have been talked into one that is a host."""
    return not mount.startswith("//") and "\\" not in mount


def is_public(site: Site, path: str, raw_path: str | None) -> bool:
    """Return whether ``FOTOWEB_PUBLIC_PATHS`` names this path.

    A path that two readers could read in two ways is never public:
    dot segments, empty segments, encoded slashes, parameters, anything still encoded after one decoding.

    Args:
        site: The wrapped app's.
        path: Decoded, without the mount.
        raw_path: As it stood in the request line, None where the server does not tell.
    """
    if path not in site.public_paths and not path.startswith(site.public_prefixes):
        return False
    if AMBIGUOUS_PATH.search(path):
        return False
    # What was not encoded in the request line can't be read in two ways there: no need to search it too.
    return raw_path is None or raw_path == path or not AMBIGUOUS_RAW_PATH.search(raw_path)
