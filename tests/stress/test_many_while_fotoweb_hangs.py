"""A session whose FotoWeb hangs, with 500 requests at once, on real servers."""

from __future__ import annotations

import selectors
import socket
import time
from typing import Self

import pytest

from tests.attacks.answers import good, silent
from tests.attacks.attacked import APP, APP_HOST, DEADLINE_SECONDS, ONE_OF_EACH_KIND
from tests.attacks.browser import XHR, Browser
from tests.attacks.oracles import BUSY_SECONDS
from tests.attacks.raw_client import PATIENCE_SECONDS, RawReply, read_reply, write_request
from tests.servers.cookie_jar import Use

AT_ONCE = 500


class Requests:
    """Very many requests of one session at once, each on a connection of its own; one thread reads all answers.

    Args:
        browser: Whose session.
    """

    def __init__(self, browser: Browser) -> None:
        cookie = browser.jar.header(APP, Use(cross_site=False, navigation=False, method="GET")) or ""
        pairs = [("Host", APP_HOST), ("Connection", "close"), *XHR.items(), ("Cookie", cookie)]
        self._request = write_request("GET", "/many", pairs)
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
                self.replies.append(read_reply("GET /many", bytes(received), time.monotonic() - began))


@pytest.mark.parametrize("kind", ONE_OF_EACH_KIND, ids=str)
def test_many_requests_while_fotoweb_hangs(browser: Browser) -> None:
    """500 requests of one session whose refresh hangs all end in time, and that was one refresh (T-RL-05)."""
    browser.fotoweb.script(browser.user, good(expires_in=0))
    browser.log_in()
    assert browser.xhr("/").status == 200
    browser.fotoweb.script(browser.user, silent)

    with Requests(browser) as requests:
        requests.send(AT_ONCE)
        while requests.is_waiting:
            requests.read()

    assert ({reply.status for reply in requests.replies}, len(requests.replies)) == ({503}, AT_ONCE)
    assert max(reply.took_seconds for reply in requests.replies) < DEADLINE_SECONDS + 1 + BUSY_SECONDS
    assert browser.posts == 2  # The login's, and one refresh.
    assert browser.xhr("/oauth2/session").status == 200
