"""The address of the session store: what ``FOTOWEB_CACHE`` may hold, Redis addresses taken apart, passwords masked."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fotoweb_middleware.settings.rules import WrongValue, read_host_and_port, read_text, require

_CACHE_SCHEMES = (
    "local", "memory", "sqlite", "redis", "rediss",
    "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster",
)  # fmt: skip
_SQLITE = re.compile(r"/(?!:memory:$)[^?#]*[^/?#]")
_REDIS = re.compile(r"(?P<user>([^/?#]*@)?)(?P<hosts>[^/?#@]*)(?P<path>[^?#]*)(?P<query>(\?[^#]*)?)")
_REDIS_PATHS = {
    "": re.compile(r"(/(?P<database>[0-9]*))?"),
    "sentinel": re.compile(r"/(?P<service>[^/]+)(/(?P<database>[0-9]*))?"),
    "cluster": re.compile(r"(/(?P<database>0?))?"),
}
_REDIS_PORTS = {"": 6379, "sentinel": 26379, "cluster": 6379}
_FILE_NAME = re.compile(r"[A-Za-z0-9_./-]{1,40}\.(db|sqlite3?)")


def read_cache_address(value: Any) -> str:
    """Read the session store's address. Nothing is opened here, but what must be there for it is looked for.

    Raises:
        WrongValue: When the scheme is unknown or the rest does not fit it. Never repeats a part of the address.
    """
    text = read_text(value)
    require(text.isprintable() and " " not in text, "it has a space, a line break or a control character.")
    scheme, separator, rest = text.partition("://")
    known = ", ".join(f"{scheme}://" for scheme in _CACHE_SCHEMES)
    require(separator and scheme in _CACHE_SCHEMES, f"it does not start with any of {known}.")
    if scheme in {"local", "memory"}:
        require(not rest, f"there is something after {scheme}://.", f"Write {scheme}:// and nothing after it.")
    elif scheme == "sqlite":
        require(
            _SQLITE.fullmatch(rest),
            "it names no file (three slashes before a relative path, four before an absolute one), or has options.",
            "Write sqlite:///sessions.db or sqlite:////var/lib/app/sessions.db. For memory alone, write memory://.",
        )
        folder = Path(rest.removeprefix("/")).absolute().parent
        require(
            folder.is_dir(),
            f"there is no folder {str(folder)!a}.",
            "Make it, writable for the user that runs the app. On one machine the variable can be left out.",
        )
    else:
        address = split_redis_address(text)
        has_client = importlib.util.find_spec("redis")
        require(has_client, "redis-py is not installed.", "Run: pip install 'fotoweb-middleware[redis]'")
        require(address.kind or len(address.hosts) == 1, "it names several hosts.", "That is for redis+sentinel://.")
        address.nodes()
    return text


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A Redis address, taken apart.

    Attributes:
        kind: "sentinel" or "cluster"; "" for a single server.
        hosts: Each with its port, as they were written.
        service: What the sentinels call the primary; "" for the other kinds.
        first_host_url: ``redis://`` or ``rediss://`` with the first host alone, user, password, database and options.
    """

    kind: str
    hosts: tuple[str, ...]
    service: str
    first_host_url: str = field(repr=False)

    def nodes(self) -> list[tuple[str, int]]:
        """Return each host and its port.

        Raises:
            WrongValue: One can't be read.
        """
        return [(host, port or _REDIS_PORTS[self.kind]) for host, port in map(read_host_and_port, self.hosts)]


def split_redis_address(text: str) -> RedisAddress:
    """Take an address apart whose scheme is one of Redis's; hosts and options are not looked at.

    Raises:
        WrongValue: When what stands behind the hosts does not fit the scheme.
    """
    scheme, _, rest = text.partition("://")
    plain, _, kind = scheme.partition("+")
    parts = _REDIS.fullmatch(rest)
    path = _REDIS_PATHS[kind].fullmatch(parts["path"]) if parts else None
    if parts is None or path is None or (kind and parts["user"].count("@") > 1):  # One user, before the first host.
        reason, hint = _REDIS_REFUSALS[kind]
        raise WrongValue(reason, f"Percent-encode the signs / ? # @ : in a password (a slash is %2F); {hint}")
    hosts, named = tuple(parts["hosts"].split(",")), path.groupdict()
    first_host_url = f"{plain}://{parts['user']}{hosts[0]}/{named['database'] or ''}{parts['query']}"
    return RedisAddress(kind, hosts, unquote(named.get("service") or ""), first_host_url)


_REDIS_REFUSALS = {
    "": ("what comes after the host is not a database number.", "the database is a number, as /0."),
    "sentinel": (
        "what comes after the hosts is not the service's name, with or without a database number.",
        "write redis+sentinel://host:26379,host2:26379/mymaster/0, with the name from `sentinel monitor`.",
    ),
    "cluster": (
        "what comes after the hosts is not an option.",
        "write redis+cluster://host:6379,host2:6379; a cluster has only database 0.",
    ),
}


def mask_cache_address(address: str) -> str:
    """Return an accepted address with password and options masked: ``redis://user:***@host:6379/0``."""
    scheme, separator, rest = address.partition("://")
    if not scheme.startswith("redis"):
        return address
    rest, question, _ = rest.partition("?")
    credentials, at, place = rest.rpartition("@")
    user, colon, _ = credentials.partition(":")
    masked = (f"{user}:***@" if colon else "***@") if at else ""
    return f"{scheme}{separator}{masked}{place}{'?***' if question else ''}"


def mask_wrong_cache_address(address: str) -> str:
    """Return of a refused address only what can't be a password: its scheme, or the name of a file."""
    scheme, separator, _ = address.partition("://")
    if separator and scheme.replace("+", "", 1).isalnum():
        return f"{scheme}://..."
    return address if address in _CACHE_SCHEMES or _FILE_NAME.fullmatch(address) else "***"
