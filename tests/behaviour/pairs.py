"""What tests of two processes do: the same browser goes to either, and things happen in one while the other works."""

from __future__ import annotations

from collections.abc import Callable

from tests.behaviour.kit import NAVIGATION, Visited, Visitor

__all__ = ["Meanwhile", "Pair", "log_out", "twin_of"]

Pair = tuple[Visited, Visited]
CLICK = {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}


class Meanwhile:
    """What happens while FotoWeb takes its time to answer."""

    def __init__(self) -> None:
        self.work: Callable[[], object] = lambda: None

    def __call__(self, _seconds: float) -> None:
        """Do it."""
        self.work()


def twin_of(visitor: Visitor, site: Visited) -> Visitor:
    """Return the same browser, as it was at this moment, at another process."""
    twin = site.visitor(visitor.user_name)
    twin.jar.cookies = dict(visitor.jar.cookies)
    return twin


def log_out(visitor: Visitor) -> None:
    """Log out."""
    assert visitor.send("POST", "/oauth2/logout", CLICK).status == 200
