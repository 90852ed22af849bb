"""``fotoweb-middleware config``: what is set, and from where."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from fotoweb_middleware.cli.output import write
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.settings.describe import Described, describe

__all__ = ["config", "rows"]

_WIDEST_VALUE_COLUMN = 44


def config() -> None:
    """Show every setting, its value with secrets masked, and where it came from."""
    try:
        settings = Settings()
    except SettingsError as error:
        write(str(error), style="red", to_errors=True)
        raise typer.Exit(1) from None
    for row, is_default in rows(describe(settings)):
        write(row, style="dim" if is_default else "")


def rows(described: Sequence[Described]) -> list[tuple[str, bool]]:
    """Return a line for each setting, in columns, and whether it has its default."""
    variables = max(len(one.variable) for one in described)
    values = max(len(one.value) for one in described if len(one.value) <= _WIDEST_VALUE_COLUMN)
    return [
        (f"{one.variable:<{variables}}  {one.value:<{values}}  {one.origin}", one.origin.kind == "default")
        for one in described
    ]
