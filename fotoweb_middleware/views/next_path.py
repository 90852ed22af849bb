"""Where a login may lead back to: a path on this origin and nothing else (RFC 9700, 4.11.1; OWASP ASVS 5.0, 3.7.2)."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, unquote_to_bytes

from fotoweb_middleware.request import Request, front_page, is_own_origin, own_path
from fotoweb_middleware.settings import Settings

MAX_CHARACTERS = 500
"""Login cookies of four tabs with long addresses would fill more of the Cookie header than servers take."""
SAFE = re.compile(r"/[\x21-\x5b\x5d-\x7e]*")  # Visible ASCII without the backslash.
DOT_SEGMENT = re.compile(r"/\.{1,2}(/|$)")  # Browsers resolve these, percent-encoded too.
PATH_SAFE = "/:@!$&'()*+,;=-._~"  # RFC 3986, 3.3


def safe_next_path(settings: Settings, mount: str, path: str) -> str:
    """Return ``path`` where it is a harmless path on this origin, else the app's front page."""
    return path if is_harmless(path, own_path(settings, mount, "")) else front_page(mount)


def is_harmless(path: str, own_pages: str) -> bool:
    """Return whether a login may lead to ``path``.

    1. One "/" at the start, and no "//" in the path: browsers read what follows as a host,
       also once dot segments are taken out.
    2. Visible ASCII alone, no backslash: browsers read it as "/".
    3. Not one of our own pages (``own_pages`` is what their paths begin with), however it is spelt: a login must not
       end in the next login, or in a logout.
    """
    bare = path.partition("?")[0].partition("#")[0]
    decoded = unquote(bare)
    is_own = f"{decoded}/".startswith(unquote(own_pages))
    is_plain = len(path) <= MAX_CHARACTERS and SAFE.fullmatch(path) is not None and "//" not in bare
    return is_plain and not DOT_SEGMENT.search(decoded) and not is_own


def requested_path(settings: Settings, request: Request) -> str:
    """Return where this request was going: the raw path, or the path quoted again where the server hides it."""
    raw_path, path = request.raw_path, request.mount + request.path
    path_bytes = path.encode("utf-8", "surrogateescape" if is_decoded(path) else "replace")
    # Servers decode what is no UTF-8 in one of two ways: replaced (ASGI) or kept as surrogates (our WSGI adapter).
    if raw_path is None or (unquote(raw_path) != path and unquote_to_bytes(raw_path) != path_bytes):
        raw_path = quote(path_bytes, safe=PATH_SAFE)
    return safe_next_path(settings, request.mount, f"{raw_path}?{request.query}" if request.query else raw_path)


def page_of_htmx(settings: Settings, request: Request) -> str:
    """Return the page that the user is on, as htmx tells it, where that is on this origin; else the front page."""
    scheme, _, rest = request.headers.get("hx-current-url", "").partition("://")
    authority, _, path = rest.partition("/")
    is_ours = is_own_origin(f"{scheme}://{authority}", request, settings)
    return safe_next_path(settings, request.mount, "/" + path.partition("#")[0] if is_ours else "")


def is_decoded(path: str) -> bool:
    """Return whether a path's surrogates, if any, are bytes that were no UTF-8."""
    return not any("\ud800" <= character < "\udc80" for character in path)


def next_parameter(settings: Settings, request: Request) -> str:
    """Return where ``PREFIX/login?next=…`` wants to go."""
    try:
        values = [value for name, value in parse_qsl(request.query, max_num_fields=50) if name == "next"]
    except ValueError:
        values = []
    return safe_next_path(settings, request.mount, values[0] if len(values) == 1 else "")
