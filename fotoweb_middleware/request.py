"""What a decision may know of a request, the same for ASGI and WSGI: its parts, its kind, where it comes from.

Two rules: nothing here does I/O, and nothing here believes a header that a browser's page could have set.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from fotoweb_middleware.cookies import CookieNames
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.settings.rules import DEFAULT_PORTS, is_loopback

HEADERS_READ = frozenset(
    {
        "accept",
        "accept-language",
        "access-control-request-method",
        "cookie",
        "host",
        "hx-current-url",
        "hx-request",
        "origin",
        "purpose",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "sec-purpose",
        "x-requested-with",
    }
)
"""The request headers that decisions look at; the adapters hand over these and no others."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, 9.2.1
HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
ANY_TYPES = frozenset({"*/*", "text/*"})
MAX_ACCEPT_CHARACTERS = 2048
AMBIGUOUS_PATH = re.compile(r"[\x00-\x1f\x7f\\;#?%]|//|/\.{1,2}(/|$)")
AMBIGUOUS_RAW_PATH = re.compile(r"%(2f|5c|2e|00)", re.IGNORECASE)
HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")  # RFC 9110, 7.2
MAX_HOST_CHARACTERS = 300  # Longer than any host that fits the pattern.


@dataclass(frozen=True, slots=True)
class Request:
    """The parts of a request that decisions look at.

    Attributes:
        method: As sent, "GET" for a WebSocket handshake.
        path: Decoded, without the mount: what the wrapped app routes on.
        mount: Where the app is mounted: "" or "/sub" (``root_path``, ``SCRIPT_NAME``).
        raw_path: The path as it stood in the request line, still percent-encoded, mount included;
            None where the server does not tell.
        query: The query string as sent, without "?".
        scheme: "http" or "https" ("ws" and "wss" are told as these).
        headers: Those of ``HEADERS_READ`` that came, names in lower case, latin-1 text.
            Several Cookie headers are joined by "; " (RFC 9113, 8.2.3), others by ", ".
        is_websocket: Whether this is a WebSocket handshake.
        has_stray_mount: Whether the mount stands in the path, but not at its start: some frameworks cut there.
        outer: Cookie name and path prefix of a FotoWeb middleware through which this request came already.
    """

    method: str
    path: str
    mount: str
    raw_path: str | None
    query: str = field(repr=False)  # The callback's holds code and state.
    scheme: str
    headers: Mapping[str, str] = field(repr=False)
    is_websocket: bool = False
    has_stray_mount: bool = False
    outer: frozenset[str] = frozenset()


# ---------------------------------------------------------------------------------------------- what kind of request


def is_navigation(request: Request) -> bool:
    """Return whether this GET is a person going to a page, so that a login may start (W3C Fetch Metadata).

    1. A prefetch is nobody going anywhere, and a script that says what it is isn't either.
    2. With fetch metadata: mode navigate and destination document.
    3. Without: Accept admits HTML (a wildcard and no Accept at all do).
    """
    if request.method != "GET" or request.is_websocket or is_script(request):
        return False
    if has_fetch_metadata(request):
        return is_document_navigation(request)
    return not is_prefetch(request) and accepts_html(request, wildcard=True)


def is_script(request: Request) -> bool:
    """Return whether a script says that it asks: as htmx, or by X-Requested-With (jQuery, Axios' old versions).

    Where the browser itself says what it does, X-Requested-With says nothing: Android's WebView sends it
    with each page that a person goes to.
    """
    return is_htmx(request) or ("x-requested-with" in request.headers and not has_fetch_metadata(request))


def is_htmx(request: Request) -> bool:
    """Return whether htmx asks, for a part of a page or for a whole one (htmx.org, "Request Headers")."""
    return request.headers.get("hx-request") == "true"


def is_document_navigation(request: Request) -> bool:
    """Return whether the browser says that a person goes to a page, in a window and not in a frame or ahead of time."""
    headers = request.headers
    is_document = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return is_document and not is_prefetch(request)


def is_same_origin_navigation(request: Request) -> bool:
    """Return whether the browser says that a link or form of our own origin led here."""
    return request.headers.get("sec-fetch-site") == "same-origin" and is_document_navigation(request)


