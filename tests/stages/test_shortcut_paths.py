"""Open paths on the short way: which are, and which of them are remembered."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware
from fotoweb_middleware.stages.shortcut import (
    LONGEST_OPEN_PATH,
    LONGEST_RAW_PATH,
    OPEN_PATHS,
    UNKNOWN,
    Shortcut,
    is_open_path,
)
from tests.settings.samples import settings
from tests.site.samples import a_site


@pytest.mark.parametrize(
    ("path", "raw_path", "opens"),
    [
        ("/public/x", "/public/x", True),
        ("/public/x", b"/public/x", True),
        ("/public/x", None, True),
        ("/public/x", "", False),
        ("/public/x", b"", True),
        ("/public/\u00e4", b"/public/\xe4", True),
        ("/public/x", b"http://app.example/public/x", False),
        ("/public/../x", b"/public/%2e%2e/x", False),
        ("/public/x", "/public%2fx", False),
        ("/public/x", "x", False),
        ("public/x", "/public/x", False),
        ("", "", False),
        ("/private", "/private", False),
        ("/oauth2/login", "/oauth2/login", False),
    ],
)
def test_open_path(path: str, raw_path: str | bytes | None, opens: bool) -> None:
    """A public path is open that can be read in one way alone, and as a path."""
    assert is_open_path(a_site(public_paths="/public/*"), path, raw_path) is opens


@pytest.mark.parametrize(("path", "opens"), [("/private", True), ("/oauth2/login", False), ("*", False)])
@pytest.mark.parametrize("has_raw_path", [True, False])
def test_open_where_login_is_optional(path: str, has_raw_path: bool, opens: bool) -> None:
    """With an optional login every path is open but our own."""
    site, raw_path = a_site(login="optional"), path if has_raw_path else None

    assert is_open_path(site, path, raw_path) is opens
    assert Shortcut(site).is_open(path, raw_path) is opens


def test_paths_of_strangers_take_little_memory() -> None:
    """So many verdicts are remembered at most, on paths of so many characters."""
    shortcut = Shortcut(a_site(login="optional"))

    for number in range(OPEN_PATHS):
        shortcut.is_open(f"/{number}", None)
    verdict = shortcut.is_open("/one/more", None)

    remembered: Any = shortcut.is_open
    assert remembered.cache_info().currsize == OPEN_PATHS
    assert (verdict, set(shortcut.opened)) == (True, {f"/{number}" for number in range(OPEN_PATHS)})
    assert (OPEN_PATHS, LONGEST_OPEN_PATH, LONGEST_RAW_PATH) == (500, 200, 600)


@pytest.mark.parametrize(
    ("path", "raw_path", "is_remembered"),
    [
        ("/" + "x" * 199, "/" + "x" * 199, True),
        ("/" + "x" * 200, None, False),
        ("/x", "/x" + "/" * 598, True),
        ("/x", "/x" + "/" * 599, False),
    ],
)
def test_long_paths_are_not_remembered(path: str, raw_path: str | None, is_remembered: bool) -> None:
    """Neither door remembers a path that is long, in one spelling or the other: the stages look at it each time."""
    kinds: list[Any] = [FotoWebASGIMiddleware, FotoWebWSGIMiddleware]
    doors = [kind(None, settings(login="optional", cache="memory://")) for kind in kinds]
    scope: dict[str, Any] = {"path": path, "raw_path": raw_path.encode() if raw_path else None, "headers": []}
    environ = {"PATH_INFO": path, "RAW_URI": raw_path or ""}

    taken = [doors[0]._finds_open(scope), doors[1]._opened(environ) is not None]

    assert taken == [is_remembered] * 2
    assert [list(door._shortcut.opened) for door in doors] == [[path] if is_remembered else []] * 2


def test_open_path_is_remembered_by_both_spellings() -> None:
    """A path that was found open is not open in a spelling that was not looked at."""
    shortcut = Shortcut(a_site(public_paths="/public/*"))

    assert shortcut.is_open("/public/x", "/public/x")
    assert shortcut.opened.get("/public/x", UNKNOWN) == "/public/x"
    assert shortcut.opened.get("/public/y", UNKNOWN) != None  # noqa: E711 (a server that tells no raw path)
    assert not shortcut.is_open("/public/x", "/public%2fx")
    assert shortcut.opened == {"/public/x": "/public/x"}
