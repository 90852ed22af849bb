"""What a check says."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["Finding", "Level", "bad", "ok", "warn"]


class Level(enum.Enum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        level: How bad it is.
        what: What was found, with its cause. Never holds a secret.
        hint: What to do about it; "" where nothing needs doing.
    """

    level: Level
    what: str
    hint: str = ""

    def __str__(self) -> str:
        """Return it as it is printed: ``ok    text``, and what to do on lines of its own."""
        what = self.what.replace("\n", "\n      ")
        hint = self.hint.replace("\n", "\n      ")
        return f"{self.level.value:<5} {what}" + (f"\n      To do: {hint}" if hint else "")


def ok(what: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(Level.OK, what)


def warn(what: str, hint: str = "") -> Finding:
    """Return a finding that deserves a thought."""
    return Finding(Level.WARN, what, hint)


def bad(what: str, hint: str) -> Finding:
    """Return a finding of something wrong."""
    return Finding(Level.BAD, what, hint)
