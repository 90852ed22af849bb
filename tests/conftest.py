"""What every test stands on: a clean environment, one rule about skips, and the rigs as fixtures."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from tests.providers.oidc_provider import OidcRig, RigOptions, StartRig, why_no_rig
from tests.providers.redis_server import RedisServer, find_redis_server

NOTHING_SKIPPED = "TEST_NOTHING_SKIPPED"
"""Set to 1, as CI does, it turns every skip into a failure. No FOTOWEB_ before it: Settings would warn of the name."""

# No variable of the machine that runs the tests may reach the code under test.
for _name in list(os.environ):
    if _name.startswith("FOTOWEB_") or _name.lower() in {"http_proxy", "https_proxy", "all_proxy"}:
        del os.environ[_name]

# A shared machine is slow at times: how long an example takes says nothing. The examples are the same in each run,
# so that no run is red by chance; `make fuzz` looks for new ones.
hypothesis_settings.register_profile("fotoweb", deadline=None, derandomize=True, print_blob=True)
hypothesis_settings.load_profile("fotoweb")


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    expected_to_fail = hasattr(report, "wasxfail")
    if os.environ.get(NOTHING_SKIPPED) == "1" and report.skipped and not expected_to_fail:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped, but {NOTHING_SKIPPED}=1 says that nothing may be: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one where nothing may be skipped."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same for a module that skips itself."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """Undo what an app does to the root logger: Litestar adds a handler that writes all loggers' INFO lines."""
    root = logging.getLogger()
    handlers, level = root.handlers.copy(), root.level
    yield
    root.handlers[:] = [handler for handler in root.handlers if handler in handlers]
    root.setLevel(level)


@pytest.fixture(autouse=True)
def no_timers() -> Iterator[None]:
    """Cancel what a test left for later: a store that is told of a logout seconds after writes into another's log."""
    yield
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()


@pytest.fixture
def oidc_rig() -> Iterator[StartRig]:
    """Return a function that starts an independent authorization server; all are stopped after the test."""
    reason = why_no_rig()
    if reason is not None:
        pytest.skip(reason)
    with contextlib.ExitStack() as running:

        def start(options: RigOptions | None = None) -> OidcRig:
            return running.enter_context(OidcRig(options))

        yield start


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Return a real, empty Redis (or Valkey), stopped after the test."""
    if find_redis_server() is None:
        pytest.skip("no redis-server or valkey-server here: install Debian's redis-server, or run `make redis`")
    with RedisServer(tmp_path) as running:
        yield running
