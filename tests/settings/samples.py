"""Sample settings: the four that are required, and the message that wrong ones end in."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings import Settings

KEY = "kJ8s-2mQzX0pLr7VtY5wBn3cHd6fGg9aEeRiUoTqWxM"
OLDER_KEY = "Wn4tZ_yq8uPb1LhVd7sKcJ0mRx5eTgA2fQi9oYw3EzN"
CLIENT_SECRET = "pZ3xLwC9vB-planted-0nT7mQe1rUy6"

REQUIRED: dict[str, Any] = {
    "url": "https://tenant.example",
    "client_id": "3b0c2f0e-6a51-4c0e-9a0e-0d0f7c9b1a11",
    "client_secret": CLIENT_SECRET,
    "secret_key": KEY,
}
ENVIRONMENT = {f"FOTOWEB_{name.upper()}": value for name, value in REQUIRED.items()}


def settings(**changes: Any) -> Settings:
    """Return settings given as arguments, the required ones included."""
    return Settings(**{**REQUIRED, **changes})


def refusal(**changes: Any) -> str:
    """Return the message that these arguments end in."""
    with pytest.raises(SettingsError) as caught:
        settings(**changes)
    return str(caught.value)


def environment_refusal() -> str:
    """Return the message that the environment ends in."""
    with pytest.raises(SettingsError) as caught:
        Settings()
    return str(caught.value)
