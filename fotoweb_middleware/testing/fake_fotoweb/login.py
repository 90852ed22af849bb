"""FotoWeb's own pages around a login: log in, log out, and the cookie that remembers the browser."""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import quote

from fotoweb_middleware.testing.fake_fotoweb import pages
from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse, redirect
from fotoweb_middleware.testing.fake_fotoweb.registration import User
from fotoweb_middleware.testing.fake_fotoweb.state import Site

__all__ = ["BROWSER_COOKIE", "browser_user", "log_in", "log_out", "show_home", "show_login"]

BROWSER_COOKIE: Final = "fake_fotoweb_browser"
"""A name of its own: browsers ignore the port, so an application at the same host gets this cookie too."""

LOGIN_PATH: Final = "/fotoweb/views/login"


def browser_user(site: Site, request: FakeRequest) -> User | None:
    """Tell who is logged in to FotoWeb in this browser."""
    return site.browsers.get(request.cookie(BROWSER_COOKIE) or "")


def show_login(site: Site, request: FakeRequest) -> FakeResponse:
    """Show the log-in page: GET /fotoweb/views/login."""
    values = dict(request.query_pairs())
    return pages.login_page(tuple(site.users.values()), return_url=local_path(values.get("ReturnUrl", "")))


def show_home(site: Site, request: FakeRequest) -> FakeResponse:
    """Show who is logged in: GET /fotoweb/views/home."""
    return pages.home_page(browser_user(site, request))


def log_in(site: Site, request: FakeRequest) -> FakeResponse:
    """Check name and password, remember the browser: POST /fotoweb/views/login."""
    form = request.form()
    return_url = local_path(form.get("ReturnUrl", ""))
    user = site.users.get(form.get("username", ""))
    password = form.get("password", "")
    if user is None or not password or not hmac.compare_digest(user.password.encode(), password.encode()):
        return pages.login_page(tuple(site.users.values()), return_url=return_url, failed=True)
    cookie = site.random_text()
    site.browsers[cookie] = user
    set_cookie = f"{BROWSER_COOKIE}={cookie}; Path=/fotoweb/; HttpOnly; SameSite=Lax"
    return redirect(return_url or LOGIN_PATH, (("Set-Cookie", set_cookie),))


def log_out(site: Site, request: FakeRequest) -> FakeResponse:
    """End the browser's FotoWeb session: /fotoweb/services/logout. OAuth tokens live on; FotoWeb's way is unknown."""
    site.browsers.pop(request.cookie(BROWSER_COOKIE) or "", None)
    set_cookie = f"{BROWSER_COOKIE}=; Path=/fotoweb/; HttpOnly; SameSite=Lax; Max-Age=0"
    return redirect(LOGIN_PATH, (("Set-Cookie", set_cookie),))


def local_path(url: str) -> str:
    """Give a path of this site unchanged and anything else as nothing, so that no link leads elsewhere."""
    return quote(url, safe="/?&=%:+~.-_;") if url.startswith("/fotoweb/") else ""
