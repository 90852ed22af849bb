"""A secret that shows itself only to those who ask for it by name."""

from __future__ import annotations

from typing import Protocol


class HoldsSecret(Protocol):
    """What tells its secret when it is asked by this name: our own ``Secret``, and pydantic's ``SecretStr``."""

    def get_secret_value(self) -> str:
        """Return the secret."""
        ...


class Secret:
    """A text that shows itself only to ``get_secret_value()``, never in a repr or a log line.

    Not a dataclass: test reports and serialisers walk through those, and would walk through this one.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """Return the secret itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('**********')"

    def __str__(self) -> str:
        return "**********"

    def __eq__(self, other: object) -> bool:
        """Compare the texts, not in constant time: nothing that a client sends is compared here."""
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)