def wants_page(request: Request) -> bool:
    """Return whether an answer of ours should be a page and not a problem document."""
    if request.is_websocket or is_script(request):
        return False
    if has_fetch_metadata(request) and request.headers.get("sec-fetch-mode") != "navigate":
        return False
    return accepts_html(request, wildcard=request.method == "GET")


def is_preflight(request: Request) -> bool:
    """Return whether this is a CORS preflight (Fetch standard, 4.8)."""
    headers = request.headers
    return request.method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def is_prefetch(request: Request) -> bool:
    """Return whether the browser fetches ahead of a click that may never come."""
    return "prefetch" in f"{request.headers.get('sec-purpose')} {request.headers.get('purpose')}".lower()


def has_fetch_metadata(request: Request) -> bool:
    """Return whether the browser says what the request is for."""
    return "sec-fetch-mode" in request.headers or "sec-fetch-dest" in request.headers


def accepts_html(request: Request, *, wildcard: bool) -> bool:
    """Return whether Accept admits HTML; with ``wildcard``, ``*/*``, ``text/*`` or no Accept at all will do."""
    accept = request.headers.get("accept")
    if accept is None:
        return wildcard
    wanted = HTML_TYPES | ANY_TYPES if wildcard else HTML_TYPES
    for media_range in accept[:MAX_ACCEPT_CHARACTERS].lower().split(","):
        media_type, _, parameters = media_range.partition(";")
        if has_zero_weight(parameters):
            wanted = wanted - ANY_TYPES if media_type.strip() == "text/html" else wanted
        elif media_type.strip() in wanted:
            return True
    return False


def has_zero_weight(parameters: str) -> bool:
    """Return whether a media range's parameters hold a weight of zero (RFC 9110, 12.4.2)."""
    for parameter in parameters.split(";"):
        name, _, weight = parameter.strip().partition("=")
        if name.strip() == "q":
            return not weight.strip().strip("0.")
    return False


# --------------------------------------------------------------------------------------------------------------- paths


def is_origin_form(request: Request) -> bool:
    """Return whether the request target is a path (RFC 9112, 3.2.1) and not a URL, an authority or "*"."""
    if request.raw_path is not None and not request.raw_path.startswith("/"):
        return False
    if not is_harmless_mount(request.mount):
        return False
    return request.path.startswith("/") or (not request.path and bool(request.mount))


def is_harmless_mount(mount: str) -> bool:
    """Return whether browsers read a mount as a path: a front server may have been talked into one that is a host."""
    return not mount.startswith("//") and "\\" not in mount


def is_public(request: Request, settings: Settings) -> bool:
    """Return whether ``FOTOWEB_PUBLIC_PATHS`` names this request's path.

    A path that two readers could read in two ways is never public: dot segments, empty segments, encoded slashes,
    parameters, anything still encoded after one decoding.
    """
    path, raw_path = request.path, request.raw_path
    if request.has_stray_mount or not any(matches(path, pattern) for pattern in settings.public_paths):
        return False
    if AMBIGUOUS_PATH.search(path):
        return False
    # What was not encoded in the request line can't be read in two ways there: no need to search it too.
    return raw_path is None or raw_path == path or not AMBIGUOUS_RAW_PATH.search(raw_path)


def matches(path: str, pattern: str) -> bool:
    """Return whether a path is the one that a pattern names, or lies below it where it ends in ``/*``."""
    return path.startswith(pattern[:-1]) if pattern.endswith("/*") else path == pattern


def front_page(mount: str) -> str:
    """Return the path of the wrapped app's front page on this origin."""
    if not mount:
        return "/"
    # "//" would name a host, at the start or once a browser has taken dot segments out.
    kept = [segment for segment in mount.split("/") if segment not in {"", ".", ".."}]
    folder = quote("/".join(kept), errors="surrogateescape")
    return f"/{folder}/" if folder else "/"


def own_path(settings: Settings, mount: str, name: str) -> str:
    """Return the path of one of our own pages, such as "login", on this origin."""
    return f"{front_page(mount)[:-1]}{settings.path_prefix}/{name}"


# ------------------------------------------------------------------------------------------------------------- origins


