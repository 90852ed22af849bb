"""What ``fotoweb_middleware.testing`` offers: the suite for stores too, imported when it is first asked for."""

from __future__ import annotations

import ast
import inspect

import pytest

from fotoweb_middleware import testing
from fotoweb_middleware.testing import store_contract
from tests.providers.uncovered import run_uncovered

TRIAL_SECONDS = 50


@pytest.mark.parametrize("name", testing.CONTRACT)
def test_each_name_is_the_suites(name: str) -> None:
    """A name of the suite is the very object that the suite holds, whether it is asked for the first time or again."""
    for _ in range(2):
        assert getattr(testing, name) is getattr(store_contract, name)


def test_all_of_the_suite_is_there() -> None:
    """The suite's public names, those imported for type checkers and those of the table are the same."""
    imports = [node for node in ast.walk(ast.parse(inspect.getsource(testing))) if isinstance(node, ast.ImportFrom)]
    for_checkers = {alias.name for node in imports if node.module == store_contract.__name__ for alias in node.names}

    assert for_checkers == {*testing.CONTRACT} == {*store_contract.__all__}
    assert {*testing.CONTRACT} <= {*testing.__all__}


def test_every_listed_name_is_there() -> None:
    """``__all__`` and ``dir()`` list no name that can't be had."""
    assert {name for name in testing.__all__ if not hasattr(testing, name)} == set()
    assert {*testing.__all__} <= {*dir(testing)}


def test_the_import_needs_neither_pytest_nor_the_suite() -> None:
    """All names are listed before the suite is imported, and where there is no pytest."""
    code = (
        "import sys; sys.modules['pytest'] = None; from fotoweb_middleware import testing;"
        " print(set(testing.__all__) <= set(dir(testing)), [name for name in sys.modules if 'store_contract' in name])"
    )

    assert run_uncovered("-c", code, timeout_seconds=TRIAL_SECONDS) == "True []\n"


def test_unknown_name() -> None:
    """A name that does not exist is told as Python tells it."""
    with pytest.raises(AttributeError, match=r"^module 'fotoweb_middleware.testing' has no attribute 'nothing'$"):
        getattr(testing, "nothing")  # noqa: B009 (type checkers know that it does not exist)
