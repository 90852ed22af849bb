"""HTTP to FotoWeb, as far as it is the same for both drivers.

No connection is used twice: a surplus answer on a kept connection would be read as the next caller's.
Redirects are never followed, since they would carry the client's secret elsewhere.

``ClientOptions.load`` imports httpcore, and httpx where calls need it (docs/adr/0034), and whatever else a start can do
without (``drivers.later``); nothing here does before. Both doors call it before a login needs it. Only what httpx alone
needs may import httpx.
"""

from __future__ import annotations

import os
import ssl
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fotoweb_middleware.caches.forks import keep_over_forks
from fotoweb_middleware.drivers.later import import_later_modules
from fotoweb_middleware.effects import GetDocument, HttpReply, PostForm
from fotoweb_middleware.errors import FotoWebNonsense, FotoWebUnreachable
from fotoweb_middleware.settings import Settings

if TYPE_CHECKING:
    import httpx

__all__ = [
    "HEADERS",
    "MAX_CONNECTIONS",
    "ClientOptions",
    "Loaded",
    "ReplyReader",
    "client_options",
    "failure_from_httpx",
    "request_parts",
    "unreachable",
]

MAX_BODY_BYTES = 262_144
MAX_HEADER_BYTES = 65_536
"""Of an answer that came; httpcore gives up by itself at a little more, however much is on its way."""

PROXIED_SCHEMES = ("http", "https", "all")
"""As httpx reads the environment."""
PROXY_VARIABLES = frozenset(f"{scheme}_proxy" for scheme in PROXIED_SCHEMES)
SYSTEMS_WITH_PROXIES = ("darwin", "win32")
"""Where the operating system's own settings may name one."""

FIRST_SERVER_ERROR = 500
MAX_CONNECTIONS = 200
HEADERS = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "fotoweb-middleware"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What ``ClientOptions`` loads.

    Attributes:
        tls: Checks FotoWeb's certificate.
        for_httpx: What its clients are made with; empty where calls go without it.
    """

    tls: ssl.SSLContext
    for_httpx: Mapping[str, Any]


class ClientOptions:
    """What calls are made with, made when first asked for.

    Args:
        settings: For time-outs and TLS.
        transport: Where calls to FotoWeb go instead of the network; for tests.
        may_do_without_httpx: Whether httpx is loaded only where it alone leads to FotoWeb: to a test's transport, or
            to a proxy that the environment names.

    Attributes:
        lock: See ``caches.forks``. It is held while modules are imported: no fork comes in the middle of that, which
            would leave a child that can never have those modules.
    """

    lock: threading.Lock

    def __init__(self, settings: Settings, transport: object, *, may_do_without_httpx: bool = False) -> None:
        self._settings = settings
        self._transport = transport
        self._may_do_without_httpx = may_do_without_httpx
        # A file of the operator's is read now: a server may give up the right to do so once it has started.
        self._tls = tls_context(settings) if settings.ca_bundle else None
        self._loaded: Loaded | None = None
        self.start_anew(whole=False)
        keep_over_forks(self)

    def start_anew(self, *, whole: bool) -> None:  # noqa: ARG002 (the options are made in one step)
        """See ``caches.forks``."""
        self.lock = threading.Lock()

    @property
    def are_loaded(self) -> bool:
        """Whether a call to FotoWeb could begin at once."""
        return self._loaded is not None

    def load(self) -> Loaded:
        """Return the options; the first time this takes about a tenth of a second, with httpx nearly two."""
        with self.lock:
            if self._loaded is None:
                import_later_modules()
                tls = self._tls or tls_context(self._settings)
                needs_httpx = not self._may_do_without_httpx or self._transport is not None or is_proxy_named()
                for_httpx: dict[str, Any] = {}
                if needs_httpx:
                    for_httpx = {**client_options(self._settings, tls), "transport": self._transport}
                self._loaded = Loaded(tls, for_httpx)
            return self._loaded


def is_proxy_named() -> bool:
    """Return whether the environment names a proxy, be it for FotoWeb or not."""
    named = {name.lower() for name, value in os.environ.items() if value}
    if sys.platform not in SYSTEMS_WITH_PROXIES and named.isdisjoint(PROXY_VARIABLES):
        return False  # This saves an import: a twentieth of all that such a process holds.
    from urllib.request import getproxies  # noqa: PLC0415 (see above)

    return any(map(getproxies().get, PROXIED_SCHEMES))


def client_options(settings: Settings, tls: ssl.SSLContext | None = None) -> dict[str, Any]:
    """Return what both kinds of httpx client are made with; the TLS context is built where none is given."""
    from http.cookiejar import CookieJar, DefaultCookiePolicy  # noqa: PLC0415 (see above)

    import httpx  # noqa: PLC0415

    return {
        "verify": tls or tls_context(settings),
        "timeout": settings.http_timeout,
        "limits": httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=0),
        "follow_redirects": False,
        "headers": HEADERS,
        # One client serves every user: a cookie that FotoWeb set for one must not go out with another's call.
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    }


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Trust the system's certificate authorities, or those of ``FOTOWEB_CA_BUNDLE`` alone."""
    context = ssl.create_default_context(cafile=settings.ca_bundle)
    if settings.ca_bundle is None and not context.get_ca_certs() and not context.cert_store_stats()["x509_ca"]:
        # A machine without certificate authorities, such as a bare container: certifi brings Mozilla's list.
        import certifi  # noqa: PLC0415

        context.load_verify_locations(certifi.where())
    return context


