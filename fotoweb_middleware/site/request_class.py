"""What kind of client asks: a browser going somewhere, a script, a form, a preflight (W3C Fetch Metadata)."""

from __future__ import annotations

from fotoweb_middleware.model import RequestView

__all__ = ["SAFE_METHODS", "is_document_navigation", "is_navigation", "is_preflight", "wants_page"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, 9.2.1
HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
ANY_TYPES = frozenset({"*/*", "text/*"})
MAX_ACCEPT_CHARACTERS = 2048


def is_navigation(request: RequestView) -> bool:
    """Return whether this GET is a person going to a page, so that a login may start.

    1. A prefetch is nobody going anywhere.
    2. With fetch metadata: mode navigate and destination document.
    3. Without: Accept admits HTML (a wildcard and no Accept at all do), and no script said X-Requested-With.
    """
    headers = request.headers
    if request.method != "GET" or request.is_websocket:
        return False
    if has_fetch_metadata(request):
        return is_document_navigation(request)
    return "x-requested-with" not in headers and not is_prefetch(request) and accepts_html(request, wildcard=True)


def is_document_navigation(request: RequestView) -> bool:
    """Return whether the browser says that a person goes to a page, in a window and not in a frame or ahead of time."""
    headers = request.headers
    is_document = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return is_document and not is_prefetch(request)


def wants_page(request: RequestView) -> bool:
    """Return whether an answer of ours should be a page and not problem details."""
    if request.is_websocket or "x-requested-with" in request.headers:
        return False
    if has_fetch_metadata(request) and request.headers.get("sec-fetch-mode") != "navigate":
        return False
    return accepts_html(request, wildcard=request.method == "GET")


def is_preflight(request: RequestView) -> bool:
    """Return whether this is a CORS preflight (Fetch standard, 4.8)."""
    headers = request.headers
    return request.method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def is_prefetch(request: RequestView) -> bool:
    """Return whether the browser fetches ahead of a click that may never come."""
    headers = request.headers
    if "sec-purpose" not in headers and "purpose" not in headers:
        return False
    return "prefetch" in f"{headers.get('sec-purpose')} {headers.get('purpose')}".lower()


def has_fetch_metadata(request: RequestView) -> bool:
    """Return whether the browser says what the request is for."""
    return "sec-fetch-mode" in request.headers or "sec-fetch-dest" in request.headers


def accepts_html(request: RequestView, *, wildcard: bool) -> bool:
    """Return whether Accept admits HTML.

    Args:
        request: Who asks.
        wildcard: Whether ``*/*``, ``text/*`` or no Accept at all will do.
    """
    accept = request.headers.get("accept")
    if accept is None:
        return wildcard
    wanted = HTML_TYPES | ANY_TYPES if wildcard else HTML_TYPES
    for media_range in accept[:MAX_ACCEPT_CHARACTERS].lower().split(","):
        media_type, _, parameters = media_range.partition(";")
        if is_excluded(parameters):
            wanted = wanted - ANY_TYPES if media_type.strip() == "text/html" else wanted
        elif media_type.strip() in wanted:
            return True
    return False


def is_excluded(parameters: str) -> bool:
    """Return whether a media range's parameters hold a weight of zero."""
    for parameter in parameters.split(";"):
        name, _, weight = parameter.strip().partition("=")
        if name.strip() == "q":
            return not weight.strip().strip("0.")
    return False
