"""What a response that carries our cookie must say to caches, whatever the app said (RFC 9111, 5.2.2)."""

from __future__ import annotations

__all__ = ["cache_control_with_cookie", "vary_with_cookie"]


FOR_SHARED_CACHES = frozenset({"public", "s-maxage"})


def cache_control_with_cookie(value: str | None) -> str:
    """Return the Cache-Control of a response that sets our cookie: the app's, made private where it isn't.

    Args:
        value: What the app said, None where it said nothing.
    """
    directives = [directive.strip() for directive in (value or "").split(",") if directive.strip()]
    # With an argument, as in private="X-Name", it speaks of that header alone (RFC 9111, 5.2.2.7).
    if value is not None and {"private", "no-store"} & {directive.lower() for directive in directives}:
        return value
    kept = [directive for directive in directives if directive.partition("=")[0].lower() not in FOR_SHARED_CACHES]
    return ", ".join(["private", *kept])


def vary_with_cookie(value: str | None) -> str:
    """Return the Vary of a response that sets our cookie: the app's and Cookie."""
    names = [name.strip() for name in (value or "").split(",") if name.strip()]
    return ", ".join(names if {"*", "cookie"} & {name.lower() for name in names} else [*names, "Cookie"])
