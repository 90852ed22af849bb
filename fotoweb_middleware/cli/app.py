"""The commands. They write plain lines that read the same without colour, never wrapped or cut when piped."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Iterator
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from fotoweb_middleware.cli.checks import check_everything
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.settings.describe import describe

KEY_BYTES = 32
WIDEST_VALUE_COLUMN = 44
STYLES = {"ok": "green", "warn": "yellow", "bad": "bold red"}
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
    with failures_told("demo", host, port):
        from fotoweb_middleware.demo import serve  # noqa: PLC0415 (its extra may not be installed)

        serve(host=host, port=port, wsgi=wsgi)


@app.command()
def simulator(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 9000,
) -> None:
    """Run a simulator of FotoWeb alone, and print the four variables that let your app sign in there."""
    with failures_told("simulator", host, port):
        from fotoweb_middleware.demo.simulator import serve_simulator  # noqa: PLC0415 (as above)

        serve_simulator(host=host, port=port, write=typer.echo)


@app.command()
def check() -> None:
    """Check the settings, FotoWeb and the session store. Run it as the user that runs the app.

    Ends with 1 where something is wrong, else with 0.
    """
    # What the settings log is among the findings: no need to say it twice.
    logging.getLogger("fotoweb_middleware").addHandler(logging.NullHandler())
    levels: list[str] = []
    for finding in check_everything():
        levels.append(finding.level)
        write(str(finding), style=STYLES[finding.level])
    write(f"{levels.count('ok')} ok, {levels.count('warn')} to think about, {levels.count('bad')} wrong")
    if "bad" in levels:
        raise typer.Exit(1)


@app.command()
def config() -> None:
    """Show every setting, its value with secrets masked, and where it came from."""
    try:
        settings = Settings()
    except SettingsError as error:
        give_up(str(error))
    described = describe(settings)
    variables = max(len(variable) for variable, *_ in described)
    values = max(len(value) for _, value, _ in described if len(value) <= WIDEST_VALUE_COLUMN)
    for variable, value, origin in described:
        write(f"{variable:<{variables}}  {value:<{values}}  {origin}", style="dim" if origin == "default" else "")


@app.command()
def secret() -> None:
    """Print a new key for FOTOWEB_SECRET_KEY, and nothing else."""
    typer.echo(secrets.token_urlsafe(KEY_BYTES))


@contextlib.contextmanager
def failures_told(what: str, host: str, port: int) -> Iterator[None]:
    """Tell in a line why a server can't be started."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in DEMO_EXTRA:
            raise
        give_up(f"The {what} needs: pip install 'fotoweb-middleware[demo]'")
    except SettingsError as error:
        give_up(str(error))
    except OSError as error:
        give_up(f"The {what} can't listen on {host}, port {port}: {error.strerror or type(error).__name__}.")


def write(text: str, *, style: str = "", to_errors: bool = False) -> None:
    """Write ``text`` and a line break, in colour where the terminal has it. Square brackets have no meaning."""
    Console(stderr=to_errors, highlight=False).print(Text(text, style=style), soft_wrap=True)


def give_up(problem: str) -> NoReturn:
    """Write what is wrong, and end with 1."""
    write(problem, style="red", to_errors=True)
    raise typer.Exit(1)
