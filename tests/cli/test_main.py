"""The entry point, with and without the extras."""

from __future__ import annotations

import io
import subprocess
import sys
from importlib.metadata import version

import pytest

from fotoweb_middleware import cli
from tests.cli.samples import run

WITHOUT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
from fotoweb_middleware.cli import main
sys.argv = ["fotoweb-middleware", *{arguments!r}]
main()
"""
EXTRAS = ("markdown_it", "pygments", "pytest", "redis", "rich", "starlette", "typer", "uvicorn")


def _without(missing: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    code = WITHOUT.format(missing=missing, arguments=arguments)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_secret_without_extras() -> None:
    """In a plain installation `secret` prints a key."""
    done = _without(EXTRAS, "secret")

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.strip()) >= 43


def test_check_without_extras() -> None:
    """In a plain installation `check` says what is wrong, in the same words as with rich."""
    plain, rich = _without(EXTRAS, "check"), _without((), "check")

    assert (plain.returncode, plain.stderr) == (1, "")
    assert plain.stdout.startswith("bad   FOTOWEB_URL is not set")
    assert plain.stdout == rich.stdout


def test_config_without_extras() -> None:
    """In a plain installation `config` tells on standard error what is wrong."""
    done = _without(EXTRAS, "config")

    assert (done.returncode, done.stdout) == (1, "")
    assert "FOTOWEB_URL is not set" in done.stderr


@pytest.mark.parametrize("command", ["demo", "simulator"])
def test_demo_without_extras(command: str) -> None:
    """In a plain installation `demo` and `simulator` name their extra in one line."""
    done = _without(EXTRAS, command)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"The {command} needs: pip install 'fotoweb-middleware[demo]'\n"


def test_other_missing_modules_are_not_blamed_on_the_extra() -> None:
    """A module that is missing for another reason is a fault of its own."""
    done = _without(("httpx",), "secret")

    assert done.returncode == 1
    assert "pip install" not in done.stderr


@pytest.mark.parametrize("arguments", [(), ("chekc",), ("check", "--jsno"), ("check", "--app")])
def test_usage_errors_end_with_1(arguments: tuple[str, ...]) -> None:
    """A misspelt command or option ends with 1, since 2 says that logins work."""
    done = run(*arguments)

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("usage: ")


def test_help_lists_every_command() -> None:
    """The help names all commands."""
    text = run("--help").output

    assert [
        name for name in ("demo", "simulator", "check", "sessions", "config", "secret") if f"\n    {name}" in text
    ] == [
        "demo",
        "simulator",
        "check",
        "sessions",
        "config",
        "secret",
    ]


def test_version_is_the_installed_one() -> None:
    """`--version` prints the version that pip installed."""
    done = run("--version")

    assert (done.exit_code, done.output) == (0, f"fotoweb-middleware {version('fotoweb-middleware')}\n")


def test_help_of_check_tells_the_exit_codes() -> None:
    """What the exit codes of `check` mean is in its help."""
    words = " ".join(run("check", "--help").output.split())

    assert "0 if all is well, 1 if no login can work, 2 if there is something to think about" in words


def test_letters_that_the_terminal_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are written as escapes: a name of somebody must not end a command half way."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1"))
    monkeypatch.setattr(cli, "run", lambda _arguments: sys.stdout.write("\u0141ukasz"))
    with pytest.raises(SystemExit):
        cli.main()
    sys.stdout.flush()

    assert written.getvalue() == b"\\u0141ukasz"
