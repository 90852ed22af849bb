"""The four commands. They write plain lines that read the same without colour, never wrapped or cut when piped."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from fotoweb_middleware.cli.checks import Finding, Level, check_everything
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.settings.describe import Described, describe

__all__ = ["app", "rows", "summary"]

KEY_BYTES = 32
WIDEST_VALUE_COLUMN = 44
STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.BAD: "bold red"}
DEMO_EXTRA = {"jinja2", "markupsafe", "starlette", "uvicorn"}

# Typer's own pretty tracebacks can show local variables, and those hold secrets.
app = typer.Typer(
    name="fotoweb-middleware",
    help="A FotoWeb login in front of any ASGI or WSGI app. Settings are read from FOTOWEB_* variables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def demo(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    wsgi: Annotated[bool, typer.Option("--wsgi", help="Wrap the app as WSGI instead of ASGI.")] = False,  # noqa: FBT002
) -> None:
    """Show the middleware at work: simulator and gallery, or your own FotoWeb where FOTOWEB_URL is set."""
    try:
        from fotoweb_middleware.demo import serve  # noqa: PLC0415 (its extra may not be installed)

        serve(host=host, port=port, wsgi=wsgi)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in DEMO_EXTRA:
            raise
        give_up("The demo needs: pip install 'fotoweb-middleware[demo]'")
    except SettingsError as error:
        give_up(str(error))
    except OSError as error:
        give_up(f"The demo can't listen on {host}, port {port}: {error.strerror or type(error).__name__}.")


@app.command()
def check() -> None:
    """Check the settings, FotoWeb and the session store. Ends with 1 where something is wrong, else with 0."""
    # What the settings log is among the findings: no need to say it twice.
    logging.getLogger("fotoweb_middleware").addHandler(logging.NullHandler())
    found: list[Finding] = []
    for finding in check_everything():
        found.append(finding)
        write(str(finding), style=STYLES[finding.level])
    write(summary(found))
    if any(finding.level is Level.BAD for finding in found):
        raise typer.Exit(1)


@app.command()
def config() -> None:
    """Show every setting, its value with secrets masked, and where it came from."""
    try:
        settings = Settings()
    except SettingsError as error:
        give_up(str(error))
    for row, is_default in rows(describe(settings)):
        write(row, style="dim" if is_default else "")


@app.command()
def secret() -> None:
    """Print a new key for FOTOWEB_SECRET_KEY, and nothing else."""
    typer.echo(secrets.token_urlsafe(KEY_BYTES))


def summary(findings: Iterable[Finding]) -> str:
    """Return the last line of ``check``: how many of each."""
    count = Counter(finding.level for finding in findings)
    return f"{count[Level.OK]} ok, {count[Level.WARN]} to think about, {count[Level.BAD]} wrong"


def rows(described: Sequence[Described]) -> list[tuple[str, bool]]:
    """Return a line for each setting, in columns, and whether it has its default."""
    variables = max(len(one.variable) for one in described)
    values = max(len(one.value) for one in described if len(one.value) <= WIDEST_VALUE_COLUMN)
    return [
        (f"{one.variable:<{variables}}  {one.value:<{values}}  {one.origin}", one.origin.kind == "default")
        for one in described
    ]


def write(text: str, *, style: str = "", to_errors: bool = False) -> None:
    """Write ``text`` and a line break, in colour where the terminal has it.

    Args:
        text: Taken as it is: square brackets have no meaning.
        style: One of rich's styles.
        to_errors: True for standard error.
    """
    Console(stderr=to_errors, highlight=False).print(Text(text, style=style), soft_wrap=True)


def give_up(problem: str) -> NoReturn:
    """Write what is wrong, and end with 1."""
    write(problem, style="red", to_errors=True)
    raise typer.Exit(1)
