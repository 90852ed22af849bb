"""How commands write: plain lines that read the same without colour, never wrapped or cut when piped."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

__all__ = ["write"]


def write(text: str, *, style: str = "", to_errors: bool = False) -> None:
    """Write ``text`` and a line break, in colour where the terminal has it.

    Args:
        text: Taken as it is: square brackets have no meaning.
        style: One of rich's styles.
        to_errors: True for standard error.
    """
    Console(stderr=to_errors, highlight=False).print(Text(text, style=style), soft_wrap=True)
