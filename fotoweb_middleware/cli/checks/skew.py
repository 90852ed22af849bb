"""Checks the clocks: a token's life is counted with this machine's clock, FotoWeb ends it with its own."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from fotoweb_middleware.cli.checks.finding import Finding, ok, warn
from fotoweb_middleware.cli.checks.network import Reply

__all__ = ["check_clock"]

_MOST_SECONDS = 60


def check_clock(reply: Reply, *, now: float) -> list[Finding]:
    """Compare FotoWeb's ``Date`` header with this machine's clock.

    Args:
        reply: An answer that came just now.
        now: Epoch seconds of this machine when it came.
    """
    try:
        theirs = parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError, OverflowError):
        return []
    seconds = round(theirs - now)
    if abs(seconds) <= _MOST_SECONDS:
        return [ok("The clocks of FotoWeb and of this machine agree.")]
    direction = "ahead of" if seconds > 0 else "behind"
    return [
        warn(
            f"FotoWeb's clock is {abs(seconds)} seconds {direction} this machine's.",
            "Turn on time synchronisation (NTP) here; ask FotoWeb's operator where this one is right.",
        )
    ]
