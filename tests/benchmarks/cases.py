"""Our own candidates: what a request may find, through either door."""

from __future__ import annotations

import dataclasses
import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from fotoweb_middleware.model import SessionRecord
from tests.benchmarks.report import Goal
from tests.benchmarks.requests import FETCH, NAVIGATION, asgi_app, environ_of, scope_of, wsgi_app
from tests.benchmarks.rounds import Candidate
from tests.benchmarks.sessions import Wrapped, make_record
from tests.providers.redis_server import RedisServer, find_redis_server

__all__ = ["BARE", "CASES", "Case", "opened"]

BARE = "the app alone"
PAGE = "/page"
HOT_TURN = 100
FIRST_TURN = 100
REMOTE_TURN = 30
"""Requests in one turn: few, so that many turns fall into a quiet moment."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        name: What the request finds.
        kind: "hot": a session that this process knows; "first": one that it sees for the first time, with an empty
            cache; "stored": the same, but the server cache has the session; "none": no cookie.
        cache: What ``FOTOWEB_CACHE`` holds; "redis" stands for a real one.
        mode: ``FOTOWEB_COOKIE_MODE``.
        goals: For ASGI and WSGI, as a ratio to the reference.
        beside: Cookies of the app, before and behind ours.
        path: Asked for.
        headers: Sent.
    """

    name: str
    kind: str
    cache: str = "memory://"
    mode: str = "sealed"
    goals: tuple[Goal | None, Goal | None] = (None, None)
    beside: tuple[str, str] = ("", "")
    path: str = PAGE
    headers: dict[str, str] = dataclasses.field(default_factory=lambda: NAVIGATION)


def both(limit: float) -> tuple[Goal, Goal]:
    """Return the same goal for both doors."""
    return Goal(limit), Goal(limit)


CASES = [
    Case("known session, sealed cookie", "hot", goals=(Goal(0.18), Goal(0.08))),
    Case("the same, between two cookies of the app", "hot", beside=("theme=dark; ", "; csrftoken=0123456789abcdef")),
    Case("known session, reference cookie", "hot", mode="reference", goals=(Goal(0.15), Goal(0.06))),
    Case("known session, `local://`, between two rechecks", "hot", cache="local://"),
    Case("first sight, sealed, `memory://` of a process that has just started", "first", goals=both(1.0)),
    Case("the same, where `memory://` is asked and has the session", "stored"),
    Case("first sight, reference", "stored", mode="reference"),
    Case("first sight, sealed, asks `local://`", "stored", cache="local://"),
    Case("first sight, reference, asks `local://`", "stored", cache="local://", mode="reference"),
    Case("first sight, sealed, asks `redis://`", "stored", cache="redis"),
    Case("first sight, reference, asks `redis://`", "stored", cache="redis", mode="reference"),
    Case("public path", "none", goals=both(0.04), path="/static/app.css"),
    Case("nobody logged in: redirect to the login", "none", goals=both(1.5)),
    Case("nobody logged in: 401", "none", goals=both(1.5), headers=FETCH),
]


@contextmanager
def opened() -> Iterator[dict[tuple[str, str], Candidate]]:
    """Return a candidate for each case and door, under (case, door); the files and servers last as long."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fotoweb-bench-")))
        folder.chmod(0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(folder)
        addresses = {}
        if find_redis_server() is not None:
            addresses["redis"] = stack.enter_context(RedisServer(folder)).url
        candidates: dict[tuple[str, str], Candidate] = {}
        for is_asgi, door in ((True, "ASGI"), (False, "WSGI")):
            candidates[BARE, door] = Candidate(app_of(is_asgi), is_asgi, bare_turn(is_asgi))
            for case in CASES:
                if case.cache == "redis" and "redis" not in addresses:
                    continue
                address = addresses.get(case.cache, case.cache)
                candidates[case.name, door] = candidate_of(case, address, is_asgi=is_asgi, stack=stack)
        yield candidates


def app_of(is_asgi: bool) -> Any:
    """Return the app of a door."""
    return asgi_app if is_asgi else wsgi_app


def bare_turn(is_asgi: bool) -> Any:
    """Return what makes the requests of a turn of the app alone, as a browser without cookies sends them."""
    make: Any = scope_of if is_asgi else environ_of
    return lambda: [make(None) for _ in range(HOT_TURN)]


def candidate_of(case: Case, address: str, *, is_asgi: bool, stack: ExitStack) -> Candidate:
    """Return the wrapped app of a case with the requests of a turn."""
    make: Any = scope_of if is_asgi else environ_of
    changes: dict[str, Any] = {"cache": address, "cookie_mode": case.mode}
    if case.path != PAGE:
        changes["public_paths"] = (case.path,)
    wrapped = Wrapped(app_of(is_asgi), is_asgi, changes)
    stack.callback(wrapped.close)
    if case.kind == "none":
        turn = FIRST_TURN if case.path == PAGE else HOT_TURN
        return Candidate(
            wrapped.middleware, is_asgi, lambda: [make(None, case.path, case.headers) for _ in range(turn)]
        )
    if case.kind == "hot":
        return hot_candidate(case, wrapped, make)
    turn = FIRST_TURN if address.startswith("memory") else REMOTE_TURN
    are_stored = case.kind == "stored"
    sets = itertools.cycle([people(wrapped, first, turn, are_stored=are_stored) for first in range(0, 4 * turn, turn)])
    return Candidate(wrapped.middleware, is_asgi, lambda: [make(cookie) for cookie in next(sets)], wrapped.forget)


def hot_candidate(case: Case, wrapped: Wrapped, make: Any) -> Candidate:
    """Return a candidate whose one session is known; each turn ends with its recheck done, if one is due."""
    (cookie,) = people(wrapped, 10**6, 1, are_stored=True)
    before, behind = case.beside
    return Candidate(
        wrapped.middleware, wrapped.is_asgi, lambda: [make(f"{before}{cookie}{behind}") for _ in range(HOT_TURN)]
    )


def people(wrapped: Wrapped, first: int, count: int, *, are_stored: bool) -> list[str]:
    """Return the Cookie headers of so many people, whose sessions the server cache knows or does not know."""
    records: list[SessionRecord] = [make_record(number) for number in range(first, first + count)]
    if are_stored:
        wrapped.store(records)
    return [wrapped.cookie(record) for record in records]
