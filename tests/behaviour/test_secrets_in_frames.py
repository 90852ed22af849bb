"""Error reporters send the local variables of frames along: where something fails, none of ours holds a secret.

Looked at are what leaves the middleware, what is logged with a traceback, what was being handled when a line was
logged, and the stack under each line, which some reporters add (T-LG-03).
"""

from __future__ import annotations

import gzip
import json
import logging
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import anyio.from_thread
import httpx
import pytest

from fotoweb_middleware.testing import Client, FakeClock
from tests.behaviour.kit import CALLBACK, Opening, Visited, Visitor
from tests.behaviour.watched import WatchedStore
from tests.canary.listening import Told, told, told_with_callers
from tests.canary.planted import CLIENT_SECRET, Planted
from tests.canary.scene import PlantingFotoWeb

AS_IT_CAME = {"environ", "scope"}
"""The request as the server handed it in: frames of any middleware show it."""

EXPIRED_SECONDS, STALE_SECONDS = 301, 270


class FailingFotoWeb(PlantingFotoWeb):
    """A FotoWeb whose transport may raise, or answer something else.

    Attributes:
        fail: Called with each request; what it raises the transport raises, what it returns is the answer.
    """

    fail: Callable[[httpx.Request], httpx.Response | None] | None = None

    def transport(self) -> Any:
        """Return the transport."""
        inner = super().transport()

        def handle(request: httpx.Request) -> httpx.Response:
            answer = self.fail(request) if self.fail is not None else None
            return answer or inner.handle_request(request)

        return httpx.MockTransport(handle)


class Reporter(logging.Handler):
    """Keeps what an error reporter would send for a line of the log."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.errors: list[Told] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        handled = sys.exc_info()[1]
        self.errors += told(record.exc_info[1]) if record.exc_info and record.exc_info[1] else []
        self.errors += told(handled) if handled is not None else []
        self.errors += told_with_callers(LookupError())


@pytest.fixture
def reporter() -> Iterator[Reporter]:
    """Listen to our logger."""
    logger, handler = logging.getLogger("fotoweb_middleware"), Reporter()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.fixture
def planted() -> Planted:
    """Return the secrets of the test, as they come up."""
    return Planted()


@pytest.fixture
def site(adapter: str, portal: anyio.from_thread.BlockingPortal, planted: Planted) -> Visited:
    """Return a site with tokens of 300 s, at such a FotoWeb."""
    clock = FakeClock()
    client = Client(redirect_uris=(CALLBACK,), client_secret=CLIENT_SECRET)
    fake = FailingFotoWeb(planted, clients=[client], clock=clock, pause=lambda _seconds: None)
    fake.switch(access_token_lifetime_seconds=300)
    return Opening(adapter, portal, "sealed", fake=fake, clock=clock, shared=True).open()


def code_exchange(visitor: Visitor) -> Callable[[], Any]:
    """Return the last step of a login."""
    return partial(visitor.visit, visitor.approve(visitor.visit("/").location))


def refresh_of(seconds: float, visitor: Visitor) -> Callable[[], Any]:
    """Return a request whose token is refreshed first, or after the answer."""
    visitor.log_in()
    assert visitor.get("/").status == 200
    visitor.site.clock.advance(seconds)
    return partial(visitor.get, "/")


STEPS: dict[str, Callable[[Visitor], Callable[[], Any]]] = {
    "code exchange": code_exchange,
    "refresh": partial(refresh_of, EXPIRED_SECONDS),
    "refresh ahead of time": partial(refresh_of, STALE_SECONDS),
}
each_step = pytest.mark.parametrize("step", STEPS)


def reported(work: Callable[[], Any], reporter: Reporter) -> list[Told]:
    """Do something, and return what an error reporter learns meanwhile."""
    reporter.errors.clear()
    try:
        work()
    except Exception as error:  # noqa: BLE001 (whatever leaves the middleware is looked at)
        reporter.errors += told(error)
    assert reporter.errors, "nothing was told: the test looks at nothing"
    return reporter.errors


def secrets_in(errors: list[Told], planted: Planted) -> set[str]:
    """Return where a secret stands: the frame, its variable, and which kinds are in it."""
    return {
        f"{frame.name}: {name} holds {kind}"
        for _, frames in errors
        for frame in frames
        if "fotoweb_middleware" in frame.filename and "fake_fotoweb" not in frame.filename
        for name, said in (frame.locals or {}).items()
        if name not in AS_IT_CAME
        for kind in planted.found_in(said)
    }


def raise_unforeseen(_request: httpx.Request) -> httpx.Response:
    """Raise what no transport may raise."""
    raise RuntimeError("unforeseen")


@each_step
def test_transport_that_raises(site: Visited, planted: Planted, reporter: Reporter, step: str) -> None:
    """FotoWeb's transport raises something that nobody foresaw."""
    work = STEPS[step](site.visitor())
    site.fake.fail = raise_unforeseen  # type: ignore[attr-defined]

    assert secrets_in(reported(work, reporter), planted) == set()


