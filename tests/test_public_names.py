"""The package's public names: ``__all__`` holds them, and each is there."""

from __future__ import annotations

import fotoweb_middleware


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
