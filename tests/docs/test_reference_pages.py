"""The pages of docs/reference/ that are made from the code are current, and nothing is missing from them."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import fotoweb_middleware
from fotoweb_middleware import FotoWebASGIMiddleware, Session
from fotoweb_middleware.testing import FakeFotoWeb
from tests.docs.conftest import RunPage
from tests.examples.browser import browse
from tools import reference_pages
from tools.code_blocks import blocks_of
from tools.reference_pages import FOLDER, PAGES, PROBLEMS, with_generated

API = (FOLDER / "api.md").read_text(encoding="utf-8")
PUBLIC_MODULES = ["client", "events", "stores.base", "testing"]
INTEGRATIONS = [f"integrations.{name}" for name in ("django", "fastapi", "flask", "litestar", "quart", "starlette")]


@pytest.mark.parametrize("name", PAGES)
def test_page_is_current(name: str) -> None:
    """What follows the marker is what the code would write."""
    page = (FOLDER / name).read_text(encoding="utf-8")

    assert page == with_generated(page, PAGES[name]()), "run: python -m tools.reference_pages"


def test_command_writes_every_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command puts the generated part behind the text that is there."""
    for name in PAGES:
        (tmp_path / name).write_text(f"# By hand\n\n{reference_pages.MARKER}\nold\n", encoding="utf-8")
    monkeypatch.setattr(reference_pages, "FOLDER", tmp_path)

    reference_pages.main()

    expected = {name: f"# By hand\n\n{reference_pages.MARKER}\n{generated()}" for name, generated in PAGES.items()}
    assert {name: (tmp_path / name).read_text(encoding="utf-8") for name in PAGES} == expected


def test_every_problem_document_has_a_row() -> None:
    """The table of problem documents has each page that ``views/refusals.py`` gives to programs."""
    code = (Path(fotoweb_middleware.__file__).parent / "views/refusals.py").read_text(encoding="utf-8")

    assert set(re.findall(r'page\(\s*"(\w+)"', code)) == set(PROBLEMS)


@pytest.mark.parametrize("name", ["", *PUBLIC_MODULES, *INTEGRATIONS])
def test_every_public_name_is_on_the_page_of_the_api(name: str) -> None:
    """The page asks mkdocstrings for each name in the ``__all__`` of a public module."""
    module: ModuleType = importlib.import_module(f"fotoweb_middleware.{name}".rstrip("."))
    shown = set(re.findall(rf"^::: {re.escape(module.__name__)}\.(\w+)$", API, re.MULTILINE))

    assert set(module.__all__) <= shown


def test_json_of_the_endpoints_has_the_members_of_the_page(
    variables: None, fotoweb: FakeFotoWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The documents of endpoints.md have the members, and these the types, that the endpoints answer with."""
    monkeypatch.setenv("FOTOWEB_HEALTH", "true")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("the app is not asked")

    with browse("asgi", FotoWebASGIMiddleware(app)) as browser:
        problem = browser.go("/oauth2/session").json()
        browser.go(fotoweb.approve(browser.go("/").headers["location"]))
        answers = [browser.go(f"/oauth2/{path}").json() for path in ("session", "health/live", "health/ready")]

    shown = [json.loads(block) for block in blocks_of(FOLDER / "endpoints.md", "json")]
    assert [shape(each) for each in [*answers, problem]] == [shape(each) for each in shown]
    assert {**problem, "title": "…", "detail": "…"} == shown[-1]


def shape(value: Any) -> Any:
    """Return a document with types in place of its values."""
    return {name: shape(each) for name, each in value.items()} if isinstance(value, dict) else type(value)


def test_errors_of_a_token_are_caught(run_page: RunPage, session: Session) -> None:
    """The function of errors.md returns the token."""
    token_of = run_page("../reference/errors.md")["token_of"]

    assert token_of(session) == session.access_token
