"""Rules for paths on the app's own origin."""

from __future__ import annotations

import re
from typing import Any

from fotoweb_middleware.settings.about import WrongValue
from fotoweb_middleware.settings.values import read_list, read_text

__all__ = ["CALLBACK", "check_canonical", "read_path_prefix", "read_public_paths"]

CALLBACK = "/callback"

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)
_PATTERN_SIGNS = frozenset("*?[]{}()^|\\")
"""What a shell pattern or a regular expression is made of: whoever writes one expects it to be one."""


def read_path_prefix(value: Any) -> str:
    """Read the path under which the middleware's own pages lie: absolute, canonical, no slash at its end."""
    path = read_text(value)
    if not path.startswith("/"):
        raise WrongValue("it does not start with a slash.")
    if path.endswith("/"):
        raise WrongValue("it ends in a slash.", mend="Leave the slash at the end out, and name at least one folder.")
    if not _PREFIX.fullmatch(path):
        raise WrongValue("it has an empty folder, or a character other than A-Z, a-z, 0-9, '.', '_', '~' and '-'.")
    check_canonical(path)
    return path


def check_canonical(path: str) -> None:
    """Refuse a path that servers and proxies may read in two ways.

    Raises:
        WrongValue: When it has empty or dot segments, a backslash, ``;``, ``%``, ``#``, ``?`` or a control character.
    """
    if not path.isprintable() or " " in path:
        raise WrongValue("it has a space, a line break or a control character.")
    if "//" in path or any(segment in {".", ".."} for segment in path.split("/")):
        raise WrongValue("it has an empty, '.' or '..' folder in it.")
    strange = sorted(set(path) & set("\\;%#?"))
    if strange:
        raise WrongValue(f"it has the character {strange[0]!r}, which servers read in different ways.")


def read_public_paths(value: Any) -> tuple[str, ...]:
    """Read paths that need no login: exact, or a prefix of whole folders ending in ``/*``. Never all paths."""
    return tuple(_public_path(path) for path in read_list(value))


def _public_path(path: str) -> str:
    if path in {"/", "/*", "*"}:
        raise WrongValue(
            f"{path!r} is no small exemption.",
            mend="Name the paths one by one. To let anonymous visitors in everywhere, set FOTOWEB_LOGIN=optional.",
        )
    if not path.startswith("/"):
        raise WrongValue(f"{path!a} does not start with a slash.")
    exact = path.removesuffix("/*")
    if _PATTERN_SIGNS & set(exact) or exact.endswith("$"):
        raise WrongValue(f"{path!a} looks like a pattern; only '/*' at the end has a meaning here.")
    check_canonical(path)
    return path
