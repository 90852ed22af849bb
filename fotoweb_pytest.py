"""pytest's entry point ``fotoweb``: reads one ini line, and does nothing without it.

It is outside the package because pytest imports it in every environment that has the package, and importing any module
of the package imports all that a protected app needs, which takes more than a tenth of a second. The line turns on
``fotoweb_middleware.testing.pytest_plugin``.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

TESTING_EXTRA = {"starlette", "uvicorn"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini line."""
    parser.addini(
        "fotoweb_simulator",
        "run a simulator of FotoWeb, and let FOTOWEB_* name it (fotoweb_middleware.testing)",
        type="bool",
        default=False,
    )


# A wrapper, so that it runs before all hooks that are none: conftest.py and Django's settings may read FOTOWEB_*.
# In the older way: an environment may have the package and an old pytest.
@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Start the simulator where the line is there, before anything of the project is imported."""
    if early_config.getini("fotoweb_simulator"):
        try:
            from fotoweb_middleware.testing import pytest_plugin  # noqa: PLC0415 (not imported without the line)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in TESTING_EXTRA:
                raise
            message = "fotoweb_simulator needs: pip install 'fotoweb-middleware[testing]'"
            raise pytest.UsageError(message) from None
        pytest_plugin.start(early_config)
    yield
