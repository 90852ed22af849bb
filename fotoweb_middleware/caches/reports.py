"""Tells the log of a cache in trouble: one line when it begins, one when it is over, however many calls fail."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Reports"]

LOGGER = logging.getLogger("fotoweb_middleware.caches")

OUT_OF_REACH = (
    "%s is out of reach: %s. Until it is back, sealed sessions go on from their cookies, reference sessions get 503. "
    "It is asked again by itself.%s"
)
STILL_OUT_OF_REACH = "%s is still out of reach, now for another reason: %s."
BACK = "%s is back after %.1f s."
REFUSED = "%s: %s is refused: %s. Until that is mended, logouts and refreshes may not reach the other processes."
WORKS_AGAIN = "%s: %s works again after %.1f s."

OUTAGE = "outage"
MOST_CAUSES = 20
"""More are not told at a time: what is not Redis, or a hostile one, can give each refusal another code."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What was told and is not over.

    Attributes:
        since: When it began, in seconds of a clock that never jumps.
        name: What was refused; its next success ends the trouble. Of an outage any call's success is the end.
    """

    since: float
    name: str


class Reports:
    """What the log has been told by this process. All lines are warnings: the end must be seen where the beginning was.

    It holds no lock, which another thread could hold during a fork: who changes the dictionary tells the log.

    Args:
        place: Which Redis or which file, without a secret.
        never_answered: What to look at where it has not answered this process yet.
        is_silent: Whether to tell nothing: somebody else does.
        monotonic: A clock that never jumps, in seconds.
    """

    def __init__(
        self,
        place: str,
        *,
        never_answered: str = "",
        is_silent: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = place
        self._never_answered = never_answered
        self._is_silent = is_silent
        self._monotonic = monotonic
        self._has_answered = False
        self._outage: dict[str, Trouble] = {}
        self._refusals: dict[str, Trouble] = {}

    def out_of_reach(self, cause: str, *, has_mend: bool) -> None:
        """Tell of an outage; during one, only of another cause that somebody must mend."""
        is_first = self._is_new(self._outage, OUTAGE, "")
        is_new_cause = has_mend and self._is_new(self._outage, cause, "")
        if is_first:
            hint = "" if has_mend or self._has_answered else self._never_answered
            LOGGER.warning(OUT_OF_REACH, self._place, cause, hint)
        elif is_new_cause:
            LOGGER.warning(STILL_OUT_OF_REACH, self._place, cause)

    def refused(self, name: str, cause: str) -> None:
        """Tell of something that is refused while the rest goes on; each cause once.

        Args:
            name: What is refused: a call, or a kind of calls.
            cause: A part of a sentence, without a secret.
        """
        if self._is_new(self._refusals, cause, name):
            LOGGER.warning(REFUSED, self._place, name, cause)

    def answered(self, name: str) -> None:
        """Tell of the end of an outage, and of a refusal under this name; next to nothing where there was none."""
        self.in_reach()
        if self._refusals:
            self._end_refusals(name)

    def in_reach(self) -> None:
        """Tell of the end of an outage."""
        self._has_answered = True
        if self._outage:
            outage = self._outage.pop(OUTAGE, None)
            self._outage.clear()
            if outage is not None:
                LOGGER.warning(BACK, self._place, self._monotonic() - outage.since)

    def _end_refusals(self, name: str) -> None:
        for cause, trouble in list(self._refusals.items()):
            if trouble.name == name and self._refusals.pop(cause, None) is not None:
                LOGGER.warning(WORKS_AGAIN, self._place, name, self._monotonic() - trouble.since)

    def _is_new(self, troubles: dict[str, Trouble], what: str, name: str) -> bool:
        if self._is_silent or len(troubles) >= MOST_CAUSES:
            return False
        trouble = Trouble(self._monotonic(), name)
        return troubles.setdefault(what, trouble) is trouble  # One step: of several threads one is the first.
