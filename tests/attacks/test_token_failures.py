"""Token endpoints that hang, break off or drip: the login ends on a page within the deadline (security case T-TE-10).

All of a server's failures are lived through at the same time, so that one waits for the deadline once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.attacks.answers import Answer, broken_off, closed, dripping, reset, silent
from tests.attacks.attacked import ONE_OF_EACH_KIND
from tests.attacks.conftest import Serve
from tests.attacks.oracles import Case, check_oracles
from tests.attacks.raw_client import RawReply
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.attacks.verdicts import check_failed_login
from tests.servers.serving import Kind

TWENTY_BYTES = b'{"access_token":"A"}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

FAILURES: dict[str, Answer] = {
    "silence": silent,
    "reset": reset,
    "closed": closed,
    "short body": broken_off(HEAD + b"Content-Length: 500\r\n\r\n" + TWENTY_BYTES),
    "half a chunked body": broken_off(HEAD + b"Transfer-Encoding: chunked\r\n\r\n14\r\n" + TWENTY_BYTES + b"\r\n"),
    "dripping status line": dripping(b"HTTP/1.1 200 "),
    "dripping header": dripping(HEAD + b"X-Drip: "),
    "dripping body": dripping(HEAD + b"Content-Length: 500\r\n\r\n" + TWENTY_BYTES),
    "dripping gzip": dripping(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 500\r\n\r\n"),
}

Attempt = tuple[Case, RawReply]
Attempts = dict[str, Future[Attempt]]


@pytest.fixture(scope="module")
def attempts(serve_hastily: Serve, fotoweb: ScriptedFotoWeb) -> Iterator[Callable[[Kind], Attempts]]:
    """Return a function that begins all failing logins on a server, once."""
    begun: dict[str, Attempts] = {}

    def attempt(kind: Kind, answer: Answer) -> Attempt:
        case = Case(serve_hastily(kind), fotoweb)
        browser = case.browser()
        fotoweb.script(browser.user, answer)
        return case, browser.try_to_log_in()

    with ThreadPoolExecutor(len(FAILURES)) as threads:

        def begin(kind: Kind) -> Attempts:
            if kind.name not in begun:
                serve_hastily(kind)
                begun[kind.name] = {name: threads.submit(attempt, kind, FAILURES[name]) for name in FAILURES}
            return begun[kind.name]

        yield begin


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("kind", ONE_OF_EACH_KIND, ids=str)
def test_no_whole_answer(attempts: Callable[[Kind], Attempts], kind: Kind, failure: str) -> None:
    """An answer that does not come, or not to its end, opens no session, and the code is not sent again (T-TE-10).

    Shows R-TE3.
    """
    case, reply = attempts(kind)[failure].result()
    check_failed_login(reply, case.browsers[0])
    check_oracles(case)
