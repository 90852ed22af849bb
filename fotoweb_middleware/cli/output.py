"""What the commands write: plain lines that read the same without colour, never wrapped or cut when piped.

What servers, stores and variables hold is printed here and nowhere else, with everything escaped that a terminal would
obey or not show.
"""

from __future__ import annotations

import sys
from typing import Final

BLANK_LETTERS: Final = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs that Unicode calls printable, and that look like spaces."""


def write(text: str, *, style: str = "", to_errors: bool = False) -> None:
    """Write ``text`` and a line break, in colour where rich is installed and the terminal has it.

    Control characters, writing directions and the like are written as escapes, but for line breaks.
    """
    text = "\n".join(map(escaped, text.split("\n")))
    try:
        from rich.console import Console  # noqa: PLC0415 (an extra)
        from rich.text import Text  # noqa: PLC0415
    except ModuleNotFoundError:
        (sys.stderr if to_errors else sys.stdout).write(f"{text}\n")
        return
    # As Text, square brackets have no meaning.
    Console(stderr=to_errors, highlight=False).print(Text(text, style=style), soft_wrap=True)


def escaped(text: str) -> str:
    """Return a text with everything escaped that can't be shown."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def in_column(text: str) -> str:
    """Return a text for one column of a table: quoted where it could be taken for several columns or lines."""
    is_plain = text.isprintable() and text == " ".join(text.split()) and text[:1] not in {"'", '"'}
    if is_plain and not any(letter in text for letter in BLANK_LETTERS):
        return text
    return "".join(ascii(c)[1:-1] if c in BLANK_LETTERS else c for c in repr(text))


def failed(problem: str) -> int:
    """Write what is wrong, and return the exit code for it."""
    write(problem, style="red", to_errors=True)
    return 1
