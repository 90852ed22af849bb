"""Logging out in a real Chromium: the page that asks, its form, and where it leads under the page's own policy."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

from playwright.sync_api import Page, Request, expect

from tests.browser.person import log_in, shown, sign_out, status_of
from tests.servers.serving import GUNICORN_THREADS, UVICORN_HTTPTOOLS
from tests.servers.sites import FakeSite, fake_site

KIND = GUNICORN_THREADS
"""Both middlewares answer alike (tests/behaviour): what is new here is the browser."""


class Goodbye(BaseHTTPRequestHandler):
    """A page of another site."""

    def do_GET(self) -> None:
        """Say goodbye."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!doctype html><h1>Goodbye</h1>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class calls it so)
        """Stay silent."""


@contextlib.contextmanager
def other_site() -> Iterator[str]:
    """Serve a page of another site, and return its address."""
    with HTTPServer(("127.0.0.1", 0), Goodbye) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/goodbye"
        server.shutdown()


def signed_in(site: FakeSite, page: Page) -> None:
    """Log in, and stand at a page of the app."""
    page.goto(f"{site.url}/start")
    log_in(page)
    assert shown(page)["user"] in {"alice", None}


def posts_of(page: Page) -> list[Request]:
    """Return a list that fills with the POST requests of a page."""
    posts: list[Request] = []
    page.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
    return posts


def test_the_form_logs_out_under_a_host_name(page: Page) -> None:
    """On ``app.localhost`` the form's POST is admitted: no cookie is left, and the next request is nobody's."""
    with fake_site(KIND, host="app.localhost") as site:
        signed_in(site, page)
        sign_out(page, site.url)
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
        assert page.context.cookies(site.url) == []
        status = page.goto(f"{site.url}/oauth2/session")
        assert status is not None
        assert status.status == 401


def test_the_form_says_where_it_comes_from(page: Page) -> None:
    """The POST carries Origin, and Sec-Fetch-Site says same-origin: what the check of its origin stands on."""
    with fake_site(UVICORN_HTTPTOOLS, host="app.localhost") as site:
        signed_in(site, page)
        posts = posts_of(page)
        sign_out(page, site.url)
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
        headers = posts[0].all_headers()
        assert (headers["origin"], headers["sec-fetch-site"]) == (site.url, "same-origin")


def test_the_form_may_end_at_another_origin(page: Page) -> None:
    """FOTOWEB_POST_LOGOUT_URL on another origin is reached: the page's own policy does not stop the redirect."""
    with other_site() as goodbye, fake_site(KIND, post_logout_url=goodbye) as site:
        signed_in(site, page)
        sign_out(page, site.url)
        page.wait_for_url(goodbye)
        assert page.get_by_role("heading").inner_text() == "Goodbye"
        assert status_of(page.context, f"{site.url}/data") == 401


def test_nobody_is_signed_in_again_unasked(page: Page) -> None:
    """FotoWeb still knows the browser, so the signed-out page leads nowhere by itself."""
    with fake_site(KIND) as site:
        signed_in(site, page)
        logins = site.logins
        sign_out(page, site.url)
        expect(page.get_by_role("link", name="Sign in again")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
        assert site.logins == logins
