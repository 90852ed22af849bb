"""Every setting, its value with secrets masked, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fotoweb_middleware.settings.about import Origin, variable_of
from fotoweb_middleware.settings.cache_address import mask_cache_address
from fotoweb_middleware.settings.model import Settings
from fotoweb_middleware.settings.secret import Secret
from fotoweb_middleware.settings.texts import ABOUT

__all__ = ["Described", "describe", "written"]


@dataclass(frozen=True, slots=True)
class Described:
    """One setting as it may be shown.

    Attributes:
        name: The attribute and argument, ``http_timeout``.
        variable: The environment variable, ``FOTOWEB_HTTP_TIMEOUT``.
        value: The value as one would write it, secrets masked.
        origin: Where it came from.
    """

    name: str
    variable: str
    value: str
    origin: Origin


def describe(settings: Settings) -> tuple[Described, ...]:
    """Describe every setting, in the order of the reference page. No secret is in the result."""
    return tuple(
        Described(name, variable_of(name), _shown(name, getattr(settings, name)), settings.origins[name])
        for name in ABOUT
    )


def _shown(name: str, value: Any) -> str:
    if isinstance(value, Secret):
        return "***"
    if name == "cache":
        return mask_cache_address(value)
    return written(value) or f"({ABOUT[name].unset or 'not set'})"


def written(value: Any) -> str:
    """Return a value as one would write it into a variable; "" for None and an empty list."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
