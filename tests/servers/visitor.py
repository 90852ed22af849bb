"""A scripted browser: cookies, redirects, forms and Fetch Metadata as the standards have them, without a script engine.

The real Chromium goes on the same journeys in ``tests/browser``.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.cookiejar import CookieJar as StandardJar
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx

from tests.servers.cookie_jar import CookieJar, Use, is_cross_site, is_trustworthy
from tests.servers.html_forms import Form, read_forms
from tests.servers.single_use import SingleUseTransport

__all__ = ["MOST_HOPS", "Page", "TooManyRedirects", "Visitor", "origin_of"]

MOST_HOPS = 20
"""As many redirects as browsers follow."""

ACCEPT_PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
PATIENCE_SECONDS = 30.0


class TooManyRedirects(AssertionError):
    """A browser would show an error instead of a page."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the visitor looks at after all redirects.

    Attributes:
        response: The last answer.
        hops: Status and URL of each answer on the way, the last included.
    """

    response: httpx.Response = field(repr=False)
    hops: tuple[tuple[int, str], ...]

    @property
    def url(self) -> str:
        """Its address."""
        return self.hops[-1][1]

    @property
    def status(self) -> int:
        """The status of the last answer."""
        return self.response.status_code

    @property
    def headers(self) -> httpx.Headers:
        """The headers of the last answer."""
        return self.response.headers

    @property
    def text(self) -> str:
        """Its source."""
        return self.response.text

    @property
    def forms(self) -> list[Form]:
        """Its forms."""
        return read_forms(self.text) if "html" in self.headers.get("content-type", "") else []

    def json(self) -> Any:
        """Return what the echo app told."""
        assert self.status == 200, (self.hops, self.text[:2000])
        return self.response.json()


class Visitor:
    """One person with one browser; a context manager.

    Args:
        keeps_connections: Whether it uses a connection for more than one request.
        tls: Trusts the certificates of the servers it visits; None: those that everybody trusts.
        http2: Whether it speaks HTTP/2 with servers that can.
    """

    def __init__(
        self, *, keeps_connections: bool = True, tls: ssl.SSLContext | None = None, http2: bool = False
    ) -> None:
        self.cookies = CookieJar()
        # Our own jar does what browsers do; httpx's shall keep nothing.
        nothing = StandardJar(DefaultCookiePolicy(allowed_domains=[]))
        # gunicorn closes idle connections after 2 seconds; one that is used just then would fail.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=1.0)
        transport = None if keeps_connections else SingleUseTransport(tls, http2=http2)
        self._tls: ssl.SSLContext | bool = tls or True
        self._http2 = http2
        self._keeps_connections = keeps_connections
        self._http = httpx.Client(
            cookies=nothing,
            limits=limits,
            timeout=PATIENCE_SECONDS,
            trust_env=False,
            transport=transport,
            verify=self._tls,
            http2=http2,
        )
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Open the browser."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._http.close()

    # ------------------------------------------------------------------------------------------------- going places

    def go(self, url: str, *, clicked_at: str | None = None) -> Page:
        """Go to a page and follow its redirects.

        Args:
            url: Where to.
            clicked_at: The page whose link was clicked; None: the address was typed.

        Raises:
            TooManyRedirects: There were more than a browser follows.
        """
        return self._navigate("GET", url, clicked_at)

    def submit(self, page: Page, button: str, values: Mapping[str, str] | None = None) -> Page:
        """Fill in the form that has this button, press it, and follow the redirects."""
        form = next(form for form in page.forms if button in form.buttons)
        fields = {**form.fields, **(values or {}), **form.sent_by(button)}
        url = urljoin(page.url, form.action)
        assert form.method == "POST", "only forms of this kind occur"
        # Fetch standard, "append a request Origin header": Firefox does so, Chromium tells the origin all the same.
        origin = "null" if page.headers.get("referrer-policy") == "no-referrer" else origin_of(page.url)
        return self._navigate("POST", url, page.url, fields, origin)

    def follow(self, page: Page, href: str) -> Page:
        """Click a link of a page."""
        assert f'href="{href}"' in page.text, page.text
        return self.go(urljoin(page.url, href), clicked_at=page.url)

    def log_in(self, page: Page, user: str = "alice", password: str = "secret") -> Page:
        """Click through FotoWeb's pages, as far as it shows any, and return where they lead."""
        for _ in range(3):  # Log in, allow, and one page more than there are.
            buttons = {button for form in page.forms for button in form.buttons}
            if "Log in" in buttons:
                page = self.submit(page, "Log in", {"username": user, "password": password})
            elif "Allow" in buttons:
                page = self.submit(page, "Allow")
            else:
                return page
        raise AssertionError(page.hops)

    def visit(self, url: str, user: str = "alice") -> Page:
        """Go to a page of the app, by way of a login where it asks for one."""
        return self.log_in(self.go(url), user)

    def _navigate(
        self,
        method: str,
        url: str,
        initiator: str | None,
        fields: Mapping[str, str] | None = None,
        origin: str | None = None,
    ) -> Page:
        hops: list[tuple[int, str]] = []
        chain = [url]
        while len(hops) <= MOST_HOPS:
            headers = navigation_headers(chain, initiator) | ({"Origin": origin} if origin else {})
            use = Use(is_cross_site(chain[-1], initiator), navigation=True, method=method)
            response = self.send(method, chain[-1], headers, use=use, data=fields)
            hops.append((response.status_code, chain[-1]))
            if (refresh := response.headers.get("refresh")) is not None:  # The page itself begins a new navigation.
                initiator, target = chain[-1], refresh.partition("url=")[2]
                chain = [urljoin(initiator, target)]
            elif response.has_redirect_location:
                chain.append(urljoin(chain[-1], response.headers["location"]))
            else:
                return Page(response, tuple(hops))
            if response.status_code != 307:  # Browsers turn a POST into a GET here (Fetch standard, 4.4).
                method, fields, origin = "GET", None, None
        raise TooManyRedirects("\n".join(f"{status} {hop}" for status, hop in hops))

    # ------------------------------------------------------------------------------------------------- what scripts do

    def fetch(
        self, url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, content: Any = None
    ) -> httpx.Response:
        """Do what a script on a page of the same origin does; redirects are not followed."""
        own = {"Accept": "*/*", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
        if method not in {"GET", "HEAD"}:
            own["Origin"] = origin_of(url)
        use = Use(cross_site=False, navigation=False, method=method)
        return self.send(method, url, {**own, **(headers or {})}, use=use, content=content)

    def fetch_at_once(self, url: str, count: int) -> list[httpx.Response]:
        """Send so many requests at the same time, all with the cookies of now, as the pictures of a page are."""
        together = threading.Barrier(count)

        def one(number: int) -> httpx.Response:
            together.wait(PATIENCE_SECONDS)
            return self.fetch(f"{url}?n={number}")

        with ThreadPoolExecutor(count) as threads:
            return list(threads.map(one, range(count)))

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        use: Use,
        data: Mapping[str, str] | None = None,
        content: Any = None,
    ) -> httpx.Response:
        """Send one request with the cookies that go along, and keep those that come back."""
        with self._lock:
            cookie = self.cookies.header(url, use)
        parts = urlsplit(url)
        # Every name is this machine's: nobody is asked where it lives.
        address = parts._replace(netloc=f"127.0.0.1:{parts.port}").geturl()
        everything = {**headers, "Host": parts.netloc, **({"Cookie": cookie} if cookie else {})}
        response = self._http.request(method, address, headers=everything, data=data, content=content)
        with self._lock:
            for value in response.headers.get_list("set-cookie"):
                self.cookies.take(url, value)
        return response

    def script_client(self, url: str) -> httpx.Client:
        """Return a client for what scripts on this page's origin do, with the cookies of now."""
        return httpx.Client(
            base_url=url,
            headers={"Cookie": self.cookie_header(url), "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
            limits=httpx.Limits(max_keepalive_connections=None if self._keeps_connections else 0),
            timeout=PATIENCE_SECONDS / 2,
            trust_env=False,
            verify=self._tls,
            http2=self._http2,
        )

    def cookie_header(self, url: str) -> str:
        """Return the Cookie header of a fetch, for tests that need a client of another kind."""
        return self.cookies.header(url, Use(cross_site=False, navigation=False, method="GET")) or ""


def navigation_headers(chain: list[str], initiator: str | None) -> dict[str, str]:
    """Return what browsers send when a person goes to a page; Fetch Metadata only where they trust the connection.

    Args:
        chain: The URLs of this navigation so far, redirects included.
        initiator: The page that began it; None: the address was typed.
    """
    headers = {"Accept": ACCEPT_PAGE, "Upgrade-Insecure-Requests": "1"}
    if not is_trustworthy(chain[-1]):
        return headers
    return headers | {
        "Sec-Fetch-Site": fetch_site(chain, initiator),
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-User": "?1",
        "Sec-Fetch-Dest": "document",
    }


def fetch_site(chain: list[str], initiator: str | None) -> str:
    """Return Sec-Fetch-Site: the worst of all hops counts (W3C Fetch Metadata, 2.3)."""
    if initiator is None:
        return "none"
    if any(is_cross_site(url, initiator) for url in chain):
        return "cross-site"
    return "same-origin" if all(origin_of(url) == origin_of(initiator) for url in chain) else "same-site"


def origin_of(url: str) -> str:
    """Return scheme and authority."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
