"""HTTP to FotoWeb, as far as it is the same for both drivers.

No connection is used twice: a surplus answer on a kept connection would be read as the next caller's.
Redirects are never followed, since they would carry the client's secret elsewhere.

httpx is imported by ``ClientOptions.load`` and not before, and with it whatever else a start
can do without (``drivers.later``). Both doors see to it that it is there before a login needs it.
"""

from __future__ import annotations

import ssl
import threading
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
    "BodyReader",
    "ClientOptions",
    "call_failures",
    "client_options",
    "read_reply",
    "request_parts",
    "unreachable",
]

MAX_BODY_BYTES = 262_144
MAX_HEADER_BYTES = 65_536
"""Of an answer that came; httpcore gives up by itself at a little more, however much is on its way."""

PROXIED_SCHEMES = ("http", "https", "all")
"""As httpx reads the environment."""

FIRST_SERVER_ERROR = 500
MAX_CONNECTIONS = 200
HEADERS = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "fotoweb-middleware"}


class ClientOptions:
    """What httpx clients are made with, made when first asked for.

    Args:
        settings: For time-outs and TLS.
        transport: Where calls to FotoWeb go instead of the network; for tests.

    Attributes:
        lock: See ``caches.forks``. It is held while modules are imported: no fork comes in the middle of that, which
            would leave a child that can never have those modules.
        needs_httpx: Whether calls go where httpx alone leads, to a test's transport or to a proxy that the environment
            names; known once they are loaded.
    """

    lock: threading.Lock
    needs_httpx: bool

    def __init__(self, settings: Settings, transport: object) -> None:
        self._settings = settings
        self._transport = transport
        # A file of the operator's is read now: a server may give up the right to do so once it has started.
        self._tls = tls_context(settings) if settings.ca_bundle else None
        self._options: dict[str, Any] | None = None
        self.start_anew(whole=False)
        keep_over_forks(self)

    def start_anew(self, *, whole: bool) -> None:  # noqa: ARG002 (the options are made in one step)
        """See ``caches.forks``."""
        self.lock = threading.Lock()

    @property
    def are_loaded(self) -> bool:
        """Whether a call to FotoWeb could begin at once."""
        return self._options is not None

    def load(self) -> dict[str, Any]:
        """Return the options; the first time this takes about a tenth of a second."""
        with self.lock:
            if self._options is None:
                options = client_options(self._settings, self._tls)
                self.needs_httpx = self._transport is not None or is_proxy_named()
                self._options = {**options, "transport": self._transport}
            return self._options


def is_proxy_named() -> bool:
    """Return whether the environment names a proxy, be it for FotoWeb or not."""
    from urllib.request import getproxies  # noqa: PLC0415 (see above)

    return any(map(getproxies().get, PROXIED_SCHEMES))


def client_options(settings: Settings, tls: ssl.SSLContext | None = None) -> dict[str, Any]:
    """Return what both kinds of httpx client are made with; the TLS context is built where none is given."""
    from http.cookiejar import CookieJar, DefaultCookiePolicy  # noqa: PLC0415 (see above)

    import httpx  # noqa: PLC0415

    import_later_modules()
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
        # A machine without certificate authorities, such as a bare container: httpx brings Mozilla's list.
        import certifi  # noqa: PLC0415

        context.load_verify_locations(certifi.where())
    return context


def request_parts(effect: PostForm | GetDocument) -> dict[str, Any]:
    """Return the arguments of ``httpx.Client.stream`` for an effect."""
    if isinstance(effect, PostForm):
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        return {"method": "POST", "url": effect.url, "content": urlencode(effect.fields), "headers": headers}
    headers = {"Accept": effect.accept, "Authorization": f"Bearer {effect.access_token}"}
    return {"method": "GET", "url": effect.url, "headers": headers}


class BodyReader:
    """Collects a body up to a limit.

    Args:
        response: What came so far: status and headers.

    Raises:
        FotoWebNonsense: The headers are larger than those of any token answer, or the body is compressed.
    """

    def __init__(self, response: httpx.Response) -> None:
        if sum(len(name) + len(value) for name, value in response.headers.raw) > MAX_HEADER_BYTES:
            msg = f"the headers of FotoWeb's answer are larger than {MAX_HEADER_BYTES} bytes"
            raise FotoWebNonsense(msg)
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        is_wanted = response.status_code < FIRST_SERVER_ERROR  # What a failing server says is not looked at.
        if encoding not in {"", "identity"} and is_wanted:
            msg = "FotoWeb sent a compressed answer that was not asked for"
            raise FotoWebNonsense(msg)
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Take one more piece.

        Raises:
            FotoWebNonsense: The body is larger than any token answer.
        """
        self._size += len(chunk)
        if self._size > MAX_BODY_BYTES:
            msg = f"FotoWeb's answer is larger than {MAX_BODY_BYTES} bytes"
            raise FotoWebNonsense(msg)
        self._chunks.append(chunk)

    def body(self) -> bytes:
        """Return what was collected."""
        return b"".join(self._chunks)


def read_reply(response: httpx.Response, body: bytes) -> HttpReply:
    """Return an answer as flows see it."""
    headers = response.headers
    return HttpReply(response.status_code, headers.get("retry-after"), body)


def call_failures() -> tuple[type[Exception], ...]:
    """Return the errors of a call that brought no whole answer, whether httpx carried it out or httpcore."""
    import httpcore  # noqa: PLC0415 (see above)
    import httpx  # noqa: PLC0415

    of_httpcore = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)
    return (httpx.HTTPError, *of_httpcore, TimeoutError)


def unreachable(error: Exception) -> FotoWebUnreachable:
    """Return the error of our own tree for a failed call; its text holds no secret."""
    import httpcore  # noqa: PLC0415 (see above)
    import httpx  # noqa: PLC0415

    # The text of other errors, such as h11's about a garbled answer, quotes what came: perhaps a token.
    are_safe = httpx.NetworkError | httpx.TimeoutException | httpcore.NetworkError | httpcore.TimeoutException
    is_safe = isinstance(error, are_safe) and str(error)
    words = f"{type(error).__name__}: {error}"[:200] if is_safe else type(error).__name__
    return FotoWebUnreachable(f"FotoWeb could not be reached ({words})")
