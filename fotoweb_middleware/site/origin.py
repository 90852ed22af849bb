"""Where the app lives, as its browsers see it: origin, callback address, and which cookies fit there."""

from __future__ import annotations

import functools
import re
from urllib.parse import urlsplit

from fotoweb_middleware.cookies.header import CookieNames
from fotoweb_middleware.model import RequestView
from fotoweb_middleware.site import Site, is_loopback
from fotoweb_middleware.site.request_class import is_document_navigation

__all__ = [
    "callback_url",
    "cookie_names",
    "cookies_are_secure",
    "is_from_elsewhere",
    "is_same_origin_click",
    "public_origin",
]

HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")  # RFC 9110, 7.2
MAX_HOST_CHARACTERS = 300  # longer than any host that fits the pattern
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def public_origin(site: Site, request: RequestView) -> str | None:
    """Return scheme and authority of the app, lower case; None where the Host header is no host."""
    if site.public_origin is not None:
        return site.public_origin
    host = request.headers.get("host", "")
    scheme = request.scheme.lower()
    if scheme not in DEFAULT_PORTS or not HOST.fullmatch(host):
        return None
    return f"{scheme}://{host.lower().removesuffix(DEFAULT_PORTS[scheme])}"


def callback_url(site: Site, request: RequestView) -> str | None:
    """Return the redirect URI: as configured, else derived from the request; None where that tells none."""
    if site.settings.redirect_uri is not None:
        return site.settings.redirect_uri
    origin = public_origin(site, request)
    return None if origin is None else origin + site.path(request.mount, "callback")


def cookie_names(site: Site, request: RequestView) -> CookieNames:
    """Return the names of our cookies for this request's origin."""
    return site.names[cookies_are_secure(site, request.scheme, request.headers.get("host", ""))]


def cookies_are_secure(site: Site, scheme: str, host: str) -> bool:
    """Return whether our cookies are Secure on an origin, and called ``__Host-…``.

    The plain names serve http on a loopback host alone (or ``FOTOWEB_COOKIE_SECURE=false``);
    anywhere else only ``__Host-`` names are read, which no other host can plant.
    """
    if site.always_secure is not None:
        return site.always_secure
    return scheme == "https" or not is_loopback_host_header(host[:MAX_HOST_CHARACTERS])


@functools.lru_cache(maxsize=256)
def is_loopback_host_header(host: str) -> bool:
    """Return whether a Host header names this machine. Remembered, since every request asks."""
    if not HOST.fullmatch(host):
        return False
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:  # What stands in brackets is no IPv6 address.
        return False


def is_from_elsewhere(site: Site, request: RequestView) -> bool:
    """Return whether another origin sent this request, as far as the browser tells.

    1. An ``Origin`` in ``FOTOWEB_TRUSTED_ORIGINS`` is admitted.
    2. ``Sec-Fetch-Site`` decides where it is there (W3C Fetch Metadata).
    3. Else ``Origin`` decides: its host must be ours. The scheme is left out where it is derived,
       since behind a proxy that ends TLS we see http where the browser sees https.
    4. With neither it is no browser, or a very old one, and SameSite is the guard.
    """
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() in site.trusted_origins:
        return False
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site not in {"same-origin", "none"}
    return origin is not None and not is_own_origin(site, request, origin)


def is_own_origin(site: Site, request: RequestView, origin: str) -> bool:
    """Return whether an Origin header names us."""
    ours = public_origin(site, request)
    if ours is None:
        return False
    if site.public_origin is not None:
        return origin.lower() == ours
    scheme, _, authority = origin.lower().partition("://")
    return authority.removesuffix(DEFAULT_PORTS.get(scheme, ":")) == ours.partition("://")[2]


def is_same_origin_click(request: RequestView) -> bool:
    """Return whether the browser says that a link or form of our own origin led here."""
    return request.headers.get("sec-fetch-site") == "same-origin" and is_document_navigation(request)
