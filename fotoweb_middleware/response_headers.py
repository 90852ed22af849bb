"""What an answer that was made with a session says to caches (RFC 9111, 5.2.2; RFC 9110, 12.5.5)."""

from __future__ import annotations

from collections.abc import Iterable

Pairs = list[tuple[str, str]]
TARGETED = frozenset({"surrogate-control", "x-accel-expires", "edge-control"})
FOR_SHARED_CACHES = frozenset({"public", "s-maxage"})


def private_headers(headers: Iterable[tuple[str, str]], *, has_session: bool, sets_cookie: bool) -> Pairs:
    """Return an app's response headers, with what keeps shared caches from giving them to somebody else.

    1. ``Vary: Cookie``, beside what the app says.
    2. ``Cache-Control: private`` where the app says nothing and had a session.
    3. With cookies of ours the answer is private whatever the app says, to all caches or to some kind of them.

    Args:
        headers: The app's; wrong ones raise.
        has_session: Whether the app had a session.
        sets_cookie: Whether a cookie of ours goes with it. (Not the cookie itself: wrong headers fail here, and error
            reporters send a frame's variables along.)
    """
    pairs = [(name, value) for name, value in headers]
    told = [(name.lower(), value) for name, value in pairs]
    cache_control = [value for name, value in told if name == "cache-control"]
    varies = [name.strip() for header, value in told if header == "vary" for name in value.split(",") if name.strip()]
    if not {"*", "cookie"} & {name.lower() for name in varies}:
        varies.append("Cookie")
    pairs = [pair for pair in pairs if pair[0].lower() != "vary"]
    pairs.append(("Vary", ", ".join(varies)))  # One header: older nginx reads no more of several.
    if sets_cookie:
        pairs = [pair for pair in pairs if not is_for_caches(pair[0].lower())]
        pairs.append(("Cache-Control", made_private(", ".join(cache_control))))
    elif has_session and not cache_control:
        pairs.append(("Cache-Control", "private"))
    return pairs


def is_for_caches(name: str) -> bool:
    """Return whether a header tells caches what they may keep, some kind of them (RFC 9213) or a single product."""
    return name.endswith("cache-control") or name in TARGETED


def made_private(cache_control: str) -> str:
    """Return a Cache-Control made private where it isn't."""
    directives = [directive.strip() for directive in cache_control.split(",") if directive.strip()]
    # With an argument, as in private="X-Name", it speaks of that header alone (RFC 9111, 5.2.2.7).
    if {"private", "no-store"} & {directive.lower() for directive in directives}:
        return cache_control
    kept = [directive for directive in directives if directive.partition("=")[0].lower() not in FOR_SHARED_CACHES]
    return ", ".join(["private", *kept])
