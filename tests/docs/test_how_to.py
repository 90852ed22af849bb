"""The how-to pages: their Python runs, their variables, commands and links are real."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fotoweb_middleware import Session
from fotoweb_middleware.cli.app import app as command_line
from fotoweb_middleware.pages import LoopCause, StateProblem
from fotoweb_middleware.settings.texts import ABOUT
from fotoweb_middleware.testing import FakeFotoWeb
from tests.examples.browser import browse

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted([*(DOCS / "how-to").glob("*.md"), *(DOCS / "adr").glob("*.md"), DOCS / "where-is-it.md"])
IDS = [path.name for path in PAGES]

RunPage = Callable[[str], dict[str, Any]]


@pytest.mark.parametrize("cause", [*StateProblem, *LoopCause])
def test_every_cause_is_explained(cause: StateProblem | LoopCause) -> None:
    """The page about the log has a row for each cause that stands there and at the foot of a page."""
    assert f"`{cause.value}`" in (DOCS / "how-to/read-the-log.md").read_text(encoding="utf-8").partition("## Causes")[2]


@pytest.fixture
def fotoweb() -> FakeFotoWeb:
    """Return a simulator; its one application is registered with http://localhost:8000/oauth2/callback."""
    return FakeFotoWeb()


@pytest.fixture
def run_page(fotoweb: FakeFotoWeb, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunPage]:
    """Return a function that runs a page's Python from top to bottom, with the four variables set."""

    def run(name: str) -> dict[str, Any]:
        names: dict[str, Any] = {}
        blocks = python_blocks(name)
        assert blocks
        for block in blocks:
            exec(compile(block, name, "exec"), names)  # noqa: S102 (our own page)
        return names

    with fotoweb.serve() as url:
        monkeypatch.setenv("FOTOWEB_URL", url)
        monkeypatch.setenv("FOTOWEB_CLIENT_ID", fotoweb.client.client_id)
        monkeypatch.setenv("FOTOWEB_CLIENT_SECRET", fotoweb.client.client_secret)
        monkeypatch.setenv("FOTOWEB_SECRET_KEY", "kQ3vX9rT6bL1mZ8cW4nP7sD2fH5jY0gA")
        yield run


def python_blocks(name: str) -> list[str]:
    """Return the Python on a page, block by block."""
    text = (DOCS / "how-to" / name).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_every_page_with_python_is_run() -> None:
    """No page has Python that no test here runs."""
    with_python = {path.name for path in (DOCS / "how-to").glob("*.md") if python_blocks(path.name)}

    elsewhere = {"write-your-own-cache.md"}  # tests/testing/test_cache_contract_how_to.py
    assert with_python - elsewhere == {"first-login.md", "call-the-api.md", "read-the-log.md", "test-your-app.md"}


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


def test_the_api_is_called_from_a_sync_app(run_page: RunPage, fotoweb: FakeFotoWeb) -> None:
    """The sync function of call-the-api.md tells who the user is."""
    names = run_page("call-the-api.md")
    sessions: list[Session] = []

    async def keep_session(scope: Any, receive: Any, send: Any) -> None:
        sessions.append(names["get_session"](scope))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with browse("asgi", names["FotoWebASGIMiddleware"](keep_session)) as browser:
        browser.go(fotoweb.approve(browser.go("/").headers["location"]))
        browser.go("/")

    with httpx.Client(base_url=names["settings"].url) as client:
        assert names["who_am_i"](client, sessions[0])["userName"] == "alice"


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_every_variable_is_one(path: Path) -> None:
    """A page names no ``FOTOWEB_*`` variable that is no setting."""
    named = set(re.findall(r"FOTOWEB_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8")))
    settings = {f"FOTOWEB_{name.upper()}" for name in ABOUT}
    files = {f"FOTOWEB_{name.upper()}_FILE" for name, about in ABOUT.items() if about.from_file}

    assert named - settings - files - {"FOTOWEB_UNAVAILABLE"} == set()  # The last one is a Reason.


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_every_command_is_one(path: Path) -> None:
    """A page names no command of ``fotoweb-middleware`` that it does not have."""
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"^`?fotoweb-middleware (\w+)|`fotoweb-middleware (\w+)", text, re.MULTILINE))

    assert {first or second for first, second in named} <= {
        command.name or getattr(command.callback, "__name__", "") for command in command_line.registered_commands
    }


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_every_link_leads_somewhere(path: Path) -> None:
    """A page links to no file that is not there."""
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8"))

    assert [target for target in targets if "://" not in target and not (path.parent / target).exists()] == []


def test_test_of_an_app(run_page: RunPage) -> None:
    """The test that test-your-app.md shows passes."""
    run_page("test-your-app.md")["test_home"]()
