"""``fotoweb-middleware check``: tries the settings out, and says what is wrong and how to mend it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable

import typer

from fotoweb_middleware.cli.checks import Finding, Level, check_everything
from fotoweb_middleware.cli.output import write

__all__ = ["check", "summary"]

_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.BAD: "bold red"}


def check() -> None:
    """Check the configuration, FotoWeb's endpoints and the cache. Ends with 1 where something is wrong, else with 0."""
    # What the settings log is among the findings: no need to say it twice.
    logging.getLogger("fotoweb_middleware").addHandler(logging.NullHandler())
    found: list[Finding] = []
    for finding in check_everything():
        found.append(finding)
        write(str(finding), style=_STYLES[finding.level])
    write(summary(found))
    if any(finding.level is Level.BAD for finding in found):
        raise typer.Exit(1)


def summary(findings: Iterable[Finding]) -> str:
    """Return the last line: how many of each."""
    count = Counter(finding.level for finding in findings)
    return f"{count[Level.OK]} ok, {count[Level.WARN]} to think about, {count[Level.BAD]} wrong"
