"""Where a login may lead back to: a path on this origin and nothing else (RFC 9700, 4.11.1; OWASP ASVS 5.0, 3.7.2)."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, unquote_to_bytes

from fotoweb_middleware.model import RequestView
from fotoweb_middleware.site import Site, front_page

__all__ = ["next_target", "requested_target", "safe_target"]

MAX_TARGET_CHARACTERS = 2048
SAFE_TARGET = re.compile(r"/[\x21-\x5b\x5d-\x7e]*")  # visible ASCII without the backslash
DOT_SEGMENT = re.compile(r"/\.{1,2}(/|$)")  # browsers resolve these, percent-encoded too
PATH_SAFE = "/:@!$&'()*+,;=-._~"  # RFC 3986, 3.3


def safe_target(site: Site, mount: str, target: str) -> str:
    """Return ``target`` where it is a harmless path on this origin, else the app's front page.

    1. One "/" at the start, and no "//" in the path: browsers read what follows as a host,
       also once dot segments are taken out.
    2. Visible ASCII alone, no backslash: browsers read it as "/".
    3. Not one of our own pages, however it is spelt: a login must not end in the next login, or in a logout.
    """
    path = target.partition("?")[0].partition("#")[0]
    is_harmless = len(target) <= MAX_TARGET_CHARACTERS and SAFE_TARGET.fullmatch(target) and "//" not in path
    spoken = unquote(path)
    if not is_harmless or DOT_SEGMENT.search(spoken) or f"{spoken}/".startswith(unquote(site.path(mount, ""))):
        return front_page(mount)
    return target


def requested_target(site: Site, request: RequestView) -> str:
    """Return where this request was going: the raw target, or the path quoted again where the server hides it."""
    raw_path, path = request.raw_path, request.mount + request.path
    if raw_path == path and path.isascii() and "%" not in path:
        return safe_target(site, request.mount, f"{path}?{request.query}" if request.query else path)
    path_bytes = path.encode("utf-8", "surrogateescape" if is_decoded(path) else "replace")
    # Servers decode what is no UTF-8 in one of two ways: replaced (ASGI) or kept as surrogates (our WSGI door).
    if raw_path is None or (unquote(raw_path) != path and unquote_to_bytes(raw_path) != path_bytes):
        raw_path = quote(path_bytes, safe=PATH_SAFE)
    return safe_target(site, request.mount, f"{raw_path}?{request.query}" if request.query else raw_path)


def is_decoded(path: str) -> bool:
    """Return whether a path's surrogates, if any, are bytes that were no UTF-8."""
    return not any("\ud800" <= character < "\udc80" for character in path)


def next_target(site: Site, request: RequestView) -> str:
    """Return where ``PREFIX/login?next=…`` wants to go."""
    try:
        values = [value for name, value in parse_qsl(request.query, max_num_fields=50) if name == "next"]
    except ValueError:
        values = []
    return safe_target(site, request.mount, values[0] if len(values) == 1 else "")
