"""What the tests of outages share: one app behind both middlewares, in both modes, and what people see of a fault.

All four cases live through the same fault at the same time: most of such a test is waiting, and so it is waited once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from fotoweb_middleware.testing import FakeClock
from tests.behaviour.kit import Opening, Reply, Visited, Visitor, in_parallel, opened_portal

__all__ = [
    "ADAPTERS",
    "MODES",
    "NOTHING_SEEN",
    "RECOVERY_SECONDS",
    "TOKEN_SECONDS",
    "Case",
    "Promise",
    "as_ever",
    "opened_cases",
    "together",
    "until_back",
    "what_people_see",
]

R = TypeVar("R")

ADAPTERS = ("asgi", "wsgi")
MODES = ("sealed", "reference")
TOKEN_SECONDS = 300
RECOVERY_SECONDS = 10.0
"""What the contract grants."""

LONGEST_ANSWER_SECONDS = 4.5
"""A store is waited for a second at most; a machine that is busy, or stands still, takes longer for everything."""

POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Promise:
    """What somebody who is logged in gets of an outage, as HTTP statuses of a fetch.

    Attributes:
        fresh: While the token is valid.
        expired: Once it has expired.
        after: When the outage is over. 200: the same session goes on; 401: it is lost, and a login leads to a new one.
    """

    fresh: int
    expired: int
    after: int


NOTHING_SEEN = Promise(200, 200, 200)


def as_ever(reference: Promise) -> dict[str, Promise]:
    """Return what both middlewares promise: in sealed mode nothing is seen of it; in reference mode this."""
    promises = {"sealed": NOTHING_SEEN, "reference": reference}
    return {f"{adapter}, {mode}": promises[mode] for adapter in ADAPTERS for mode in MODES}


@dataclass(repr=False)
class Case:
    """One middleware in one cookie mode, and somebody who is logged in there.

    Attributes:
        here: The process that the person uses.
        elsewhere: Another process of the same app, most often on another machine.
        member: The person.
        cookies: The person's cookies before the outage.
    """

    adapter: str
    mode: str
    here: Visited
    elsewhere: Visited
    member: Visitor
    cookies: dict[tuple[str, str], str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Name it."""
        return f"{self.adapter}, {self.mode}"

    def log_in(self) -> None:
        """Log in, and use the session once."""
        self.member.log_in()
        assert self.member.get("/").status == 200
        self.cookies = dict(self.member.jar.cookies)

    def ask(self) -> int:
        """Fetch and navigate; return the fetch's status.

        Whatever comes, it comes soon, and no cookie of a living session is cleared.
        """
        started = time.monotonic()
        page, fetched = self.member.visit("/page"), self.member.get("/")
        assert time.monotonic() - started < 2 * LONGEST_ANSWER_SECONDS, f"{self}: an answer took too long"
        statuses = (page.status, fetched.status)
        assert statuses in {(200, 200), (503, 503), (302, 401)}, f"{self}: {statuses}"
        if fetched.status == 503:
            check_unavailable(page, "text/html; charset=utf-8")
            check_unavailable(fetched, "application/problem+json")
        if fetched.status != 401:
            assert self.member.jar.names() >= {name for name, _ in self.cookies}, f"{self}: a cookie was cleared"
        return fetched.status

    def is_back(self) -> bool:
        """Return whether the person is served, and the other process knows this session's newest token.

        ``PREFIX/session`` is asked there, which refreshes nothing. A session that is lost counts too.
        """
        reply = self.member.get("/")
        if reply.status != 200:
            return reply.status == 401
        told = self.twin().get("/oauth2/session")
        return told.status == 200 and told_expiry(told) == reply.seen["expires_at"]

    def twin(self) -> Visitor:
        """Return the same browser as it was before the outage, in the other process."""
        twin = self.elsewhere.visitor()
        twin.jar.cookies = dict(self.cookies)
        return twin

    def aftermath(self) -> int:
        """Return the status of the next request; the session goes on everywhere, or a login begins a new one."""
        reply = self.member.get("/")
        if reply.status == 401:
            self.member.log_in()
            assert self.member.get("/").status == 200, self
            return 401
        elsewhere = self.twin().get("/")
        assert elsewhere.seen["token"] == reply.seen["token"], f"{self}: two tokens"
        assert (self.logins, self.here.refreshes) == (1, 1), f"{self}: FotoWeb was asked too often"
        return reply.status

    @property
    def logins(self) -> int:
        """How often a code was exchanged."""
        return sum(request.grant_type == "authorization_code" for request in self.here.fake.token_requests)


