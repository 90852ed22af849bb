"""A text that must not come to light by accident: in a repr, a log line or an error report."""

from __future__ import annotations

from typing import Any, NoReturn, Protocol

__all__ = ["HoldsSecret", "Secret", "reveal"]

_MASK = "**********"


class HoldsSecret(Protocol):
    """What tells its secret when it is asked by this name: our own, and pydantic's ``SecretStr``."""

    def get_secret_value(self) -> str:
        """Return the secret."""
        ...


class Secret:
    """A text that shows itself only to ``get_secret_value()``. It can't be changed.

    No dataclass: what walks through those (test reports, serialisers) would walk through this one.

    Args:
        text: The secret.
    """

    __slots__ = ("_text",)

    _text: str

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "_text", text)

    def get_secret_value(self) -> str:
        """Return the secret itself."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({_MASK!r})"

    def __str__(self) -> str:
        return _MASK

    def __eq__(self, other: object) -> bool:
        """Compare the texts, and not in constant time: what strangers send is never compared here."""
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret can't be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a secret can't be changed")

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        """Let it be copied, and pickled together with the settings: a pickle holds the text."""
        return Secret, (self._text,)


def reveal(value: Any) -> Any:
    """Return what a secret holds, whichever library made it, and anything else as it is."""
    return value.get_secret_value() if hasattr(type(value), "get_secret_value") else value
