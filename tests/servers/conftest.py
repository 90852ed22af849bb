"""What tests with real app servers stand on."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.servers.serving import RUNNING
from tests.servers.visitor import Visitor


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test what the app servers printed that still run."""
    report = yield
    if report.failed:
        report.sections += [(f"output of {server.kind}", server.output[-6000:]) for server in RUNNING]
    return report


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    """Return a browser without cookies."""
    with Visitor() as opened:
        yield opened