def check_unavailable(reply: Reply, content_type: str) -> None:
    """A 503 says when to come back, in the asker's own language, and touches no cookie."""
    assert int(reply.header("Retry-After") or 0) > 0
    assert reply.header("Content-Type") == content_type
    assert reply.all("Set-Cookie") == []


def told_expiry(reply: Reply) -> float | None:
    """Return ``expires_at`` of an answer of ``PREFIX/session``."""
    expires_at: float | None = json.loads(reply.body)["expires_at"]
    return expires_at


@contextlib.contextmanager
def opened_cases(
    cache: str,
    folder: Path,
    *,
    modes: tuple[str, ...] = MODES,
    logged_in: bool = True,
    one_machine: bool = False,
    **changes: Any,
) -> Iterator[list[Case]]:
    """Open the same app behind both middlewares in both modes, each in two processes as far as memory goes.

    Args:
        cache: ``FOTOWEB_CACHE``.
        folder: The test's own; what a process keeps for its machine alone lies there.
        modes: Cookie modes.
        logged_in: Whether everybody is logged in already.
        one_machine: Whether both processes run on the same machine, as they always do with ``local://``.
        changes: Other settings.
    """
    settings = {"cache": cache, "cache_recheck": 0, **changes}
    clock = FakeClock()
    machines = (folder / "one", folder / ("one" if one_machine or cache == "local://" else "other"))
    with opened_portal("asyncio") as portal, contextlib.ExitStack() as stack:
        cases = [
            open_case(Opening(adapter, portal, mode, settings, clock=clock), machines, stack)
            for adapter in ADAPTERS
            for mode in modes
        ]
        if logged_in:
            together(cases, Case.log_in)
        yield cases


def open_case(opening: Opening, machines: tuple[Path, Path], stack: contextlib.ExitStack) -> Case:
    """Open one app in two processes."""
    here = open_site(opening, machines[0], stack)
    here.fake.switch(access_token_lifetime_seconds=TOKEN_SECONDS, refresh_reuse_revokes=True)
    elsewhere = open_site(dataclasses.replace(opening, fake=here.fake), machines[1], stack)
    return Case(opening.adapter, opening.mode, here, elsewhere, here.visitor())


def open_site(opening: Opening, machine: Path, stack: contextlib.ExitStack) -> Visited:
    """Open an app on a machine of its own, and close its store in the end."""
    machine.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_RUNTIME_DIR", str(machine))
        site = opening.open()
    stack.callback(site.close)
    return site


def together(cases: list[Case], work: Callable[[Case], R]) -> dict[str, R]:
    """Do the same in all cases at once; return what came of it under each one's name.

    Raises:
        AssertionError: One of them failed; the others' results are told too.
    """
    failures: list[BaseException] = []

    def run(number: int) -> R | None:
        try:
            return work(cases[number])
        except BaseException as error:  # noqa: BLE001 (raised below, in the test's own thread)
            failures.append(error)
            return None

    results = in_parallel(len(cases), run)
    for failure in failures:
        raise failure
    return {str(case): result for case, result in zip(cases, results, strict=True)}


def until_back(cases: list[Case], is_back: Callable[[Case], bool] = Case.is_back) -> float:
    """Wait until every case is back; return the seconds that it took.

    The clock of the app goes on with the real one meanwhile.

    Raises:
        AssertionError: It took longer than the contract grants.
    """
    started = told = time.monotonic()
    waiting = list(cases)
    while waiting:
        assert told - started < RECOVERY_SECONDS, f"not back after {told - started:.1f} s: {waiting}"
        back = together(waiting, is_back)
        waiting = [case for case in waiting if not back[str(case)]]
        if waiting:
            time.sleep(POLL_SECONDS)
        now = time.monotonic()
        cases[0].here.clock.advance(now - told)
        told = now
    return told - started


def what_people_see(cases: list[Case], fault: AbstractContextManager[object]) -> Mapping[str, Promise]:
    """Let all cases live through a fault and its end; return what each person got of it."""
    clock = cases[0].here.clock
    with fault:
        clock.advance(6)
        fresh = together(cases, Case.ask)
        clock.advance(TOKEN_SECONDS + 1)
        expired = together(cases, Case.ask)
    until_back(cases)
    after = together(cases, Case.aftermath)
    return {name: Promise(fresh[name], expired[name], after[name]) for name in after}
