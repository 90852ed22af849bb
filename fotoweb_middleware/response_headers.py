"""What a response that carries our cookie must say to caches, whatever the app said (RFC 9111, 5.2.2)."""

from __future__ import annotations

__all__ = ["cache_control_with_cookie", "vary_with_cookie"]


def cache_control_with_cookie(value: str | None) -> str:
    """Return the Cache-Control of a response that sets our cookie: the app's where it is strict enough.

    Args:
        value: What the app said, None where it said nothing.
    """
    if value is None:
        return "private"
    directives = {directive.partition("=")[0].strip().lower() for directive in value.split(",")}
    return value if directives & {"private", "no-store"} else "private"


def vary_with_cookie(value: str | None) -> str:
    """Return the Vary of a response that sets our cookie: the app's and Cookie."""
    names = [name.strip() for name in (value or "").split(",") if name.strip()]
    return ", ".join(names if {"*", "cookie"} & {name.lower() for name in names} else [*names, "Cookie"])
