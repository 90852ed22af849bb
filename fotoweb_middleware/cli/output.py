"""What the commands write: plain lines that read the same without colour, never wrapped or cut when piped."""

from __future__ import annotations

import sys


def write(text: str, *, style: str = "", to_errors: bool = False) -> None:
    """Write ``text`` and a line break, in colour where rich is installed and the terminal has it."""
    try:
        from rich.console import Console  # noqa: PLC0415 (an extra)
        from rich.text import Text  # noqa: PLC0415
    except ModuleNotFoundError:
        (sys.stderr if to_errors else sys.stdout).write(f"{text}\n")
        return
    # As Text, square brackets have no meaning.
    Console(stderr=to_errors, highlight=False).print(Text(text, style=style), soft_wrap=True)


def failed(problem: str) -> int:
    """Write what is wrong, and return the exit code for it."""
    write(problem, style="red", to_errors=True)
    return 1
