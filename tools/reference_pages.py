"""Writes the parts of docs/reference/ that are made from the code.

    .venv/bin/python -m tools.reference_pages

The text of a page down to the line ``MARKER`` is written by hand, what follows it by this. A test says when it is due.
The Python API has no part here: mkdocstrings makes it from the docstrings while the site is built (api.md).
"""

from __future__ import annotations

import argparse
import ast
import inspect
import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import fotoweb_middleware
from fotoweb_middleware import errors
from fotoweb_middleware.cli.app import make_parser
from fotoweb_middleware.events import FIELDS, KINDS
from fotoweb_middleware.pages import Pages, page
from fotoweb_middleware.settings import DECLARED, Settings
from fotoweb_middleware.settings.describe import shown
from fotoweb_middleware.settings.reading import variable_of

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
MARKER = "<!-- What follows is written by: python -m tools.reference_pages -->\n"

PROBLEMS: dict[str, dict[str, Any]] = {
    "not_signed_in": {"login_url": "/oauth2/login"},
    "not_allowed": {
        "full_name": "Alice Berg",
        "user_name": "alice",
        "email_domain": "example.com",
        "cause": "FOTOWEB_ALLOWED_USERS",
        "login_url": "/oauth2/login",
        "fotoweb_url": "https://tenant.example",
    },
    "cross_origin_refused": {"app_url": "/"},
    "fotoweb_unavailable": {"retry_after_seconds": 1, "retry_url": None},
    "store_unavailable": {"retry_after_seconds": 5, "retry_url": None},
    "fotoweb_error": {"step": "refresh", "error": "", "retry_url": "/"},
    "bad_request_target": {},
    "method_not_allowed": {"allowed": ("GET",), "app_url": "/"},
    "no_such_page": {"app_url": "/"},
    "wrapped_twice": {},
}
"""The pages that programs get as problem documents (``views/refusals.py``), and what each of them needs."""


def main() -> None:
    """Write all pages."""
    for name, generated in PAGES.items():
        path = FOLDER / name
        path.write_text(with_generated(path.read_text(encoding="utf-8"), generated()), encoding="utf-8")


def with_generated(text: str, generated: str) -> str:
    """Return a page with the part below its marker made new."""
    by_hand, marker, _ = text.partition(MARKER)
    return f"{by_hand}{marker}\n{generated}"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = (head, ("---",) * len(head), *rows)
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def settings() -> str:
    """Return the table of all settings."""
    texts = meanings()
    rows = []
    for name, declared in DECLARED.items():
        variable = f"`{variable_of(name)}`" + (" or `_FILE`" if declared.has_file else "")
        default = shown(name, declared.default)
        default = default.strip("()") if default.startswith("(") else f"`{default}`"
        rows.append((variable, "required" if declared.required else default, declared.expects, texts[name]))
    return table(("variable", "default", "takes", "what it does"), rows)


def meanings() -> dict[str, str]:
    """Return what each setting does: the text below its field in ``Settings``, where editors look for it too.

    Python keeps no such text, so the source is read.
    """
    (cls,) = ast.parse(inspect.getsource(Settings)).body
    found = {}
    for declaration, below in itertools.pairwise(ast.iter_child_nodes(cls)):
        match declaration, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found


def events() -> str:
    """Return the tables of all events and of their fields."""
    rows = [
        (f"`{name}`", logging.getLevelName(kind.level), ", ".join(f"`{each}`" for each in kind.fields), kind.words)
        for name, kind in KINDS.items()
    ]
    fields = [(f"`{name}`", meaning) for name, meaning in FIELDS.items()]
    return "\n".join(
        [
            "## Every event\n",
            table(("name", "level", "fields", "its line in the log begins"), rows),
            "## Every field\n",
            table(("field", "what it holds"), fields),
        ]
    )


def exceptions() -> str:
    """Return the table of all exceptions, each below what it is a kind of."""
    public = set(fotoweb_middleware.__all__)
    rows = [
        (
            f"`{cls.__name__}`",
            f"`{cls.code}`",
            f"`{cls.__base__.__name__}`" if cls.__base__ else "",
            "`fotoweb_middleware`" if cls.__name__ in public else "`fotoweb_middleware.errors`",
            paragraphs(cls)[0],
        )
        for cls in subclasses(errors.FotoWebMiddlewareError)
    ]
    return table(("exception", "`code`", "is a", "import it from", "when"), rows)


def subclasses(cls: type[errors.FotoWebMiddlewareError]) -> Iterator[type[errors.FotoWebMiddlewareError]]:
    """Yield an exception and all kinds of it."""
    yield cls
    for each in cls.__subclasses__():
        yield from subclasses(each)


def problems() -> str:
    """Return the table of all problem documents."""
    rows = []
    for code, context in PROBLEMS.items():
        made = page(code, **context)
        rows.append((f"`{made.code.replace('_', '-')}`", str(made.status), *Pages().words(made, "en")))
    return table(("type, after `urn:fotoweb-middleware:`", "status", "`title`", "`detail`"), rows)


def commands() -> str:
    """Return what each command does, and its arguments."""
    return "\n".join(command_sections(make_parser()))


def command_sections(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the section of each command of a parser, or of its one command."""
    actions = [action for action in parser._actions if action.dest != "help"]  # noqa: SLF001 (there is no other way)
    for action in actions:
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for each in action.choices.values():
                yield from command_sections(each)
            return
    words = "\n\n".join(" ".join(part.split()) for part in (parser.description or "").split("\n\n"))
    rows = [(f"`{spelling(action)}`", (action.help or "") % vars(action)) for action in actions]
    yield f"## `{parser.prog}`\n\n{words}\n"
    if rows:
        yield table(("argument", "meaning"), rows)


def spelling(action: argparse.Action) -> str:
    """Return how an argument is written: ``--port PORT``."""
    name = "/".join(action.option_strings) or str(action.metavar or action.dest)
    takes_value = action.option_strings and action.nargs != 0
    return f"{name} {action.metavar or action.dest.upper()}" if takes_value else name


def paragraphs(documented: object) -> list[str]:
    """Return the paragraphs of a docstring, each on one line."""
    return [" ".join(part.split()) for part in (inspect.getdoc(documented) or "").split("\n\n")]


PAGES: dict[str, Callable[[], str]] = {
    "command-line.md": commands,
    "endpoints.md": problems,
    "errors.md": exceptions,
    "events.md": events,
    "settings.md": settings,
}

if __name__ == "__main__":
    main()
