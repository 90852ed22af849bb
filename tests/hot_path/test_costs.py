"""What a request costs, held by counts and not by clocks: they are the same on every machine, however busy.

The figures are those of this release and a little more. Whoever needs more for a good reason raises them, and
``make bench`` tells what it costs.
"""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.benchmarks.requests import (
    FETCH,
    NAVIGATION,
    asgi_app,
    environ_of,
    receive,
    scope_of,
    send,
    start_response,
    wsgi_app,
)
from tests.benchmarks.sessions import Wrapped, make_record
from tests.hot_path.counting import CountedClock, CountedHeaders, Counts, count

PUBLIC = "/static/app.css"
REQUESTS = 1000
TRIES = 3


@dataclass
class Site:
    """A wrapped app whose clocks and headers count.

    Attributes:
        door: "asgi" or "wsgi".
        mode: ``FOTOWEB_COOKIE_MODE``.
        cookie: Of somebody whose session this process does not know yet.
        scans: How often the headers of the last scope were gone through.
    """

    door: str
    mode: str = "sealed"
    wrapped: Wrapped = field(init=False)
    cookie: str = field(init=False)
    scans: int = 0

    def __post_init__(self) -> None:
        """Wrap it."""
        now = time.time()
        self.clock, self.monotonic = CountedClock(now), CountedClock(1000.0)
        changes = {"cache": "memory://", "public_paths": (PUBLIC,), "cookie_mode": self.mode}
        options = {"clock": self.clock, "monotonic": self.monotonic}
        is_asgi = self.door == "asgi"
        self.wrapped = Wrapped(asgi_app if is_asgi else wsgi_app, is_asgi, changes, options)
        self.wrapped.prepare()
        self.cookie = self.wrapped.cookie(make_record(1))
        if self.mode == "reference":
            held = self.wrapped.site.near.adopt(make_record(1))
            self.wrapped.site.near.remember(self.cookie, held, None)  # Short, so it is known by all of it.

    def request(self, cookie: str | None, path: str, headers: dict[str, str]) -> Callable[[], object]:
        """Return what sends a request; nothing is left to do in it but what the door does."""
        if self.door == "wsgi":
            environ = environ_of(cookie, path, headers)
            return lambda: self.wrapped.middleware(environ, start_response)
        scope = scope_of(cookie, path, headers)
        scope["headers"] = CountedHeaders(scope["headers"])

        def drive() -> None:
            for awaited in self.wrapped.middleware(scope, receive, send).__await__():
                pytest.fail(f"it waits for {awaited}")  # It must not, and so it needs no event loop.
            self.scans = scope["headers"].scans

        return drive

    def count(self, cookie: str | None = None, path: str = "/page", headers: dict[str, str] = NAVIGATION) -> Counts:
        """Return what one request does."""
        work = self.request(cookie, path, headers)
        self.clock.reads = self.monotonic.reads = 0
        return count(work)

    @property
    def clock_reads(self) -> int:
        """How often a clock was read in the last request."""
        return self.clock.reads + self.monotonic.reads


