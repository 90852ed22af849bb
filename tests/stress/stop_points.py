"""Places in the middle of a refresh at which a worker waits, so that a test can kill it or stop it right there.

    leased   the lock is taken, nothing else has happened
    asking   the store was read again under the lock, FotoWeb is asked next
    saving   FotoWeb answered, the result is written next
    saved    the result is written, the lock is given up next

A test arms a point with ``StopPoints``; the workers run ``stopping_app.py``.
"""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from typing import Literal

__all__ = ["Point", "StopPoints", "stop_at"]

Point = Literal["leased", "asking", "saving", "saved"]
FOLDER_VARIABLE = "TEST_STOP_POINTS"
LOOK_AGAIN_SECONDS = 0.01
NUMBERS = itertools.count()


class StopPoints:
    """The points, as the test sees them: a folder that the workers look into.

    Args:
        folder: Made where it is missing, else empty.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder

    @property
    def variables(self) -> dict[str, str]:
        """What the workers must be told."""
        return {FOLDER_VARIABLE: str(self._folder)}

    def arm(self, point: Point) -> None:
        """Let every refresh wait at a point from now on."""
        for left_over in self._folder.glob(f"{point}.*"):
            left_over.unlink()
        (self._folder / point).touch()

    def disarm(self, point: Point) -> None:
        """Let those that wait go on, and all others pass."""
        (self._folder / point).unlink()

    def held(self, point: Point) -> list[int]:
        """Return the process ids of those that have come to a point since it was armed."""
        return [int(path.name.split(".")[1]) for path in self._folder.glob(f"{point}.*")]


def is_armed(point: Point) -> bool:
    """Return whether a refresh has to wait here; it then notes its coming once."""
    return (Path(os.environ[FOLDER_VARIABLE]) / point).exists()


def note_coming(point: Point) -> None:
    """Tell the test that a refresh has come to a point."""
    (Path(os.environ[FOLDER_VARIABLE]) / f"{point}.{os.getpid()}.{next(NUMBERS)}").touch()


def stop_at(point: Point) -> None:
    """Wait while the point is armed."""
    if is_armed(point):
        note_coming(point)
        while is_armed(point):
            time.sleep(LOOK_AGAIN_SECONDS)
