"""Tells the log of a store in trouble: one line when it begins, one when it is over, however many calls fail."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

__all__ = ["OutageLog"]

LOGGER = logging.getLogger("fotoweb_middleware")


class OutageLog:
    """What this process has told the log about one store. The end is a warning too, to be seen where the beginning was.

    Args:
        place: Which store, as the beginning of a sentence and without a secret.
        monotonic: A clock that never jumps, in seconds.
    """

    def __init__(self, place: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._place = place
        self._monotonic = monotonic
        self.after_fork_in_child()

    def after_fork_in_child(self) -> None:
        """Begin with nothing told, and with a lock that nobody holds. The store that owns this log calls it."""
        self._lock = threading.Lock()
        self._failing: set[str] = set()
        self._began_at = 0.0

    def failed(self, what: str, cause: str) -> None:
        """Tell of a failed call, unless a trouble was told already.

        Args:
            what: What failed, such as "reading". The next success of something that failed is the end of the trouble;
                that a locked file can be read, for instance, does not mean that it can be written again.
            cause: A part of a sentence, without a secret.
        """
        with self._lock:
            is_first = not self._failing
            self._failing.add(what)
            if is_first:
                self._began_at = self._monotonic()
        if is_first:
            LOGGER.warning(
                "%s is in trouble: %s fails: %s. Until it works again, logouts and refreshes may not reach other "
                "processes, and sessions in reference mode may get 503. It is tried again by itself.",
                self._place,
                what,
                cause,
            )

    def worked(self, what: str) -> None:
        """Tell of the end of a trouble; costs next to nothing where there is none."""
        if what not in self._failing:
            return
        with self._lock:
            is_over = what in self._failing
            self._failing.clear()
        if is_over:
            LOGGER.warning("%s works again after %.1f s.", self._place, self._monotonic() - self._began_at)
