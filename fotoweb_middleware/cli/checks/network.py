"""One request, and in plain words what can go wrong on the way."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx

from fotoweb_middleware.cli.checks.finding import Finding, bad
from fotoweb_middleware.errors import chain_of
from fotoweb_middleware.fotoweb.unreachable import Proxy, proxy_of
from fotoweb_middleware.settings.rules import DEFAULT_PORTS

MOST_BYTES = 64 * 1024
CLOCK_HINT = "Is this machine's clock right? Else have the certificate renewed."

# OpenSSL's codes for what is wrong with a certificate (openssl-verification-options(1)).
NOT_YET_VALID, EXPIRED, OTHER_HOST, OTHER_ADDRESS = 9, 10, 62, 64
UNKNOWN_AUTHORITY = {18, 19, 20, 21}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, as far as the checks look at it: of its body, the first 64 KiB."""

    status: int
    headers: httpx.Headers
    body: bytes = field(repr=False)

    @property
    def is_web_page(self) -> bool:
        """Whether it says that it is HTML."""
        return "html" in self.headers.get("content-type", "").lower()


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a request is for, in the words that findings use.

    Attributes:
        setting: What names the address: ``FOTOWEB_URL`` or ``--url``.
        who: What should answer there.
        ca_hint: What to do where its certificate's authority is unknown.
    """

    setting: str
    who: str
    ca_hint: str


FOTOWEB = Asked(
    setting="FOTOWEB_URL",
    who="FotoWeb",
    ca_hint="A private authority, or a proxy that opens TLS: set FOTOWEB_CA_BUNDLE to a PEM file with its certificate.",
)
DEPLOYED_APP = Asked(
    setting="--url",
    who="the app",
    ca_hint="A private authority: set the variable SSL_CERT_FILE to a PEM file with its certificate, for this check.",
)


def ask(  # noqa: PLR0913 (the parts of a request, and how to speak of it)
    client: httpx.Client,
    method: str,
    url: str,
    *,
    accept: str,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    asked: Asked = FOTOWEB,
) -> Reply | Finding:
    """Send one request and return the answer, or a finding that says why none came. No finding has the URL's query."""
    try:
        with client.stream(method, url, data=form, headers={"Accept": accept, **(headers or {})}) as response:
            reply = Reply(response.status_code, response.headers, next(response.iter_bytes(MOST_BYTES), b""))
    except httpx.HTTPError as error:
        return explain(error, httpx.URL(url), asked)
    if reply.status == httpx.codes.PROXY_AUTHENTICATION_REQUIRED and (proxy := proxy_of(httpx.URL(url))):
        return wants_password(proxy)
    return reply


def split_address(address: str, base: str = "") -> SplitResult | None:
    """Take apart an address that a server sent, seen from ``base``; None where it is none, such as ``https://[x``."""
    try:
        return urlsplit(urljoin(base, address))
    except ValueError:
        return None


# --------------------------------------------------------------------------------------------------- the system's proxy


def wants_password(proxy: Proxy) -> Finding:
    """Say that the proxy asks who we are."""
    return bad(
        f"{proxy} requires a user name and a password (HTTP 407).",
        f"Write them into {proxy.variable}: http://USER:PASSWORD@{proxy.place}. {without(proxy)}",
    )


def without(proxy: Proxy) -> str:
    """Say how to do without the proxy."""
    return f"Or add the host to NO_PROXY if it can be reached without {proxy.place}."


def explain_proxy(error: httpx.HTTPError, proxy: Proxy, url: httpx.URL) -> Finding | None:
    """Say why the proxy gave no answer; None where the trouble is not the proxy's."""
    if isinstance(error, httpx.ProxyError):
        status = re.match(r"\d{3}\b", str(error))  # The rest of the text is the proxy's own.
        if status is not None and status[0] == "407":
            return wants_password(proxy)
        said = f" (HTTP {status[0]})" if status is not None else ""
        hint = f"Ask the people who run the proxy to allow it. {without(proxy)}"
        return bad(f"{proxy} does not connect to {url.host}{said}.", hint)
    if not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return None
    for cause in chain_of(error):
        match cause:
            case ssl.SSLError():
                return None
            case ConnectionRefusedError():
                return bad(f"{proxy} refuses connections.", f"Start it, or correct {proxy.variable}. {without(proxy)}")
            case socket.gaierror():
                return bad(f"{proxy} can't be found (DNS).", f"Correct {proxy.variable}. {without(proxy)}")
    return bad(f"{proxy} can't be reached.", f"Does it run, and is {proxy.variable} right? {without(proxy)}")


# ------------------------------------------------------------------------------------------------------------- the rest


def explain(error: httpx.HTTPError, url: httpx.URL, asked: Asked = FOTOWEB) -> Finding:
    """Say in plain words why a request got no answer."""
    host, port = url.host, url.port or DEFAULT_PORTS[url.scheme]
    proxy = proxy_of(url)
    if proxy is not None and (finding := explain_proxy(error, proxy, url)) is not None:
        return finding
    for cause in chain_of(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return explain_certificate(cause, host, asked)
            case ssl.SSLError():
                return bad(f"{host} does not speak TLS as it should: {cause.reason}.", "Is the port the one for https?")
            case socket.gaierror():
                hint = f"Is {asked.setting} spelled right? Does this machine's DNS know it?"
                return bad(f"The name {host} can't be found (DNS).", hint)
            case ConnectionRefusedError():
                hint = f"Does {asked.who} run there, and is the port right?"
                return bad(f"{host} refuses connections on port {port}.", hint)
    through = f" through the proxy {proxy.place} ({proxy.variable})" if proxy is not None else ""
    if isinstance(error, httpx.ConnectTimeout):
        hint = "Usually a firewall in between drops what it does not allow. Is the port right?"
        what = f"No connection to {host}, port {port}, within FOTOWEB_HTTP_TIMEOUT: nothing answers there."
        return bad(what, hint)
    if isinstance(error, httpx.TimeoutException):
        what = f"{host} accepted the connection{through}, but did not answer within FOTOWEB_HTTP_TIMEOUT."
        return bad(what, f"Does {asked.who} hang, or a proxy or load balancer in front of it?")
    return bad(
        f"The connection to {host}{through} broke ({type(error).__name__}).",
        "Try again. If it happens again, look for a proxy or firewall in between.",
    )


def explain_certificate(error: ssl.SSLCertVerificationError, host: str, asked: Asked) -> Finding:
    """Say what is wrong with a certificate: OpenSSL's reason, and what it means."""
    reason = error.verify_message.removesuffix(".")
    what = f"The certificate of {host} is not accepted: {reason}."
    code = getattr(error, "verify_code", None)
    if code in UNKNOWN_AUTHORITY:
        what = f"The certificate of {host} is signed by an authority that is unknown here ({reason})."
        return bad(what, asked.ca_hint)
    if code == EXPIRED:
        return bad(f"The certificate of {host} has expired, by this machine's clock.", CLOCK_HINT)
    if code == NOT_YET_VALID:
        return bad(f"The certificate of {host} is not yet valid, by this machine's clock.", CLOCK_HINT)
    if code in {OTHER_HOST, OTHER_ADDRESS}:
        return bad(what, f"In {asked.setting}, use the name that it is for.")
    return bad(what, asked.ca_hint)
