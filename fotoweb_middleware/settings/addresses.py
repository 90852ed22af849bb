"""Rules for addresses: FotoWeb's, the app's own, and that of the server cache."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

from fotoweb_middleware.settings.about import WrongValue
from fotoweb_middleware.settings.paths import CALLBACK, check_canonical
from fotoweb_middleware.settings.values import read_list, read_text

__all__ = [
    "Address",
    "is_loopback",
    "read_address",
    "read_post_logout_url",
    "read_redirect_uri",
    "read_site",
    "read_trusted_origins",
]

_DEFAULT_PORTS = {"https": 443, "http": 80}
_SHAPE = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """An http or https address, taken apart and cleaned.

    Attributes:
        scheme: ``https`` or ``http``.
        host: Lower case; an IPv6 address without its brackets.
        port: The port, or None where it is the scheme's own.
        path: As written, perhaps "".
        query: As written with its ``?``, perhaps "".
    """

    scheme: str
    host: str
    port: int | None
    path: str
    query: str

    @property
    def origin(self) -> str:
        """The origin as browsers write it (RFC 6454, 6.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "")


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine itself: ``localhost``, a name under it, 127.0.0.0/8 or ::1."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_address(text: str, *, allow_http: bool) -> Address:
    """Take an https address apart; plain http only for loopback hosts or with ``allow_http``.

    Raises:
        WrongValue: When it is none, has a user name, a fragment or a control character, or is plain http elsewhere.
    """
    if not (text.isascii() and text.isprintable()) or any(sign in text for sign in ' \\"<>^`{|}'):
        raise WrongValue(
            "it has a space, a line break, a backslash or a letter that is not ASCII.",
            mend="Write such a host name in its xn-- form, and percent-encode other letters.",
        )
    shape = _SHAPE.fullmatch(text)
    scheme = shape["scheme"].lower() if shape else ""
    if shape is None or scheme not in _DEFAULT_PORTS:
        raise WrongValue("it does not start with https://.")
    if "@" in shape["authority"]:
        raise WrongValue("it has a user name or password in it.", mend="Remove everything up to the @, and the @.")
    if "#" in shape["rest"]:
        raise WrongValue("it has a fragment (#…).", mend="Remove the # and everything behind it.")
    host, port = read_host_and_port(shape["authority"])
    if scheme == "http" and not allow_http and not is_loopback(host):
        raise WrongValue(
            "it is plain http, and the host is not this machine: tokens and passwords would travel in the open.",
            mend="Use https. On a network that you trust, set FOTOWEB_ALLOW_HTTP=true.",
        )
    return Address(scheme, host, None if port == _DEFAULT_PORTS[scheme] else port, shape["path"], shape["rest"])


def read_host_and_port(authority: str) -> tuple[str, int | None]:
    """Take ``host[:port]`` apart; the host in lower case, an IPv6 address compressed and without brackets."""
    parts = _AUTHORITY.fullmatch(authority.lower())
    if parts is None:
        raise WrongValue("it names no host, or one that can't be read.")
    port = int(parts["port"]) if parts["port"] else None
    if port is not None and not 1 <= port <= 65535:
        raise WrongValue("its port is not between 1 and 65535.")
    host = parts["host"]
    try:
        if host.startswith("["):
            return str(ipaddress.IPv6Address(host[1:-1])), port
        if host.rpartition(".")[2].isdigit():
            return str(ipaddress.IPv4Address(host)), port
    except ValueError:
        raise WrongValue("its host is not a proper IP address.") from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise WrongValue("its host is not a proper name.")
    return host, port


def read_site(value: Any, *, allow_http: bool) -> str:
    """Read the address of a FotoWeb site and return its origin; a trailing ``/fotoweb`` or ``/`` is dropped."""
    address = read_address(read_text(value), allow_http=allow_http)
    if address.query:
        raise WrongValue("it has a query (?…).", mend="Remove the ? and everything behind it.")
    if address.path.rstrip("/").lower() not in {"", "/fotoweb"} or "//" in address.path:
        raise WrongValue("it has a path.", mend="Write only https:// and the host, as in https://tenant.example.")
    return address.origin


def read_redirect_uri(value: Any, *, allow_http: bool, path_prefix: str | None) -> str:
    """Read the callback address and return it letter for letter: FotoWeb compares it with the registered one.

    Args:
        value: What was set.
        allow_http: Whether plain http is fine for hosts that are not this machine.
        path_prefix: FOTOWEB_PATH_PREFIX, or None where that is wrong itself and nothing can be compared.
    """
    text = read_text(value)
    address = read_address(text, allow_http=allow_http)
    if address.query:
        raise WrongValue("it has a query (?…).", mend="Register a callback address without a query.")
    check_canonical(address.path)
    if path_prefix is not None and not address.path.endswith(path_prefix + CALLBACK):
        raise WrongValue(
            f"its path does not end in {path_prefix}{CALLBACK}, where the middleware listens.",
            mend=f"Make it end in {path_prefix}{CALLBACK}, in the registration too, or change FOTOWEB_PATH_PREFIX.",
        )
    return text


def read_trusted_origins(value: Any, *, allow_http: bool) -> tuple[str, ...]:
    """Read a list of origins and return them as browsers write them into the ``Origin`` header."""
    return tuple(_origin(origin, allow_http=allow_http) for origin in read_list(value))


def _origin(text: str, *, allow_http: bool) -> str:
    if text in {"*", "null"}:
        raise WrongValue(f"{text!r} stands for more than one site.", mend="Name each origin.")
    address = read_address(text, allow_http=allow_http)
    if address.path not in {"", "/"} or address.query:
        raise WrongValue(f"{text!a} is more than an origin.", mend="Write only scheme, host and port.")
    return address.origin


def read_post_logout_url(value: Any, *, allow_http: bool) -> str:
    """Read where logout leads: a path on this origin (``/bye``), or a whole address."""
    text = read_text(value)
    if not text.startswith("/"):
        read_address(text.partition("#")[0], allow_http=allow_http)
        return text
    if text.startswith("//") or not (text.isascii() and text.isprintable()) or any(sign in text for sign in ' \\"<>'):
        raise WrongValue("it is not a plain path: browsers could read another host into it.")
    return text
