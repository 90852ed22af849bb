"""App servers and a FotoWeb that know of one another, with people who are logged in: how most scenarios begin."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.servers.serving import SECRET_KEY
from tests.servers.sites import wait_until
from tests.stress.people import Person
from tests.stress.witness import WatchedFotoWeb
from tests.stress.workers import Workers

__all__ = [
    "LONG_SECONDS",
    "TOKEN_SECONDS",
    "Return",
    "come_back",
    "crowd",
    "expired_crowd",
    "let_expire",
    "log_in",
    "required_variables",
    "served",
]

LONG_SECONDS = 3600
TOKEN_SECONDS = 2
LOGINS_AT_ONCE = 8
NAMES = ("alice", "bob")


def required_variables(address: str, client_id: str, client_secret: str, **more: object) -> dict[str, str]:
    """Return the four required variables, and others by their names in lower case without the prefix."""
    given = {"url": address, "client_id": client_id, "client_secret": client_secret, "secret_key": SECRET_KEY, **more}
    return {f"FOTOWEB_{name.upper()}": str(value) for name, value in given.items()}


@contextlib.contextmanager
def served(
    *servers: Workers, others: dict[str, str] | None = None, rotate_every: int = 1, **variables: object
) -> Iterator[WatchedFotoWeb]:
    """Start a simulator, and app servers for it.

    Args:
        servers: Not started yet.
        others: Variables that are not the middleware's.
        rotate_every: See ``Switches``.
        variables: ``FOTOWEB_*`` variables besides the required ones, lower case and without the prefix.
    """
    fotoweb = WatchedFotoWeb(*(server.callback_url for server in servers), rotate_every=rotate_every)
    client = fotoweb.client
    with fotoweb.serve() as address:
        given = required_variables(address, client.client_id, client.client_secret, **variables)
        with ThreadPoolExecutor(len(servers)) as threads:
            list(threads.map(lambda server: server.start({**given, **(others or {})}), servers))
        try:
            yield fotoweb
        finally:
            fotoweb.open_gate()


@contextlib.contextmanager
def crowd(count: int) -> Iterator[list[Person]]:
    """Open browsers for people of two names, turn about."""
    with contextlib.ExitStack() as browsers:
        yield [browsers.enter_context(Person(NAMES[number % 2])) for number in range(count)]


@contextlib.contextmanager
def expired_crowd(count: int, url: str, fotoweb: WatchedFotoWeb) -> Iterator[list[Person]]:
    """Log people in and wait until their tokens have expired; the next ones live long.

    FotoWeb's records begin after that: a login that took longer than its token lives was followed by a refresh.
    """
    with crowd(count) as people:
        log_in(people, url, fotoweb)
        let_expire(fotoweb, people)
        fotoweb.forget_records()
        yield people


def log_in(people: Sequence[Person], url: str, fotoweb: WatchedFotoWeb) -> None:
    """Log everybody in, with tokens that live for two seconds."""
    fotoweb.switch(access_token_lifetime_seconds=TOKEN_SECONDS)
    for name in NAMES:
        fotoweb.switch(auto_login=name)
        with ThreadPoolExecutor(LOGINS_AT_ONCE) as threads:
            list(threads.map(lambda person: person.go(url).json(), (one for one in people if one.name == name)))
    fotoweb.switch(auto_login=None, access_token_lifetime_seconds=LONG_SECONDS)
    assert [person.logins for person in people] == [1] * len(people)


def let_expire(fotoweb: WatchedFotoWeb, people: Sequence[Person]) -> None:
    """Wait until the tokens that were issued so far have expired, for the app too: it had them later than FotoWeb."""
    issued_at = max(record.received_at for record in fotoweb.token_requests)
    wait_until(max(issued_at + TOKEN_SECONDS, *(person.expires_at for person in people)))


@dataclass(frozen=True, slots=True)
class Return:
    """How somebody got back to the app.

    Attributes:
        status: Of the last answer.
        refused: How many answers were 503.
        longest_seconds: The longest wait for one answer.
        whole_seconds: From the beginning to the last answer.
    """

    status: int
    refused: int
    longest_seconds: float
    whole_seconds: float


def come_back(person: Person, url: str, patience_seconds: float = 30.0) -> Return:
    """Go to a page again and again, as often as a 503 with Retry-After says that one may."""
    started, longest, refused = time.monotonic(), 0.0, 0
    while True:
        asked = time.monotonic()
        page = person.visit(url, person.name)
        now = time.monotonic()
        longest = max(longest, now - asked)
        if page.status != 503 or now - started > patience_seconds:
            return Return(page.status, refused, longest, now - started)
        refused += 1
        seconds = int(page.headers["retry-after"])
        assert 1 <= seconds <= 8, seconds
        time.sleep(seconds)
