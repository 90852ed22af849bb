"""The package's public names: each is imported when it is first asked for, and type checkers see all of them."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from typing import TypeGuard

import pytest

import fotoweb_middleware
from tests.providers.uncovered import run_uncovered

TRIAL_SECONDS = 50


def test_each_name_is_its_module_s() -> None:
    """A public name is the very object that its module holds, whether it is asked for the first time or again."""
    for name, home in fotoweb_middleware.HOMES.items():
        defined = getattr(import_module(f"fotoweb_middleware.{home}"), name)
        assert getattr(fotoweb_middleware, name) is defined
        assert vars(fotoweb_middleware)[name] is defined


def test_type_checkers_see_the_same_names() -> None:
    """``__all__``, the imports for type checkers and the table of homes hold the same names."""
    imports = [node for node in ast.walk(ast.parse(inspect.getsource(fotoweb_middleware))) if is_ours(node)]
    seen = {(alias.name, str(node.module).rpartition(".")[2]) for node in imports for alias in node.names}

    assert seen == set(fotoweb_middleware.HOMES.items())
    assert sorted(fotoweb_middleware.HOMES) == sorted(fotoweb_middleware.__all__)


def is_ours(node: ast.AST) -> TypeGuard[ast.ImportFrom]:
    """Return whether it imports from a module of ours."""
    return isinstance(node, ast.ImportFrom) and str(node.module).startswith("fotoweb_middleware.")


def test_names_are_listed_before_they_are_imported() -> None:
    """``dir()`` and an editor's completion show every public name at once, and that imports no door."""
    code = (
        "import sys, fotoweb_middleware as ours; print(set(ours.__all__) <= set(dir(ours)),"
        " {'fotoweb_middleware.asgi', 'fotoweb_middleware.wsgi', 'pydantic'} & set(sys.modules))"
    )

    assert run_uncovered("-c", code, timeout_seconds=TRIAL_SECONDS) == "True set()\n"


def test_unknown_name() -> None:
    """A name that does not exist is told as Python tells it."""
    with pytest.raises(AttributeError, match=r"^module 'fotoweb_middleware' has no attribute 'nothing'$"):
        getattr(fotoweb_middleware, "nothing")  # noqa: B009 (type checkers know that it does not exist)
