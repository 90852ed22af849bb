"""The command ``fotoweb-middleware``.

    demo       simulator and a wrapped gallery app
    simulator  simulator alone; prints the four variables for an app of yours
    check      tries the settings out, and says what is wrong and what to do
    sessions   who is signed in, and an end to it
    config     every setting, its value with secrets masked, and where it came from
    secret     prints a new key

It needs nothing but the package itself; with the extra ``cli`` (rich) its lines have colours. ``demo`` and
``simulator`` need the extra ``demo``, and say so.
"""

from __future__ import annotations

import io
import sys

from fotoweb_middleware.cli.app import run

__all__ = ["main"]


def main() -> None:
    """Run the command line, and end the process."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # A name with letters that the terminal lacks must not end a command.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))
