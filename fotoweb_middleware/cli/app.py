"""The commands, and what reads the command line."""

from __future__ import annotations

import argparse
import json
import logging
import secrets
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import NoReturn

from fotoweb_middleware.cli.checks import check_everything
from fotoweb_middleware.cli.output import failed, write
from fotoweb_middleware.cli.sessions import add_options, run_action
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.settings.describe import describe

KEY_BYTES = 32
WIDEST_VALUE_COLUMN = 44
STYLES = {"ok": "green", "warn": "yellow", "bad": "bold red"}
DEMO_EXTRA = {"jinja2", "markupsafe", "rich", "starlette", "uvicorn"}

Command = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """A parser whose usage errors end with 1: argparse's own 2 means "something to think about" in ``check``."""

    def error(self, message: str) -> NoReturn:
        """Write what is wrong and how the command is used, and end with 1."""
        self.print_usage(sys.stderr)
        self.exit(1, f"{self.prog}: error: {message}\n")


def run(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name, and return the exit code."""
    parsed = make_parser().parse_args(arguments)
    command: Command = parsed.command
    return command(parsed)


def make_parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    parser = Parser(
        prog="fotoweb-middleware",
        description="A FotoWeb login in front of any ASGI or WSGI app. Settings are read from FOTOWEB_* variables.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('fotoweb-middleware')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, command: Command) -> argparse.ArgumentParser:
        words = command.__doc__ or ""
        added = commands.add_parser(name, help=words.partition("\n")[0], description=words, allow_abbrev=False)
        added.set_defaults(command=command)
        return added

    demo_parser = add("demo", demo)
    add_address(demo_parser, default_port=8000)
    demo_parser.add_argument("--wsgi", action="store_true", help="wrap the app as WSGI instead of ASGI")
    simulator_parser = add("simulator", simulator)
    add_address(simulator_parser, default_port=9000)
    simulator_parser.add_argument(
        "--token-seconds", type=float, default=28_800, help="how long an access token works (default: %(default)s)"
    )
    check_parser = add("check", check)
    check_parser.add_argument("--json", action="store_true", help="write one JSON document instead of lines")
    check_parser.add_argument(
        "--app", metavar="MODULE:NAME", help="where your code keeps its Settings, or a function that returns them"
    )
    check_parser.add_argument("--url", metavar="URL", help="also ask the deployed app, such as https://app.example/")
    add_options(add("sessions", run_action))
    add("config", config)
    add("secret", secret)
    return parser


def add_address(parser: argparse.ArgumentParser, *, default_port: int) -> None:
    """Add the options that say where a server listens."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=port_number, default=default_port, help="port (default: %(default)s)")


def port_number(text: str) -> int:
    """Read a port from 1 to 65535.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65_535):
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def demo(arguments: argparse.Namespace) -> int:
    """Show the middleware at work: a gallery with a simulator, or with your own FotoWeb if FOTOWEB_URL is set."""

    def start() -> None:
        from fotoweb_middleware.demo import serve  # noqa: PLC0415 (its extra may not be installed)

        serve(host=arguments.host, port=arguments.port, wsgi=arguments.wsgi)

    return started("demo", arguments, start)


def simulator(arguments: argparse.Namespace) -> int:
    """Run only the simulator of FotoWeb, and print the four variables that let your app sign in there."""

    def start() -> None:
        from fotoweb_middleware.demo.simulator import serve_simulator  # noqa: PLC0415 (as above)

        serve_simulator(arguments.host, arguments.port, token_seconds=arguments.token_seconds, write=write)

    return started("simulator", arguments, start)


def started(what: str, arguments: argparse.Namespace, start: Callable[[], None]) -> int:
    """Run a server, and tell in a line why it can't be started."""
    try:
        start()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in DEMO_EXTRA:
            raise
        return failed(f"The {what} needs: pip install 'fotoweb-middleware[demo]'")
    except SettingsError as error:
        return failed(str(error))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return failed(f"The {what} can't listen on {arguments.host}, port {arguments.port}: {reason}.")
    return 0


def check(arguments: argparse.Namespace) -> int:
    """Check the settings, FotoWeb and the session store, and say what is wrong and how to fix it.

    Run it where the app runs, as the user that runs it. The worst problem comes first. Exits with 0 if all is well, 1
    if no login can work, 2 if there is something to think about.
    """
    # What the settings log is among the findings: no need to say it twice.
    logging.getLogger("fotoweb_middleware").addHandler(logging.NullHandler())
    findings = check_everything(app=arguments.app, url=arguments.url)
    levels = [finding.level for finding in findings]
    exit_code = 1 if "bad" in levels else 2 if "warn" in levels else 0
    if arguments.json:
        listed = [{"level": finding.level, "what": finding.what, "to_do": finding.hint} for finding in findings]
        sys.stdout.write(json.dumps({"exit_code": exit_code, "findings": listed}, indent=2) + "\n")
        return exit_code
    for finding in findings:
        write(str(finding), style=STYLES[finding.level])
    write(f"{levels.count('ok')} ok, {levels.count('warn')} to think about, {levels.count('bad')} wrong")
    return exit_code


def config(_: argparse.Namespace) -> int:
    """Show every setting, its value with secrets masked, and where it came from."""
    try:
        settings = Settings()
    except SettingsError as error:
        return failed(str(error))
    described = describe(settings)
    variables = max(len(variable) for variable, *_ in described)
    values = max(len(value) for _, value, _ in described if len(value) <= WIDEST_VALUE_COLUMN)
    for variable, value, origin in described:
        write(f"{variable:<{variables}}  {value:<{values}}  {origin}", style="dim" if origin == "default" else "")
    return 0


def secret(_: argparse.Namespace) -> int:
    """Print a new key for FOTOWEB_SECRET_KEY, and nothing else."""
    sys.stdout.write(f"{secrets.token_urlsafe(KEY_BYTES)}\n")
    return 0
