"""Limits on real servers: strangers in numbers, large inputs, many logins in one jar, a session whose FotoWeb hangs."""

from __future__ import annotations

import secrets
import selectors
import socket
import time
from typing import Self

import pytest

from tests.attacks.answers import good, silent
from tests.attacks.attacked import APP, APP_HOST, DEADLINE_SECONDS, EVERY_SERVER, ONE_OF_EACH_DOOR
from tests.attacks.browser import NAV, SESSION, XHR, Browser
from tests.attacks.oracles import BUSY_SECONDS, Case
from tests.attacks.raw_client import PATIENCE_SECONDS, RawReply, exchange, read_reply, write_request
from tests.servers.cookie_jar import Use

ON_EVERY_SERVER = pytest.mark.parametrize("kind", EVERY_SERVER, ids=str)
ON_ONE_OF_EACH_DOOR = pytest.mark.parametrize("kind", ONE_OF_EACH_DOOR, ids=str)

STRANGERS = 700
MOST_GROWTH_BYTES = 10 * 1024 * 1024
LARGE_SECONDS = 0.1
TRIES = 10
LOGINS = 200
AT_ONCE = 500


# ---------------------------------------------------------------------------------------------------------- strangers


def send_as_stranger(case: Case, target: str, cookie: str = "") -> int:
    """Navigate with this Cookie header, and return the status."""
    pairs = [("Host", APP_HOST), ("Connection", "close"), *NAV.items(), *([("Cookie", cookie)] if cookie else [])]
    return exchange(case.server.port, write_request("GET", target, pairs)).status


@ON_ONE_OF_EACH_DOOR
def test_strangers(case: Case) -> None:
    """Navigations without cookies, with garbage, and hostile callbacks: no memory is taken, no 5xx (T-RL-01)."""
    for _ in range(50):  # What first requests cost does not count.
        send_as_stranger(case, "/", f"{SESSION}={secrets.token_urlsafe(60)}")
    before_bytes = case.server.forget_peak()

    for number in range(STRANGERS):
        garbage = secrets.token_urlsafe(60)
        assert send_as_stranger(case, f"/{number}") == 302
        assert send_as_stranger(case, f"/{number}", f"{SESSION}={garbage}") == 302
        callback = f"/oauth2/callback?code={number}&state={garbage}"
        assert send_as_stranger(case, callback, f"{SESSION}-login-{garbage[:8]}={garbage}") == 400

    assert case.server.peak_bytes - before_bytes < MOST_GROWTH_BYTES


# -------------------------------------------------------------------------------------------------------- large inputs

LARGE: dict[str, tuple[str, dict[str, str]]] = {
    "quotes in a cookie": ("/", {"Cookie": 's="' + '\\"' * 30_000 + '"'}),
    "8,000 cookies": ("/", {"Cookie": "; ".join(f"c{number}=v" for number in range(8_000))}),
    "path of 64,000": ("/" + "a/" * 32_000, {}),
    "100,000 commas": ("/", {"Accept": "," * 100_000}),
    "state of 1 MB": (f"/oauth2/callback?code=C&state={'s' * 1_000_000}", {}),
    "20,000 parameters": ("/oauth2/callback?" + "&".join(f"p{number}=v" for number in range(20_000)), {}),
}


@ON_EVERY_SERVER
@pytest.mark.parametrize("large", LARGE)
def test_large_input(case: Case, large: str) -> None:
    """Inputs of known attacks are answered in a tenth of a second, by us or by the server, and never by 500 (T-RL-03).

    A server that refuses one may close before it was read; a status of 0 stands for that. The quickest of ten tries
    counts, since others share the machine.
    """
    target, headers = LARGE[large]
    told = {"Host": APP_HOST, "Connection": "close", **NAV, **headers}
    replies: list[RawReply] = []
    while len(replies) < TRIES and not any(reply.took_seconds < LARGE_SECONDS for reply in replies):
        replies.append(exchange(case.server.port, write_request("GET", target, told.items())))

    assert min(reply.took_seconds for reply in replies) < LARGE_SECONDS
    assert {reply.status for reply in replies} <= {0, 302, 400, 414, 431}
    assert case.browser().nav("/").status == 302


# --------------------------------------------------------------------------------------------------------- many logins


@ON_EVERY_SERVER
def test_many_logins_in_one_jar(browser: Browser) -> None:
    """However often a browser is sent to FotoWeb, it holds five login cookies, and the last one works (T-RL-04)."""
    begun = []
    for number in range(LOGINS):
        begun.append(browser.nav(f"/page/{number}").location)
        assert len(browser.jar.snapshot(APP_HOST)) <= 5

    assert browser.come_back(browser.approve(begun[-1])).location == f"/page/{LOGINS - 1}"
    assert browser.xhr("/").status == 200


# ------------------------------------------------------------------------------------------------ a FotoWeb that hangs


class Crowd:
    """Very many requests of one session at once, each on a connection of its own; one thread reads all answers.

    Args:
        browser: Whose session.
    """

    def __init__(self, browser: Browser) -> None:
        cookie = browser.jar.header(APP, Use(cross_site=False, navigation=False, method="GET")) or ""
        pairs = [("Host", APP_HOST), ("Connection", "close"), *XHR.items(), ("Cookie", cookie)]
        self._request = write_request("GET", "/crowd", pairs)
        self._port = browser.server.port
        self._selector = selectors.DefaultSelector()
        self._received: dict[socket.socket, tuple[float, bytearray]] = {}
        self.replies: list[RawReply] = []

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up where an answer is still waited for."""
        for connection in self._received:
            connection.close()
        self._selector.close()

    def send(self, count: int) -> None:
        """Send so many, and read what is answered meanwhile.

        Whoever reads nothing before all are sent hangs gunicorn up: it closes a connection in its one accepting
        thread, and waits there for up to two seconds until the client has closed it too (RFC 9112, 9.6).
        """
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_SECONDS)
            connection.sendall(self._request)
            self._received[connection] = (time.monotonic(), bytearray())
            self._selector.register(connection, selectors.EVENT_READ)
            self.read(timeout_seconds=0)

    @property
    def is_waiting(self) -> bool:
        """Whether some have not been answered yet."""
        return bool(self._received)

    def read(self, timeout_seconds: float = 1) -> None:
        """Read what has come, or comes first within this time."""
        for key, _ in self._selector.select(timeout_seconds):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            began, received = self._received[connection]
            part = connection.recv(65_536)
            received += part
            if not part:
                self._selector.unregister(connection)
                connection.close()
                del self._received[connection]
                self.replies.append(read_reply("GET /crowd", bytes(received), time.monotonic() - began))


@ON_ONE_OF_EACH_DOOR
def test_many_requests_while_fotoweb_hangs(browser: Browser) -> None:
    """500 requests of one session whose refresh hangs all end in time, and that was one refresh (T-RL-05)."""
    browser.fotoweb.script(browser.user, good(expires_in=0))
    browser.log_in()
    assert browser.xhr("/").status == 200
    browser.fotoweb.script(browser.user, silent)

    with Crowd(browser) as crowd:
        crowd.send(AT_ONCE)
        while crowd.is_waiting:
            crowd.read()

    assert ({reply.status for reply in crowd.replies}, len(crowd.replies)) == ({503}, AT_ONCE)
    assert max(reply.took_seconds for reply in crowd.replies) < DEADLINE_SECONDS + 1 + BUSY_SECONDS
    assert browser.posts == 2  # The login's, and one refresh.
    assert browser.xhr("/oauth2/session").status == 200
