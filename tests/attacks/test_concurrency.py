"""Clients that go away in the middle, and answers that overtake one another, on real servers."""

from __future__ import annotations

import socket
import threading

import pytest

from tests.attacks.answers import Answer, Grant, good
from tests.attacks.attacked import APP, APP_HOST, DEADLINE_SECONDS, SOME_SERVERS
from tests.attacks.browser import NAV, Browser
from tests.attacks.raw_client import write_request
from tests.servers.cookie_jar import Use
from tests.servers.sites import wait_for

pytestmark = pytest.mark.parametrize("kind", SOME_SERVERS, ids=str)


def held_until(go_on: threading.Event) -> Answer:
    """Give tokens, but not before ``go_on`` is set; the deadline is not reached."""

    def answer(connection: socket.socket, grant: Grant) -> None:
        go_on.wait(DEADLINE_SECONDS / 2)
        good()(connection, grant)

    return answer


def send_and_hang_up(browser: Browser, target: str) -> None:
    """Go somewhere, and close the connection as soon as FotoWeb has been asked."""
    cookie = browser.jar.header(APP + target, Use(cross_site=True, navigation=True, method="GET")) or ""
    headers = {**NAV, "Host": APP_HOST, "Sec-Fetch-Site": "cross-site", "Cookie": cookie}
    with socket.create_connection(("127.0.0.1", browser.server.port), timeout=10) as connection:
        connection.sendall(write_request("GET", target, headers.items()))
        wait_for(lambda: browser.posts == 1, "the code to be exchanged", 10)


def test_client_that_hangs_up_during_the_exchange(browser: Browser) -> None:
    """Who hangs up while the code is exchanged and opens the callback again gets a page to start again (T-CX-05)."""
    go_on = threading.Event()
    browser.fotoweb.script(browser.user, held_until(go_on))
    callback = browser.approve(browser.begin("/here"))

    send_and_hang_up(browser, callback)
    go_on.set()
    again = browser.come_back(callback)

    assert (again.status, again.all("Set-Cookie"), browser.posts) == (400, [], 1)
    assert "/oauth2/login" in again.text
    browser.fotoweb.heal(browser.user)
    browser.log_in("/here")
    assert browser.xhr("/here").status == 200


def test_cookies_of_two_refreshes_in_reverse_order(browser: Browser) -> None:
    """Where the older of two new cookies arrives last, nobody is logged out and no old token is sent (T-CX-09)."""
    browser.fotoweb.script(browser.user, good(expires_in=0))
    browser.log_in()
    browser.xhr("/")  # A token just received is good for one request.
    before = browser.session_cookies

    first = browser.xhr("/first")
    for name, value in before.items():
        browser.jar.plant(name, value, host=APP_HOST)
    second = browser.xhr("/second")
    for value in first.all("Set-Cookie"):
        browser.jar.take(APP, value)

    assert first.seen["token"] != second.seen["token"]
    assert [browser.xhr("/next").status for _ in range(3)] == [200] * 3
    forms = [request.form for request in browser.fotoweb.requests_of(browser.user)]
    sent = [form["refresh_token"] for form in forms if "refresh_token" in form]
    assert (len(sent), len(set(sent))) == (5, 5)