@pytest.fixture(params=["asgi", "wsgi"])
def site(request: pytest.FixtureRequest) -> Site:
    """Return a site that has seen each kind of request once."""
    return warm(Site(request.param))


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Log as usual: at DEBUG each answer of ours would cost a line."""
    caplog.set_level(logging.WARNING, "fotoweb_middleware")


def warm(site: Site) -> Site:
    """Send each kind of request once: what is made once and kept is no cost of a request.

    A cookie comes twice: at first sight it is opened, then it is known.
    """
    for cookie, path, headers in (
        (site.cookie, "/page", NAVIGATION),
        (site.cookie, "/page", NAVIGATION),
        (None, PUBLIC, NAVIGATION),
        (None, "/page", NAVIGATION),
        (None, "/page", FETCH),
    ):
        site.count(cookie, path, headers)
    return site


def total(counts: Counts) -> int:
    """Return how many of our own functions were called."""
    return sum(counts.own_calls.values())


@pytest.mark.parametrize("mode", ["sealed", "reference"])
@pytest.mark.parametrize("door", ["asgi", "wsgi"])
def test_a_known_session_costs_a_lookup(door: str, mode: str) -> None:
    """No cryptography, no JSON, no lock, thread or task; one clock, three or five calls, one scan of the headers."""
    site = warm(Site(door, mode))

    counts = site.count(site.cookie)

    assert counts.costly == Counter()
    assert site.clock_reads <= 1
    assert total(counts) <= {"asgi": 5, "wsgi": 3}[door], counts.own_calls
    assert site.scans <= 1


def test_cookies_of_the_app_cost_three_calls_more(site: Site) -> None:
    """Ours is cut out from between others without any of the costly things."""
    counts = site.count(f"theme=dark; {site.cookie}; csrftoken=0123456789abcdef")

    assert counts.costly == Counter()
    assert site.clock_reads <= 1
    assert total(counts) <= 9, counts.own_calls
    assert site.scans <= 1


def test_a_public_path_costs_less(site: Site) -> None:
    """Three calls of ours, no clock, nothing costly, the headers gone through once."""
    counts = site.count(path=PUBLIC)

    assert counts.costly == Counter()
    assert site.clock_reads == 0
    assert total(counts) <= 3, counts.own_calls
    assert site.scans <= 1


def test_the_first_sight_of_a_cookie_opens_it_once(site: Site) -> None:
    """One signature checked, one decryption, no JSON; no thread, no task, nothing derived anew."""
    site.wrapped.forget()

    counts = site.count(site.cookie)

    assert [counts.by_name[name] for name in ("finalize", "decrypt", "encrypt")] == [1, 1, 0]
    assert counts.own_calls["seal.PreparedSigner.get_signature"] == 1
    assert counts.costly["cryptography"] <= 4, counts.by_name
    assert counts.costly["signing"] <= 3, counts.by_name
    assert counts.costly["json"] == 0, counts.by_name
    assert counts.costly["locks and threads"] <= 2, counts.by_name
    assert counts.costly["tasks"] == 0, counts.by_name
    assert total(counts) <= 30, counts.own_calls
    assert site.clock_reads <= 4


def test_a_redirect_to_the_login_seals_one_cookie(site: Site) -> None:
    """One encryption and one signature, no JSON; no lock, thread or task."""
    counts = site.count()

    assert [counts.by_name[name] for name in ("encrypt", "finalize", "sign", "decrypt")] == [1, 1, 1, 0]
    assert counts.costly["signing"] <= 10, counts.by_name
    assert counts.costly["json"] == counts.costly["locks and threads"] == counts.costly["tasks"] == 0, counts.by_name
    assert total(counts) <= 65, counts.own_calls
    assert site.clock_reads <= 3
    assert site.scans <= 3


def test_a_401_needs_no_key(site: Site) -> None:
    """No cryptography, no lock, thread or task, no clock."""
    counts = site.count(headers=FETCH)

    assert set(counts.costly) <= {"json"}, counts.by_name
    assert total(counts) <= 40, counts.own_calls
    assert site.clock_reads == 0
    assert site.scans <= 3


@pytest.mark.parametrize("kind", ["known session", "public path"])
def test_no_block_of_memory_stays(site: Site, kind: str) -> None:
    """A thousand requests leave as many blocks of memory as there were."""
    cookie, path = (site.cookie, "/page") if kind == "known session" else (None, PUBLIC)

    def work() -> None:
        for _ in range(REQUESTS):
            site.request(cookie, path, NAVIGATION)()

    work()
    growth = [blocks_more(work) - blocks_more(lambda: None) for _ in range(TRIES)]

    assert min(growth) <= 0, growth  # Other threads of this process may take some at times.


def blocks_more(work: Callable[[], Any]) -> int:
    """Return how many blocks of memory more there are after ``work``."""
    gc.collect()
    before = sys.getallocatedblocks()
    work()
    gc.collect()
    return sys.getallocatedblocks() - before
