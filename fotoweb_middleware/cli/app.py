"""Puts the commands together."""

from __future__ import annotations

import typer

from fotoweb_middleware.cli.check import check
from fotoweb_middleware.cli.config import config
from fotoweb_middleware.cli.demo import demo
from fotoweb_middleware.cli.secret import secret

__all__ = ["app"]

# Typer's own pretty tracebacks can show local variables, and those hold secrets.
app = typer.Typer(
    name="fotoweb-middleware",
    help="A FotoWeb login in front of any ASGI or WSGI app. Settings are read from FOTOWEB_* variables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(check)
app.command()(config)
app.command()(secret)
