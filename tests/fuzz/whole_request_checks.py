"""What must hold of a whole request: both middlewares agree, and only a session of ours opens what is closed."""

from __future__ import annotations

import contextlib
import functools
import re
from typing import Any
from urllib.parse import unquote

import anyio.from_thread

from fotoweb_middleware.cookies import is_own
from tests.behaviour.adapters import APP, Reply
from tests.behaviour.kit import FOTOWEB, Opening, Visited
from tests.core.samples import SECURE
from tests.fuzz.browser_url import origin_of, resolved_path, stays_at

__all__ = ["SESSION_COOKIE", "check_request"]

TRUSTED = "https://partner.example"
PUBLIC = re.compile(r"/health|/static(/.*)?", re.DOTALL)
HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^`|~-]{1,40}")
NO_HEADER_TEXT = re.compile(r"[\x00\r\n]")
SESSION_COOKIE = "the-session-cookie-of-anna"
"""What stands in an input for a session cookie that both middlewares know."""

KEPT_OPEN = contextlib.ExitStack()
"""Ends with the process."""

OWN_PAGES = re.compile("/oauth2/(login|callback|logout|session)")


@functools.cache
def sites() -> tuple[tuple[Visited, str], ...]:
    """Return both middlewares, each with the Cookie header of somebody who is logged in there."""
    portal = KEPT_OPEN.enter_context(anyio.from_thread.start_blocking_portal("asyncio"))
    changes = {"public_paths": ("/health", "/static/*"), "trusted_origins": (TRUSTED,)}
    found = []
    for adapter in ("asgi", "wsgi"):
        site = Opening(adapter, portal, "sealed", changes).open()
        visitor = site.visitor()
        visitor.log_in()
        visitor.jar.forget_logins()
        found.append((site, visitor.jar.header("/")[0][1]))
    return tuple(found)


def check_request(data: bytes) -> None:
    """No request raises, both middlewares decide alike, and what the app gets is what it may get."""
    lines = data.decode("latin-1").split("\n")
    method, _, target = lines[0].partition(" ")
    pairs = [(name.lower(), value.strip(" \t")) for name, _, value in (line.partition(":") for line in lines[1:])]
    headers = [pair for pair in pairs if HEADER_NAME.fullmatch(pair[0]) and not NO_HEADER_TEXT.search(pair[1])]
    if not method or [name for name, _ in headers].count("host") > 1:
        return  # Servers refuse that (RFC 9112, 3.2).
    statuses = []
    for site, cookie in sites():
        asked = [(name, value.replace(SESSION_COOKIE, cookie)) for name, value in headers]
        reply = site.adapter.request(method, target, asked)
        has_session = cookie in dict(asked).get("cookie", "")
        check_reply(reply, target, dict(asked), has_session=has_session)
        statuses.append(reply.status)
    # Bytes that are no UTF-8 are told apart by one of them alone, and two of one header are joined by the servers.
    is_text = target.isascii() and "\ufffd" not in unquote(target.partition("?")[0], errors="replace")
    if is_text and len({name for name, _ in headers}) == len(headers) and not OWN_PAGES.search(target):
        assert len(set(statuses)) == 1, "the middlewares disagree"


def check_reply(reply: Reply, target: str, headers: dict[str, str], *, has_session: bool) -> None:
    """Hold an answer against what the request showed."""
    if b'"has_key"' in reply.body:
        check_call(reply.seen, target, headers, has_session=has_session)
        return
    assert 200 <= reply.status < 500
    for name, value in reply.headers:
        assert HEADER_NAME.fullmatch(name.lower())
        assert value.isascii()
        assert not NO_HEADER_TEXT.search(value)
        if name.lower() == "location":
            assert origin_of(value) == FOTOWEB or stays_at(APP, value), f"sent to {value!r}"
        if name.lower() == "set-cookie":
            assert len(value.partition(";")[0]) <= 4097


def check_call(seen: dict[str, Any], target: str, headers: dict[str, str], *, has_session: bool) -> None:
    """The app sees no cookie of ours, and what is closed with a session alone."""
    for piece in re.split("[;,]", seen["cookie"] or ""):
        name, equals, _ = piece.strip(" \t").partition("=")
        assert not (equals and is_own(name, SECURE)), "the app sees a cookie of ours"
    if seen["token"] is not None:
        assert has_session
        assert seen["user"] == "alice"
        return
    if headers.get("origin", "").lower() == TRUSTED and "access-control-request-method" in headers:
        return
    path = resolved_path(APP, target.partition("?")[0])
    assert path is not None
    assert PUBLIC.fullmatch(unquote(path)), f"{path!r} is not public"
    assert PUBLIC.fullmatch(spelt_alike(path)), f"{path!r} is not public to who takes %2f for no slash"


def spelt_alike(path: str) -> str:
    """Return a path with what means the same when encoded decoded, and nothing else (RFC 3986, 6.2.2.2)."""
    same = "%(2[DE]|3[0-9]|[46][1-9A-F]|[57][0-9A]|5F|7E)"
    return re.sub(same, lambda found: unquote(found[0]), path, flags=re.IGNORECASE)
