"""Where a browser would go: the WHATWG URL standard, read by Ada, which Node.js uses too and none of our code does."""

from __future__ import annotations

from urllib.parse import unquote

import ada_url

__all__ = ["leads_to_own_page", "origin_of", "resolved_path", "stays_at"]


def stays_at(origin: str, target: str) -> bool:
    """Return whether a browser that is told to go to ``target`` stays at ``origin``."""
    found = parsed(target, origin)
    return found is not None and found.origin == origin


def resolved_path(origin: str, target: str) -> str:
    """Return the path that a browser asks for, dot segments and the like taken out."""
    found = parsed(target, origin)
    return "" if found is None else str(found.pathname)


def leads_to_own_page(origin: str, target: str, folder: str) -> bool:
    """Return whether a browser would ask for something below ``folder``, as a server decodes it."""
    return f"{unquote(resolved_path(origin, target))}/".startswith(f"{folder}/")


def origin_of(url: str) -> str | None:
    """Return a URL's origin, None where it is no URL."""
    found = parsed(url)
    return None if found is None else str(found.origin)


def parsed(url: str, base: str | None = None) -> ada_url.URL | None:
    """Return what the standard reads, None where it reads nothing."""
    try:
        # Half of a pair of surrogates is none of Unicode's characters; browsers put this one in its place.
        return ada_url.URL(url.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), base)
    except ValueError:
        return None
