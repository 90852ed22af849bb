"""The rule for ``FOTOWEB_CACHE``, and how such an address is shown without its password."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

from fotoweb_middleware.settings.about import WrongValue
from fotoweb_middleware.settings.addresses import read_host_and_port
from fotoweb_middleware.settings.values import read_text

__all__ = ["mask_cache_address", "mask_wrong_cache_address", "read_cache_address"]

_SCHEMES = ("local", "memory", "sqlite", "redis", "rediss")
_REDIS = re.compile(r"[^/?#]*(?P<path>/[0-9]*)?(?P<query>\?[^#]*)?")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./-]{1,40}", re.ASCII)


def read_cache_address(value: Any) -> str:
    """Read the address of the server cache. Nothing is opened here, but what must be there for it is looked for.

    Raises:
        WrongValue: When the scheme is unknown or the rest does not fit it. Never repeats a part of the address.
    """
    text = read_text(value)
    if not text.isprintable() or " " in text:
        raise WrongValue("it has a space, a line break or a control character.")
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in _SCHEMES:
        raise WrongValue("it starts with none of " + ", ".join(f"{known}://" for known in _SCHEMES) + ".")
    if scheme in {"local", "memory"} and rest:
        raise WrongValue(f"something stands behind {scheme}://.", mend=f"Write {scheme}:// and nothing behind it.")
    if scheme == "sqlite":
        _check_sqlite(rest)
    elif scheme in {"redis", "rediss"}:
        _check_redis(rest)
    return text


def _check_sqlite(rest: str) -> None:
    if not rest.startswith("/"):
        raise WrongValue(
            "it needs three slashes before a relative path, four before an absolute one.",
            mend="Write sqlite:///sessions.db or sqlite:////var/lib/app/sessions.db.",
        )
    if rest.endswith("/"):
        raise WrongValue("it names no file.")
    if rest == "/:memory:":
        raise WrongValue("it names no file.", mend="For memory alone, write memory://.")
    if "?" in rest or "#" in rest:
        raise WrongValue("the file name has a ? or # in it; options are not taken here.")
    folder = Path(rest.removeprefix("/")).absolute().parent
    if not folder.is_dir():
        raise WrongValue(
            f"there is no folder {str(folder)!a}.",
            mend="Make it, writable for the user that runs the app. On one machine the variable can be left out.",
        )


def _check_redis(rest: str) -> None:
    parts = _REDIS.fullmatch(rest)
    if parts is None:
        raise WrongValue(
            "what stands behind the host is not a database number.",
            mend="Percent-encode the signs / ? # @ : in a password (a slash is %2F); the database is a number, as /0.",
        )
    if importlib.util.find_spec("redis") is None:
        raise WrongValue("redis-py is not installed.", mend="Run: pip install 'fotoweb-middleware[redis]'")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    read_host_and_port(authority.rpartition("@")[2])


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
    if separator and _PLAIN_WORD.fullmatch(scheme):
        return f"{scheme}://..."
    is_file_name = address.endswith((".db", ".sqlite", ".sqlite3")) and _PLAIN_WORD.fullmatch(address)
    return address if is_file_name or address in _SCHEMES else "***"
