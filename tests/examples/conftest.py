"""A simulated FotoWeb on a port, and the examples as their users start them: with FOTOWEB_* variables and nothing else.

Each example is imported once in a process (Django can be configured only once), so the simulator lives as long.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from fotoweb_middleware.testing import FakeFotoWeb

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

LoadExample = Callable[[str], ModuleType]


@pytest.fixture(scope="session")
def fotoweb() -> FakeFotoWeb:
    """Return the simulator; its one application is registered with http://localhost:8000/oauth2/callback."""
    return FakeFotoWeb()


@pytest.fixture(scope="session")
def variables(fotoweb: FakeFotoWeb) -> Iterator[dict[str, str]]:
    """Serve the simulator, and return the four variables that an example needs."""
    with fotoweb.serve() as url:
        yield {
            "FOTOWEB_URL": url,
            "FOTOWEB_CLIENT_ID": fotoweb.client.client_id,
            "FOTOWEB_CLIENT_SECRET": fotoweb.client.client_secret,
            "FOTOWEB_SECRET_KEY": "kQ3vX9rT6bL1mZ8cW4nP7sD2fH5jY0gA",
        }


@pytest.fixture(scope="session")
def load_example(variables: dict[str, str]) -> LoadExample:
    """Return a function that imports an example with the variables set."""

    def load(name: str) -> ModuleType:
        if name in sys.modules:
            return sys.modules[name]
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)  # Django imports its URLs by this name.
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in variables.items():
                patch.setenv(variable, value)
            spec.loader.exec_module(module)
        return module

    return load
