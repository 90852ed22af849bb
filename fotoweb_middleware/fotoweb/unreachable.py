"""Why a call to FotoWeb got no answer, and the system's proxy that it went through, where the environment names one."""

from __future__ import annotations

import os
import re
import traceback
import urllib.request
from dataclasses import dataclass
from typing import Any

import httpx

from fotoweb_middleware.errors import FotoWebUnreachable, SettingsError
from fotoweb_middleware.settings.rules import DEFAULT_PORTS

PLACE_IN_OPENSSL = re.compile(r"\.? \(_ssl\.c:\d+\)")


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy that a request goes through: its host and port, and the variable that names it."""

    place: str
    variable: str

    def __str__(self) -> str:
        return f"The proxy {self.place} (from {self.variable})"


def proxy_of(url: httpx.URL) -> Proxy | None:
    """Return the proxy that the environment names for this address, as httpx reads it; None where there is none.

    Its user and password, where the variable holds them, are left out.
    """
    if urllib.request.proxy_bypass(f"{url.host}:{url.port or DEFAULT_PORTS[url.scheme]}"):
        return None
    for name in (f"{url.scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            if value := os.environ.get(variable, ""):
                address = value.rpartition("@")[2].rpartition("://")[2].partition("/")[0]
                return Proxy(ascii(address)[1:-1], variable)
    return None


def open_client(**options: Any) -> httpx.Client:
    """Return an httpx client that is made with these options.

    Raises:
        SettingsError: The environment names a proxy that is none.
    """
    try:
        return httpx.Client(**options)
    except (ImportError, ValueError, httpx.InvalidURL):  # All that is wrong in ``options`` was refused before.
        raise wrong_proxy() from None  # httpx's own words may hold the proxy's password.


def wrong_proxy() -> SettingsError:
    """Return the error for an environment that httpx can make no client with; it names the variable, never its value.

    httpx reads the proxies of all schemes, so the one of another scheme than FotoWeb's stops it too.
    """
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            value = os.environ.get(variable, "")
            try:
                if value:
                    httpx.HTTPTransport(proxy=value if "://" in value else f"http://{value}", verify=False).close()
            except (ImportError, ValueError, httpx.InvalidURL):
                return SettingsError(
                    f"{variable} is not the address of an HTTP proxy.\nTo do: Write http://HOST:PORT, or remove it."
                )
    return SettingsError("NO_PROXY is not a list of hosts.\nTo do: Write host names separated by commas, or remove it.")


def unreachable(error: Exception, site: str) -> FotoWebUnreachable:
    """Return the error of our own tree for a call that failed; it names the system's proxy, where one was asked.

    Only the text of network errors is kept: that of others, such as h11's about a garbled answer, quotes
    what came, perhaps a token. Of a proxy's refusal the HTTP status is kept.
    """
    words = type(error).__name__
    match error:
        case httpx.ConnectTimeout():
            words += ": no connection within FOTOWEB_HTTP_TIMEOUT, nothing answers there"
        case httpx.TimeoutException():
            words += ": no whole answer within FOTOWEB_HTTP_TIMEOUT"
        case httpx.NetworkError() if str(error):
            words += f": {PLACE_IN_OPENSSL.sub('', str(error))[:200]}"
        case httpx.ProxyError() if (status := re.match(r"\d{3}\b", str(error))) is not None:
            words += f": HTTP {status[0]}"
    if (proxy := proxy_of(httpx.URL(site))) is not None:
        words += f", through the proxy {proxy.place} (from {proxy.variable})"
    return FotoWebUnreachable(f"FotoWeb could not be reached ({words})")


def bug(error: Exception) -> RuntimeError:
    """Return what is raised in place of an exception that neither the network nor httpx raises.

    It names type and place; the exception's own words, and its frames' variables, may hold a token.
    """
    place = traceback.extract_tb(error.__traceback__)[-1]
    return RuntimeError(f"a bug: {type(error).__name__} at {place.filename}, line {place.lineno}; please report this")
