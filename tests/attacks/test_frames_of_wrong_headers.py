"""Where the app's own response headers are wrong, no frame of ours tells the session cookie that comes with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio.from_thread
import pytest

from tests.attacks.in_process import open_site
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.attacks.test_log_in_process import locals_of
from tests.behaviour.kit import NAVIGATION, Visited

ANSWERS = {
    "asgi": {"type": "http.response.start", "status": 200, "headers": [("content-type", "text, where bytes belong")]},
    "wsgi": [("Content-Type", "text/plain", "one too many")],
}


def request_of(site: Visited, headers: list[tuple[str, str]]) -> Callable[[], Any]:
    """Return what asks for a page of an app that answers as above."""
    adapter: Any = site.adapter
    if isinstance(ANSWERS[kind_of(site)], list):

        def wsgi(_environ: Any, start_response: Any) -> Any:
            start_response("200 OK", ANSWERS["wsgi"])
            return []

        site.app.instead = wsgi
        return partial(site.middleware, adapter.environ("GET", "/", headers, b""), lambda *_: None)

    async def asgi(_scope: Any, _receive: Any, send: Any) -> None:
        await send(ANSWERS["asgi"])

    async def nothing(*_: Any) -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    site.app.instead = asgi
    return partial(adapter.portal.call, adapter.app, adapter.scope("http", "GET", "/", headers), nothing, nothing)


def kind_of(site: Visited) -> str:
    """Return which middleware it is."""
    return "asgi" if hasattr(site.adapter, "portal") else "wsgi"


@pytest.mark.parametrize("adapter", ["asgi", "wsgi"])
def test_tracebacks_of_wrong_headers(
    adapter: str, portal: anyio.from_thread.BlockingPortal, fotoweb: ScriptedFotoWeb
) -> None:
    """The frame that fails at the app's headers has none of ours in it (T-LG-03)."""
    site = open_site(adapter, portal, fotoweb, cookie_mode="sealed")
    visitor = site.visitor(fotoweb.new_user())
    visitor.log_in()
    site.clock.advance(3601)  # The next answer carries a new session cookie.

    with pytest.raises((TypeError, ValueError)) as raised:
        request_of(site, [*NAVIGATION.items(), *visitor.jar.header("/")])()

    site.close()
    assert re.findall("__Host-fotoweb=.{20}", "\n".join(locals_of(raised.value))) == []
