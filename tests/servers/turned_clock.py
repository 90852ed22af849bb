"""A clock that a test turns while a real server runs by it: two numbers in a file that both have mapped.

The app's module puts it under the middleware before that is made (``turn_middlewares``). Servers, sockets and time-outs
go by the real time: only what the middleware asks for is turned.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware

__all__ = ["CLOCK", "TurnedClock", "turn_middlewares"]

CLOCK = "TEST_CLOCK"
"""The variable that names the file."""

NUMBERS = struct.Struct("dd")


class TurnedClock:
    """The real time, and so much more.

    Args:
        path: The file; made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            path.write_bytes(NUMBERS.pack(0, 0))
        with path.open("r+b") as file:
            self._numbers = mmap.mmap(file.fileno(), NUMBERS.size)

    # ------------------------------------------------------------------------------------------------- the app's side

    def wall(self) -> float:
        """Return epoch seconds, as the app takes them to be."""
        passed, wrong_by = NUMBERS.unpack_from(self._numbers)
        return time.time() + float(passed) + float(wrong_by)

    def monotonic(self) -> float:
        """Return the seconds of a clock that is never set."""
        return time.monotonic() + float(NUMBERS.unpack_from(self._numbers)[0])

    # ------------------------------------------------------------------------------------------------ the test's side

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        passed, wrong_by = NUMBERS.unpack_from(self._numbers)
        NUMBERS.pack_into(self._numbers, 0, passed + seconds, wrong_by)

    def set_wrong(self, seconds: float) -> None:
        """Have the wall clock wrong by so much; 0 is right."""
        passed, _ = NUMBERS.unpack_from(self._numbers)
        NUMBERS.pack_into(self._numbers, 0, passed, seconds)


def turn_middlewares() -> None:
    """Put the clock that ``TEST_CLOCK`` names under every middleware that this process makes from now on.

    ``wrap`` imports the app before it makes the middleware, which has no variable for its clock: so it gets another
    default.
    """
    if CLOCK not in os.environ:
        return
    turned = TurnedClock(Path(os.environ[CLOCK]))
    for middleware in (FotoWebASGIMiddleware, FotoWebWSGIMiddleware):
        defaults = middleware.__init__.__kwdefaults__ or {}
        middleware.__init__.__kwdefaults__ = {**defaults, "clock": turned.wall, "monotonic": turned.monotonic}
