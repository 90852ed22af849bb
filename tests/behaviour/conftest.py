"""Every behaviour is tested through both doors, in both cookie modes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import anyio.from_thread
import pytest

from tests.behaviour.kit import Opening, Visited, Visitor, opened_portal


@pytest.fixture(scope="session")
def portal() -> Iterator[anyio.from_thread.BlockingPortal]:
    """Run one asyncio loop for the whole session."""
    with opened_portal("asyncio") as portal:
        yield portal


@pytest.fixture(params=["asgi", "wsgi"])
def door(request: pytest.FixtureRequest) -> str:
    """Name the door."""
    name: str = request.param
    return name


@pytest.fixture(params=["sealed", "reference"])
def mode(request: pytest.FixtureRequest) -> str:
    """Name the cookie mode."""
    name: str = request.param
    return name


@pytest.fixture
def opening(door: str, mode: str, portal: anyio.from_thread.BlockingPortal) -> Opening:
    """Return the choice that the parameters make."""
    return Opening(door, portal, mode)


@pytest.fixture
def open_site(door: str, mode: str, portal: anyio.from_thread.BlockingPortal) -> Callable[..., Visited]:
    """Return a function that opens a site: ``open_site(session_idle=60)`` or ``open_site(_mount="/sub")``."""

    def open_with(**choices: Any) -> Visited:
        own = {name[1:]: choices.pop(name) for name in list(choices) if name.startswith("_")}
        return Opening(door, portal, mode, changes=choices, **own).open()

    return open_with


@pytest.fixture
def site(open_site: Callable[..., Visited]) -> Visited:
    """Return a site with the default settings."""
    return open_site()


@pytest.fixture
def visitor(site: Visited) -> Visitor:
    """Return somebody who never was there."""
    return site.visitor()


@pytest.fixture
def member(visitor: Visitor) -> Visitor:
    """Return somebody who is logged in."""
    visitor.log_in()
    return visitor
