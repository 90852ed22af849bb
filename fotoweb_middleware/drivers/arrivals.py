"""Requests that come in one moment: a few are looked at in each turn of the event loop, the others wait for later ones.

A request that comes alone pays for it with an addition: the loop is asked for its next turn once in a few looks
(docs/adr/0029).
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["LOOKS_IN_A_TURN", "UNASKED", "Arrivals"]

LOOKS_IN_A_TURN = 32
"""Of requests that no known cookie answers, and of cookies that are new: 10 to 25 µs each."""
UNASKED = 8
"""At so many the loop is asked for its next turn: that takes a tenth of a look, and who comes alone need not pay it."""


class Arrivals:
    """Counts looks, and forgets them in the next turn after there were a few; several loops share one count (0029).

    Args:
        call_soon: Has a callable run in the next turn of the loop that runs just now.

    Attributes:
        is_full: Whether this turn has had enough: the next who asks finds no room.
    """

    def __init__(self, call_soon: Callable[[Callable[[], object]], object]) -> None:
        self._count = 0
        self._call_soon = call_soon
        self.is_full = False

    def has_room(self) -> bool:
        """Count one look; return False where this turn has had enough of them."""
        self._count += 1
        # Again now and then: the loop that was asked first may have ended since.
        if self._count == UNASKED or self._count % LOOKS_IN_A_TURN == 0:
            self._call_soon(self._begin_turn)
        self.is_full = self._count >= LOOKS_IN_A_TURN
        return self._count <= LOOKS_IN_A_TURN

    def _begin_turn(self) -> None:
        self._count = 0
        self.is_full = False
