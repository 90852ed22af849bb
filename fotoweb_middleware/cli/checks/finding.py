"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: What was found, with its cause. Never holds a secret.
        hint: What to do about it; "" where nothing needs doing.
    """

    level: Literal["ok", "warn", "bad"]
    what: str
    hint: str = ""

    def __str__(self) -> str:
        """Return it as it is printed: ``ok    text``, and what to do on lines of its own."""
        text = f"{self.what}\nTo do: {self.hint}" if self.hint else self.what
        return f"{self.level:<5} " + text.replace("\n", "\n      ")


ok = partial(Finding, "ok")
warn = partial(Finding, "warn")
bad = partial(Finding, "bad")
