"""What a person does in the browser, without one: follow the pages of a login and press a button."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse
from fotoweb_middleware.testing.fake_fotoweb.registration import User

__all__ = ["walk_login"]

HIDDEN_FIELD: Final = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
MOST_STEPS: Final = 8


def walk_login(
    handle: Callable[[FakeRequest], FakeResponse], authorize_url: str, user: User, *, deny: bool = False
) -> str:
    """Log in and answer the consent page, starting without cookies.

    Args:
        handle: the site.
        authorize_url: absolute, or a path.
        user: who logs in.
        deny: press Deny instead of Allow.

    Returns:
        The address that leads away from FotoWeb.

    Raises:
        AssertionError: when FotoWeb shows an error page, or the way has no end.
    """
    url, fields, cookies = authorize_url, None, ""
    start = urlsplit(authorize_url)
    for _ in range(MOST_STEPS):
        given = handle(_request(url, fields, cookies))
        set_cookie = given.header("set-cookie")
        cookies = set_cookie.split(";")[0] if set_cookie else cookies
        if given.status == 302:
            url, fields = urljoin(url, given.header("location") or ""), None
            target = urlsplit(url)
            if (target.scheme, target.netloc) != (start.scheme, start.netloc) or "/fotoweb/" not in target.path:
                return url
        else:
            url, fields = _fill_in(url, given, user, deny=deny)
    raise AssertionError("the login has no end")


def _request(url: str, fields: dict[str, str] | None, cookies: str) -> FakeRequest:
    parts = urlsplit(url)
    headers = (("cookie", cookies),) if cookies else ()
    body = urlencode(fields).encode() if fields is not None else b""
    method = "GET" if fields is None else "POST"
    return FakeRequest(method, parts.path, parts.query, headers, body, f"{parts.scheme}://{parts.netloc}")


def _fill_in(url: str, given: FakeResponse, user: User, *, deny: bool) -> tuple[str, dict[str, str]]:
    page = given.body.decode()
    hidden = {name: value.replace("&amp;", "&") for name, value in HIDDEN_FIELD.findall(page)}
    if given.status == 200 and "ReturnUrl" in hidden:
        return urljoin(url, "/fotoweb/views/login"), {**hidden, "username": user.user_name, "password": user.password}
    if given.status == 200 and "request" in hidden:
        return urljoin(url, "/fotoweb/oauth2/consent"), {**hidden, "decision": "deny" if deny else "allow"}
    raise AssertionError(f"FotoWeb shows an error page with status {given.status}")