TOKENS = {"access_token": "aT0ken-of-a-garbled-answer-1", "refresh_token": "rT0ken-of-a-garbled-answer-2"}
GOOD = {**TOKENS, "token_type": "bearer", "expires_in": 300}


def answer(body: bytes | str, status: int = 200, headers: dict[str, str] | None = None) -> httpx.Response:
    """Return an answer of the token endpoint."""
    content = body.encode() if isinstance(body, str) else body
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))


GARBAGE: dict[str, Callable[[], httpx.Response]] = {
    "cut off": lambda: answer(json.dumps(GOOD)[:-5]),
    "not UTF-8": lambda: answer(json.dumps(GOOD).encode() + b"\xff"),
    "a list": lambda: answer(json.dumps([GOOD])),
    "wrong token_type": lambda: answer(json.dumps({**GOOD, "token_type": "mac"})),
    "wrong expires_in": lambda: answer(json.dumps({**GOOD, "expires_in": "soon"})),
    "wrong access token": lambda: answer(json.dumps({**GOOD, "access_token": f"{TOKENS['access_token']} \n"})),
    "wrong refresh token": lambda: answer(json.dumps({**GOOD, "refresh_token": [TOKENS["refresh_token"]]})),
    "too large": lambda: answer(json.dumps({**GOOD, "more": "x" * 300_000})),
    "compressed": lambda: answer(gzip.compress(json.dumps(GOOD).encode()), headers={"Content-Encoding": "gzip"}),
    "large headers": lambda: answer("{}", headers={"X-Token": TOKENS["access_token"], "X-More": "x" * 70_000}),
    "refused": lambda: answer(json.dumps({**TOKENS, "error": "invalid_client"}), 401),
    "unavailable": lambda: answer(json.dumps(GOOD), 503),
}


@each_step
@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbled_answer(site: Visited, planted: Planted, reporter: Reporter, step: str, garbage: str) -> None:
    """The token endpoint's answer is garbage, with tokens in it."""
    work = STEPS[step](site.visitor())
    for kind, secret in TOKENS.items():
        planted.plant(kind, secret)
    site.fake.fail = lambda request: GARBAGE[garbage]() if request.method == "POST" else None  # type: ignore[attr-defined]

    assert secrets_in(reported(work, reporter), planted) == set()


@each_step
@pytest.mark.parametrize("call", ["use_once", "acquire_lock", "load", "save", "save under a lock", "release_lock"])
def test_store_that_raises(site: Visited, planted: Planted, reporter: Reporter, step: str, call: str) -> None:
    """The store raises something that nobody foresaw."""
    work = STEPS[step](site.visitor())
    store: WatchedStore = site.store.begin_again()

    def fail() -> None:
        raise RuntimeError("unforeseen")

    store.before(call, fail)
    errors = reported(work, reporter)

    assert secrets_in(errors, planted) == set()


@pytest.mark.parametrize("name", ["authorize", "on_login"])
def test_callable_of_the_app_that_raises(site: Visited, planted: Planted, reporter: Reporter, name: str) -> None:
    """The app's ``authorize`` or ``on_login`` raises, at login and when a session is first seen."""
    visitor = site.visitor()
    visitor.log_in()
    at_login = code_exchange(site.visitor("bob"))

    def fail(_session: object) -> bool:
        raise RuntimeError("unforeseen")

    site.callables = {name: fail}
    site.restart()
    works: list[Callable[[], Any]] = [at_login]
    if name == "authorize":
        works.append(partial(visitor.get, "/"))

    assert [secrets_in(reported(work, reporter), planted) for work in works] == [set()] * len(works)
