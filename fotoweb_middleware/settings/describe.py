"""Every setting in a list, for ``fotoweb-middleware config``."""

from __future__ import annotations

from typing import Any

from fotoweb_middleware.settings import DECLARED, Settings
from fotoweb_middleware.settings.cache_address import mask_cache_address
from fotoweb_middleware.settings.reading import variable_of
from fotoweb_middleware.settings.secret import Secret


def describe(settings: Settings) -> list[tuple[str, str, str]]:
    """Return variable, value and origin of every setting: ``FOTOWEB_PKCE``, ``false``, ``environment``. No secrets."""
    return [(variable_of(name), shown(name, getattr(settings, name)), settings.origins[name]) for name in DECLARED]


def shown(name: str, value: Any) -> str:
    """Return a value as one would write it into a variable, or in brackets what holds where there is none."""
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        value = ",".join(value)
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    elif name == "cache":
        value = mask_cache_address(value)
    return f"({DECLARED[name].unset or 'not set'})" if value in {None, ""} else str(value)
