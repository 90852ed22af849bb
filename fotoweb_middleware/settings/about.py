"""What is known of a setting besides its type: the words for messages and for the reference page.

Everything here is plain text and small values: no validation, no environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["PREFIX", "About", "Origin", "WrongValue", "variable_of"]

PREFIX = "FOTOWEB_"


def variable_of(name: str) -> str:
    """Return the environment variable of the setting ``name``: ``url`` becomes ``FOTOWEB_URL``."""
    return PREFIX + name.upper()


@dataclass(frozen=True, slots=True)
class About:
    """The words that go with one setting.

    Attributes:
        meaning: What the setting does, one or two sentences (reference page).
        accepts: What it takes (reference page and messages), without a full stop.
        unset: What holds where nothing is set, where the bare default would not say it.
        mend: What an operator can do about a wrong or missing value (messages).
        secret: Whether its value may never be shown.
        from_file: Whether ``<variable>_FILE`` may name a file that holds the value.
    """

    meaning: str
    accepts: str
    unset: str = ""
    mend: str = ""
    secret: bool = False
    from_file: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting's value came from.

    Attributes:
        kind: ``argument`` of ``Settings(...)``, ``environment``, ``file`` or ``default``.
        variable: The environment variable it was read from, ``X_FILE`` for a file; "" for the other kinds.
        path: The file it was read from, or "".
    """

    kind: Literal["argument", "environment", "file", "default"]
    variable: str = ""
    path: str = ""

    def __str__(self) -> str:
        """Return it in words: ``environment``, ``file /run/secrets/key``."""
        return f"file {self.path}" if self.kind == "file" else self.kind


class WrongValue(ValueError):
    """A value that a rule turned down.

    The words must never hold the value of a secret: they go into logs.

    Args:
        reason: What is wrong with it, a full sentence that starts with "it".
        mend: What to do about it, where the setting's own advice would not fit.
    """

    def __init__(self, reason: str, *, mend: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.mend = mend
