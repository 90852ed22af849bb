"""The browser of the fault tests: a connection for each request, from many threads at once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.stress.people import Person, at_once

AT_ONCE = 100
ROUNDS = 6


class Ports(BaseHTTPRequestHandler):
    """Answers with the port that the browser called from, and would keep the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        content = str(self.client_address[1]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Print nothing."""


class Server(ThreadingHTTPServer):
    """One that many may call in the same moment."""

    request_queue_size = 512


@pytest.fixture
def url() -> Iterator[str]:
    """Serve on a free port."""
    with Server(("127.0.0.1", 0), Ports) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://localhost:{server.server_address[1]}"
        server.shutdown()
        serving.join()


@pytest.fixture
def hasty_switches() -> Iterator[None]:
    """Have threads take turns at almost every step."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.00001)
    yield
    sys.setswitchinterval(before)


def test_connection_for_each_request(url: str) -> None:
    """No connection is used twice, though the server would keep it."""
    with Person() as person:
        ports = [person.fetch(url).text for _ in range(5)]

    assert len(set(ports)) == 5


@pytest.mark.usefixtures("hasty_switches")
def test_threads_at_once(url: str) -> None:
    """Many threads at once all get their answers: none closes the connection that another one reads from."""
    with Person() as person:
        for _ in range(ROUNDS):
            answers = at_once([partial(person.fetch, url) for _ in range(AT_ONCE)])

            assert {answer.status_code for answer in answers} == {200}
