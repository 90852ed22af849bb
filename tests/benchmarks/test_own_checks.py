"""The measuring measures what it says: without any server, in a moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks.quiet import in_quiet_moments, quiet
from tests.benchmarks.report import Goal, Report, Table, write_into
from tests.benchmarks.requests import asgi_app, environ_of, scope_of, wsgi_app
from tests.benchmarks.rounds import Candidate, fastest_seconds
from tests.benchmarks.run import PAGE, PARTS
from tests.benchmarks.sessions import Wrapped, make_record

PAGE_TEXT = "before\n<!-- make bench: some --><!-- end of some -->\nafter\n"


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Return this thread's event loop, closed afterwards."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    loop.close()
    asyncio.set_event_loop(None)


def test_what_was_found_stands_between_the_comments(tmp_path: Path) -> None:
    """It replaces what stood there before, and nothing else."""
    page = tmp_path / "page.md"
    page.write_text(PAGE_TEXT, encoding="utf-8")

    for text in ("old \\1", "new \\2"):
        write_into(page, "some", text)

    assert page.read_text(encoding="utf-8") == (
        "before\n<!-- make bench: some -->\n\nnew \\2\n\n<!-- end of some -->\nafter\n"
    )


def test_a_page_without_the_place_is_refused(tmp_path: Path) -> None:
    """Nothing is written where no place is marked."""
    page = tmp_path / "page.md"
    page.write_text("before\n", encoding="utf-8")

    with pytest.raises(ValueError, match="needs <!-- make bench: some -->"):
        write_into(page, "some", "text")


@pytest.mark.parametrize("part", PARTS)
def test_the_page_has_a_place_for_each_part(part: str) -> None:
    """``make bench`` finds where to write."""
    assert PAGE.read_text(encoding="utf-8").count(f"<!-- make bench: {part} -->") == 1


def test_a_goal_that_is_missed_is_told() -> None:
    """At most and at least are not confused, and the report keeps a line of each that was missed."""
    report = Report()

    told = [report.judge("speed", 0.5, goal) for goal in (Goal(0.4), Goal(0.4, is_floor=True), None)]

    assert told == ["at most 0.40: **not met**", "at least 0.40: met", ""]
    assert report.missed == ["speed: 0.5, at most 0.40"]


def test_a_table_is_markdown() -> None:
    """Heads, a rule, and the rows."""
    assert str(Table("Of things.", ("a", "b"), [("1", "2")])) == "Of things.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_a_table_may_be_explained() -> None:
    """What is to be known of a table stands below it, in a paragraph of its own."""
    assert str(Table("Of things.", ("a",), [("1",)], below="Read it so.")).endswith("| 1 |\n\nRead it so.")


def test_the_fastest_turn_counts(loop: asyncio.AbstractEventLoop) -> None:
    """Each candidate has all its turns, of which the fastest is kept, per request."""
    pauses = iter([0.0, 0.5, 0.004, 0.6])  # Far apart: a busy machine is late by some hundredths of a second.

    def app(environ: object, start_response: object) -> list[bytes]:
        time.sleep(next(pauses))
        return []

    fastest = fastest_seconds({"it": Candidate(app, is_asgi=False, make=lambda: [environ_of(None)])}, rounds=3)

    assert 0.004 <= fastest["it"] < 0.5


@dataclass
class Run:
    """A run that computed as long as the test says."""

    computing_seconds: float


@pytest.mark.parametrize(
    ("costs", "tries", "counted", "tried"),
    [
        ([1.0, 1.05, 1.1, 9.0], (1, 9), [1.0, 1.05], 2),
        ([1.1, 1.05, 1.0, 9.0], (3, 9), [1.1, 1.05, 1.0], 3),
        ([1.5, 1.0, 1.4, 1.1, 9.0], (1, 9), [1.0, 1.1], 4),
        ([1.5, 1.2, 1.0, 1.5, 1.6, 9.0], (1, 5), [1.0], 5),
    ],
)
def test_runs_in_quiet_moments_count(
    costs: list[float], tries: tuple[int, int], counted: list[float], tried: int
) -> None:
    """Runs go on until enough were hardly dearer than the cheapest, or there were too many."""
    left = iter(costs)
    runs = in_quiet_moments(lambda: Run(next(left)), 2, tries)

    assert ([run.computing_seconds for run in quiet(runs)], len(runs)) == (counted, tried)


def test_each_request_has_a_cookie_of_its_own() -> None:
    """No hash that an earlier request computed helps a later one."""
    cookie = "a=" + "b" * 50
    texts = [environ_of(cookie)["HTTP_COOKIE"] for _ in range(2)]
    pairs = [scope_of(cookie)["headers"][-1] for _ in range(2)]

    assert texts == [cookie, cookie]
    assert texts[0] is not texts[1]
    assert pairs == [(b"cookie", cookie.encode())] * 2
    assert pairs[0][1] is not pairs[1][1]


@pytest.mark.parametrize("mode", ["sealed", "reference"])
@pytest.mark.parametrize("is_asgi", [True, False])
def test_the_sessions_are_real(loop: asyncio.AbstractEventLoop, *, is_asgi: bool, mode: str) -> None:
    """A cookie made for a measurement is one that the middleware admits, also after it has forgotten everything."""
    wrapped = Wrapped(asgi_app if is_asgi else wsgi_app, is_asgi, {"cache": "memory://", "cookie_mode": mode})
    record = make_record(1)
    wrapped.store([record])
    cookie = wrapped.cookie(record)
    inner: list[object] = []
    wrapped.middleware._app = note_asgi(inner) if is_asgi else note_wsgi(inner)
    make = scope_of if is_asgi else environ_of
    candidate = Candidate(wrapped.middleware, is_asgi, lambda: [make(cookie)], wrapped.forget)

    candidate.turn()
    candidate.turn()

    assert inner == [record.tokens.access_token] * 2
    assert 1600 < len(cookie) < 1900 or mode == "reference"
    wrapped.close()


def note_asgi(inner: list[object]) -> object:
    """Return an ASGI app that notes whose token it gets."""

    async def app(scope: dict[str, object], receive: object, send: object) -> None:
        inner.append(getattr(scope["fotoweb.session"], "access_token", None))

    return app


def note_wsgi(inner: list[object]) -> object:
    """Return a WSGI app that notes whose token it gets."""

    def app(environ: dict[str, object], start_response: object) -> list[bytes]:
        inner.append(getattr(environ["fotoweb.session"], "access_token", None))
        return []

    return app
