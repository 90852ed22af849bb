"""What ``make stress`` stands on: the fixtures of ``tests/attacks``, for what is tried there at length here."""

from __future__ import annotations

from tests.attacks.conftest import browser, case, fotoweb, member, portal, pytest_runtest_makereport, serve
from tests.servers.conftest import visitor

__all__ = ["browser", "case", "fotoweb", "member", "portal", "pytest_runtest_makereport", "serve", "visitor"]
