"""From a ``redis://`` or ``rediss://`` address to the options of redis-py's connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from redis.connection import parse_url

from fotoweb_middleware.errors import SettingsError

__all__ = ["is_tls", "place_of", "read_address"]

OPTIONS = frozenset({"client_name", "db", "host", "max_connections", "password", "port", "username"})
TLS_OPTIONS = frozenset(
    {
        "ssl_ca_certs",
        "ssl_ca_path",
        "ssl_cert_reqs",
        "ssl_certfile",
        "ssl_check_hostname",
        "ssl_ciphers",
        "ssl_keyfile",
        "ssl_password",
    }
)
CERT_REQS = ("required", "optional", "none")
"""What may be asked of Redis's certificate."""

MAX_CONNECTIONS = 32
"""Most connections of one process, for each event loop. A call that finds none free waits for one."""


take_apart: Callable[[str], dict[str, Any]] = parse_url  # redis-py gives it no types.


def is_tls(url: str) -> bool:
    """Return whether an address asks for TLS."""
    return url.startswith("rediss://")


def read_address(url: str) -> dict[str, Any]:
    """Return host, port, database, credentials and TLS options, as redis-py's connections take them.

    Options that would undo our time-outs or the bytes we expect are refused, and so is what redis-py does not know.

    Raises:
        SettingsError: The address can't be read. The message names options, never a value.
    """
    try:
        options = take_apart(url)
        has_fragment = bool(urlsplit(url).fragment)
    except ValueError:  # Its text may hold a part of the password.
        raise unreadable() from None
    options.pop("connection_class", None)
    if has_fragment:
        raise unreadable()
    allowed = OPTIONS | TLS_OPTIONS if is_tls(url) else OPTIONS
    refused = sorted(name for name in options if name not in allowed)
    if refused:
        raise SettingsError(
            f"FOTOWEB_CACHE holds options that are not taken here: {', '.join(map(printable, refused))}. "
            f"It accepts {', '.join(sorted(allowed - {'host', 'port'}))}"
            f"{'' if is_tls(url) else '; those of TLS (ssl_...) need rediss://'}."
        )
    if is_tls(url):
        options |= tls_options(options)
    return {"max_connections": MAX_CONNECTIONS, **options}


def place_of(url: str) -> str:
    """Return which Redis an address names, for the log: no user, password or option."""
    options = read_address(url)
    return f"Redis at {options.get('host', 'localhost')}:{options.get('port', 6379)}/{options.get('db', 0)}"


def tls_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return what TLS needs besides the address: the host's name is checked, whatever redis-py's default is."""
    cert_reqs = options.get("ssl_cert_reqs", "required")
    if cert_reqs not in CERT_REQS:
        raise SettingsError(f"FOTOWEB_CACHE holds an ssl_cert_reqs that is none of: {', '.join(CERT_REQS)}.")
    return {
        "ssl_cert_reqs": cert_reqs,
        "ssl_check_hostname": cert_reqs != "none" and options.get("ssl_check_hostname", True),
    }


def unreadable() -> SettingsError:
    """Return the error for an address that can't be taken apart."""
    return SettingsError(
        "FOTOWEB_CACHE holds a Redis address that can't be read. It accepts redis://user:password@host:6379/0 "
        "and rediss:// likewise. Percent-encode the signs / ? # @ : in a password (a slash is %2F)."
    )


def printable(name: str) -> str:
    """Return the name of an option, where it is plainly one: a mistyped password must not show."""
    return name if name.isascii() and name.isidentifier() and len(name) <= 40 and name.islower() else "***"
