"""Each broken set-up is made for real, and ``check`` names its cause in the first line, and the fix below."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from fotoweb_middleware.testing import FakeFotoWeb
from tests.cli.bench import Bench
from tests.cli.broken_setups import SETUPS, BrokenSetup, with_table

PAGE = Path(__file__).parents[2] / "docs/reference/troubleshooting.md"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Return a set-up that works."""
    logger = logging.getLogger("fotoweb_middleware")
    before = list(logger.handlers)
    with contextlib.ExitStack() as stack:
        yield Bench(FakeFotoWeb(), tmp_path, stack, monkeypatch)
    logger.handlers[:] = before


def test_nothing_is_broken(bench: Bench) -> None:
    """The set-up that the others start from works."""
    done = bench.run()

    assert (done.exit_code, done.stdout.splitlines()[0][:5]) == (0, "ok   ")


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_cause_is_named_first(setup: BrokenSetup, bench: Bench, request: pytest.FixtureRequest) -> None:
    """The first line names the cause, its finding tells a fix, and nothing that follows from it is told as well."""
    if setup.needs_redis:
        bench.redis = request.getfixturevalue("redis_server")
    setup.prepare(bench)

    done = bench.run()

    lines = done.stdout.splitlines()
    assert lines[0] == setup.says.format(**bench.shown)
    assert done.exit_code == setup.exit_code
    findings = [line for line in lines[:-1] if not line.startswith(" ")]
    own = lines[1 : lines.index(findings[1])] if len(findings) > 1 else lines[1:]
    assert any(line.startswith("      To do: ") for line in own)
    assert sum(line.startswith("bad ") for line in findings) == (setup.exit_code == 1)
    assert "planted" not in done.output


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_log_and_page_name_the_cause(setup: BrokenSetup, bench: Bench, request: pytest.FixtureRequest) -> None:
    """With somebody who signs in, the log's first line begins as the page shows, and they see what stands there."""
    if setup.needs_redis:
        bench.redis = request.getfixturevalue("redis_server")
    setup.prepare(bench)

    seen = bench.visit()

    assert seen.log[: len(setup.logs.format(**bench.shown))] == setup.logs.format(**bench.shown)
    assert seen.page == setup.sees
    assert "planted" not in seen.log


def test_page_is_current() -> None:
    """The table in the reference is that of the set-ups tested here."""
    page = PAGE.read_text(encoding="utf-8")

    assert page == with_table(page), "run: python -m tests.cli.broken_setups docs/reference/troubleshooting.md"