@functools.lru_cache(maxsize=64)
def origin_of(url: str) -> str:
    """Return the origin of an absolute URL as browsers write it: lower case, no default port (RFC 6454, 6.2)."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    authority = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, DEFAULT_PORTS.get(scheme)} else f":{parts.port}"
    return f"{scheme}://{authority}{port}"


def public_origin(request: Request, settings: Settings) -> str | None:
    """Return scheme and authority of the app, lower case; None where the Host header is no host."""
    if settings.redirect_uri is not None:
        return origin_of(settings.redirect_uri)
    host = request.headers.get("host", "")
    scheme = request.scheme.lower()
    if scheme not in DEFAULT_PORTS or not HOST.fullmatch(host):
        return None
    return f"{scheme}://{host.lower().removesuffix(f':{DEFAULT_PORTS[scheme]}')}"


def callback_url(request: Request, settings: Settings) -> str | None:
    """Return the redirect URI: as configured, else derived from the request; None where that tells none."""
    if settings.redirect_uri is not None:
        return settings.redirect_uri
    origin = public_origin(request, settings)
    return None if origin is None else origin + own_path(settings, request.mount, "callback")


def is_cross_origin(request: Request, settings: Settings) -> bool:
    """Return whether another origin sent this request, as far as the browser tells.

    1. An ``Origin`` in ``FOTOWEB_TRUSTED_ORIGINS`` is admitted.
    2. ``Sec-Fetch-Site`` decides where it is there (W3C Fetch Metadata).
    3. Else ``Origin`` decides: its host must be ours. The scheme is left out where it is derived,
       since behind a proxy that ends TLS we see http where the browser sees https.
    4. With neither it is no browser, or a very old one, and SameSite is the guard.
    """
    origin = request.headers.get("origin")
    if origin is not None and is_trusted_origin(origin, settings):
        return False
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site not in {"same-origin", "none"}
    return origin is not None and not is_own_origin(origin, request, settings)


def is_trusted_origin(origin: str, settings: Settings) -> bool:
    """Return whether ``FOTOWEB_TRUSTED_ORIGINS`` names an Origin header."""
    return origin.lower() in {trusted.lower() for trusted in settings.trusted_origins}


def is_own_origin(origin: str, request: Request, settings: Settings) -> bool:
    """Return whether an Origin header names us."""
    ours = public_origin(request, settings)
    if ours is None:
        return False
    if settings.redirect_uri is not None:
        return origin.lower() == ours
    scheme, _, authority = origin.lower().partition("://")
    if scheme not in DEFAULT_PORTS:
        return False
    return authority.removesuffix(f":{DEFAULT_PORTS[scheme]}") == ours.partition("://")[2]


# ----------------------------------------------------------------------------------------------------- Secure cookies


def is_always_secure(settings: Settings) -> bool | None:
    """Return whether cookies are Secure, where no request is needed to tell; None where each request tells."""
    if settings.cookie_secure != "auto":
        return settings.cookie_secure == "true"
    if settings.redirect_uri is None:
        return None
    parts = urlsplit(settings.redirect_uri)
    return not (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def cookie_names(request: Request, settings: Settings) -> CookieNames:
    """Return the names of our cookies for this request's origin.

    The plain names serve http on a loopback host alone (or ``FOTOWEB_COOKIE_SECURE=false``); anywhere else only
    ``__Host-`` names are read, which no other host can plant.
    """
    secure = is_always_secure(settings)
    if secure is None:
        secure = request.scheme == "https" or not is_loopback_host_header(request.headers.get("host", ""))
    return names_by_security(settings)[secure]


def names_by_security(settings: Settings) -> dict[bool, CookieNames]:
    """Return the names of our cookies where they are Secure (True) and where they are not."""
    name, same_site = settings.cookie_name, settings.cookie_samesite
    return {secure: CookieNames.build(name, secure=secure, same_site=same_site) for secure in (True, False)}


@functools.lru_cache(maxsize=256)
def is_loopback_host_header(host: str) -> bool:
    """Return whether a Host header names this machine. Remembered, since every request asks."""
    if len(host) > MAX_HOST_CHARACTERS or not HOST.fullmatch(host):
        return False
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:  # What stands in brackets is no IPv6 address.
        return False
