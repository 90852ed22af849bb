"""The command ``fotoweb-middleware``, one file per command.

    secret   prints a fresh key
    config   every setting, its value with secrets masked, and where it came from
    check    tries the settings out and says what is wrong
    demo     simulator and a wrapped gallery app

It needs the extra ``cli`` (typer and rich); without it, it says so in one line.
"""

from __future__ import annotations

import sys

__all__ = ["main"]

_FROM_THE_EXTRA = {"click", "rich", "typer"}


def main() -> None:
    """Run the command line, and end the process."""
    try:
        from fotoweb_middleware.cli.app import app  # noqa: PLC0415 (the extra may not be installed)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _FROM_THE_EXTRA:
            raise
        sys.exit("The command line needs: pip install 'fotoweb-middleware[cli]'")
    app()