def request_parts(effect: PostForm | GetDocument) -> dict[str, Any]:
    """Return method, address, headers and, of a POST, the body of a call, as ``httpx.Client.stream`` names them."""
    if isinstance(effect, PostForm):
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        return {"method": "POST", "url": effect.url, "content": urlencode(effect.fields), "headers": headers}
    headers = {"Accept": effect.accept, "Authorization": f"Bearer {effect.access_token}"}
    return {"method": "GET", "url": effect.url, "headers": headers}


class ReplyReader:
    """Collects an answer up to a limit.

    Args:
        status: Of the answer.
        headers: As they came, in any case.

    Raises:
        FotoWebNonsense: The headers are larger than those of any token answer, or the body is compressed.
    """

    def __init__(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._status, self._headers = status, list(headers)
        if sum(len(name) + len(value) for name, value in self._headers) > MAX_HEADER_BYTES:
            msg = f"the headers of FotoWeb's answer are larger than {MAX_HEADER_BYTES} bytes"
            raise FotoWebNonsense(msg)
        encoding = (self._header(b"content-encoding") or "identity").strip().lower()
        is_wanted = status < FIRST_SERVER_ERROR  # What a failing server says is not looked at.
        if encoding not in {"", "identity"} and is_wanted:
            msg = "FotoWeb sent a compressed answer that was not asked for"
            raise FotoWebNonsense(msg)
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Take one more piece of the body.

        Raises:
            FotoWebNonsense: The body is larger than any token answer.
        """
        self._size += len(chunk)
        if self._size > MAX_BODY_BYTES:
            msg = f"FotoWeb's answer is larger than {MAX_BODY_BYTES} bytes"
            raise FotoWebNonsense(msg)
        self._chunks.append(chunk)

    def reply(self) -> HttpReply:
        """Return the answer as flows see it."""
        return HttpReply(self._status, self._header(b"retry-after"), b"".join(self._chunks))

    def _header(self, name: bytes) -> str | None:
        """Return a header's value; of several one after the other (RFC 9110, 5.3)."""
        values = [value for given, value in self._headers if given.lower() == name]
        return b", ".join(values).decode("latin-1") if values else None


def failure_from_httpx(error: httpx.HTTPError) -> FotoWebUnreachable:
    """Return the error of our own tree for a call that httpx could not carry out."""
    import httpx  # noqa: PLC0415 (see above)

    return unreachable(error, is_safe=isinstance(error, httpx.NetworkError | httpx.TimeoutException))


def unreachable(error: Exception, *, is_safe: bool = False) -> FotoWebUnreachable:
    """Return the error of our own tree for a failed call.

    Args:
        error: Why it failed.
        is_safe: Whether its text holds no secret. That of most, such as h11's about a garbled answer, quotes what came:
            perhaps a token.
    """
    words = f"{type(error).__name__}: {error}"[:200] if is_safe and str(error) else type(error).__name__
    return FotoWebUnreachable(f"FotoWeb could not be reached ({words})")
