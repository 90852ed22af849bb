"""The Python on the how-to pages and in the README runs, and does what the page says."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from starlette.testclient import TestClient

from fotoweb_middleware import Session
from fotoweb_middleware.testing import FakeFotoWeb
from tests.docs.conftest import RunPage
from tests.examples.browser import browse
from tools.code_blocks import HOW_TO, blocks_of

README = Path(__file__).parents[2] / "README.md"


def test_every_page_with_python_is_run() -> None:
    """No how-to page has Python that no test runs."""
    with_python = {path.name for path in HOW_TO.glob("*.md") if blocks_of(path)}

    here = {"first-login.md", "call-the-api.md", "read-the-log.md", "streams-and-websockets.md"}
    here |= {"choose-who-may-enter.md"}
    here |= {"jobs.md"}  # The workers: tests/stress/test_jobs.py
    here |= {"fastapi.md", "flask.md", "litestar.md", "quart.md", "starlette.md", "test-your-app.md"}
    # test_pages_with_tests.py, test_flask_and_quart_pages.py
    here |= {"django.md"}  # test_django_page.py
    here |= {"fotoweb-api.md"}  # test_recipes.py
    here |= {"write-your-own-store.md"}  # tests/testing
    here |= {"watch-events.md"}  # test_events_page.py
    here |= {"real-apps.md"}  # make real-apps
    assert with_python == here


@pytest.mark.parametrize(("number", "kind"), [(0, "asgi"), (1, "wsgi")])
def test_the_apps_of_the_readme_greet(
    number: int, kind: Literal["asgi", "wsgi"], variables: None, fotoweb: FakeFotoWeb
) -> None:
    """Both apps of the README greet their user by name."""
    names: dict[str, Any] = {"__name__": "main"}
    exec(compile(blocks_of(README)[number], "README.md", "exec"), names)  # noqa: S102 (our own page)

    with browse(kind, names["app"]) as browser:
        browser.go(fotoweb.approve(browser.go("/").headers["location"]))

        assert browser.go("/").json() == {"hello": "Alice Berg"}


def test_the_log_page_turns_the_lines_on(run_page: RunPage) -> None:
    """What read-the-log.md says to write lets the INFO lines through."""
    logger = logging.getLogger("fotoweb_middleware")
    before = logger.level
    try:
        run_page("read-the-log.md")

        assert logger.isEnabledFor(logging.INFO)
    finally:
        logger.setLevel(before)


def test_the_first_login_greets(run_page: RunPage, fotoweb: FakeFotoWeb) -> None:
    """The app of first-login.md greets its user by name."""
    with browse("asgi", run_page("first-login.md")["application"]) as browser:
        browser.go(fotoweb.approve(browser.go("/").headers["location"]))

        assert browser.go("/").text == "Hello Alice Berg"


def test_the_api_is_called_with_one_client(run_page: RunPage, fotoweb: FakeFotoWeb) -> None:
    """The Starlette app of call-the-api.md lists the user's archives, with the client that its lifespan opened."""
    names = run_page("call-the-api.md")

    async def with_lifespan(scope: Any, receive: Any, send: Any) -> None:
        async with names["lifespan"](names["app"]) as state:
            await names["app"]({**scope, "state": state}, receive, send)

    with browse("asgi", with_lifespan) as browser:
        browser.go(fotoweb.approve(browser.go("/").headers["location"]))

        assert browser.go("/").json() == ["Nordic coast", "Garden and greenhouse"]


def test_the_api_is_called_from_a_sync_app(run_page: RunPage, session: Session) -> None:
    """The sync function of call-the-api.md tells who the user is."""
    names = run_page("call-the-api.md")

    with httpx.Client(base_url=names["settings"].url) as client:
        assert names["who_am_i"](client, session)["userName"] == "alice"


def test_who_may_enter_is_chosen(
    variables: None, fotoweb: FakeFotoWeb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The FastAPI app of choose-who-may-enter.md admits who sees the archive, the Flask app who is not blocked."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "main"}
    for block in blocks_of(HOW_TO / "choose-who-may-enter.md"):
        exec(compile(block, "choose-who-may-enter.md", "exec"), names)  # noqa: S102 (our own page)

    def enter(kind: Literal["asgi", "wsgi"], app: Any, user: str) -> int:
        with browse(kind, app) as browser:
            return browser.go(fotoweb.approve(browser.go("/").headers["location"], user)).status_code

    assert [enter("asgi", names["app"], user) for user in ("alice", "bob")] == [302, 403]
    assert enter("wsgi", names["flask_app"], "alice") == 302
    with contextlib.closing(sqlite3.connect("users.db")) as database, database:
        assert database.execute("SELECT id, name FROM users").fetchall() == [(15021, "Alice Berg")]
        database.execute("UPDATE users SET blocked = 1")
    assert enter("wsgi", names["flask_app"], "alice") == 403


def test_the_websocket_answers_and_the_stream_runs(run_page: RunPage, fotoweb: FakeFotoWeb, session: Session) -> None:
    """On streams-and-websockets.md the WebSocket, the work after an answer and the stream call FotoWeb as the user."""
    names = run_page("streams-and-websockets.md")

    async def first_event() -> str:
        stream = names["events"](session)
        event: str = await anext(stream)
        await stream.aclose()
        return event

    with TestClient(names["app"], base_url="http://localhost:8000") as browser:
        sent_to = browser.get("/chat", headers={"Accept": "text/html"}, follow_redirects=False).headers["location"]
        browser.get(fotoweb.approve(sent_to), follow_redirects=False)
        cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}

        with browser.websocket_connect("ws://localhost:8000/chat", headers=cookies) as socket:
            socket.send_text("hello")
            assert socket.receive_json() == {"status": 200}
        assert browser.post("/start/first", headers=cookies).status_code == 202
        assert browser.portal is not None
        assert browser.portal.call(first_event) == "data: 200\n\n"
        browser.portal.call(names["fotoweb"].aclose)

    assert names["archives_seen"] == {"first": 2}
