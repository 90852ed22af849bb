"""The package's public names: ``__all__`` holds them, each is there, and none changes unseen.

A change of the public interface that is meant: ``.venv/bin/python -m tools.public_api`` writes tests/public_api.txt.
"""

from __future__ import annotations

import ast
import difflib

import fotoweb_middleware
from tools import public_api


def test_each_name_is_there() -> None:
    """What ``__all__`` names can be imported."""
    assert [name for name in fotoweb_middleware.__all__ if not hasattr(fotoweb_middleware, name)] == []


def test_the_names_of_the_contract() -> None:
    """What users' code imports is public."""
    names = {
        "FotoWebASGIMiddleware",
        "FotoWebWSGIMiddleware",
        "Session",
        "Settings",
        "SettingsError",
        "User",
        "get_session",
    }

    assert names <= set(fotoweb_middleware.__all__)


def test_no_public_name_changed_unseen() -> None:
    """Each public name has the signature, the type or the value that tests/public_api.txt holds."""
    held = public_api.PAGE.read_text(encoding="utf-8").splitlines()
    changes = [line for line in difflib.ndiff(held, public_api.page().splitlines()) if line[:1] in {"-", "+"}]

    assert not changes, "\n".join(
        ["The public interface changed. If that is meant: python -m tools.public_api", *changes]
    )


def test_each_overload_is_held() -> None:
    """A method with overloads has a line for each; the order of a dataclass's fields is kept."""
    page = public_api.page()

    assert page.count("fotoweb_middleware.testing.SignIn.__call__: @overload") == 2
    assert page.index("fotoweb_middleware.User.user_id: int") < page.index("fotoweb_middleware.User.email: str")


def test_only_the_default_of_a_setting_is_held() -> None:
    """The words of a setting may change, its type and default not."""
    (setting,) = ast.parse("size: int = setting(rule, default=10, expects='a number')").body

    assert public_api.after_name(setting) == ": int = 10"
