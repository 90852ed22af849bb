"""The command ``fotoweb-middleware``.

    demo       simulator and a wrapped gallery app
    simulator  simulator alone; prints the four variables for an app of yours
    check      tries the settings out, and says what is wrong and what to do
    config     every setting, its value with secrets masked, and where it came from
    secret     prints a new key

It needs the extra ``cli`` (typer and rich), the first two ``demo``; without it, it says so in one line.
"""

from __future__ import annotations

import sys

__all__ = ["main"]

CLI_EXTRA = {"click", "rich", "typer"}


def main() -> None:
    """Run the command line, and end the process."""
    try:
        from fotoweb_middleware.cli.app import app  # noqa: PLC0415 (the extra may not be installed)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in CLI_EXTRA:
            raise
        extra = "demo" if sys.argv[1:2] in (["demo"], ["simulator"]) else "cli"
        sys.exit(f"The command line needs: pip install 'fotoweb-middleware[{extra}]'")
    app()
