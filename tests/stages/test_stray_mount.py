"""A path that some frameworks cut at a mount in its middle is never public."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware import asgi
from fotoweb_middleware.stages.classify import Route, classify
from tests.flows.conftest import World
from tests.flows.conftest import world as world  # noqa: PLC0414 (a fixture)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/sub/static/x", Route.OPEN),
        ("/sub/static/sub/x", Route.OPEN),
        ("/static/x", Route.OPEN),
        ("/static/sub/private", Route.PROTECTED),
        ("/static/subprivate", Route.PROTECTED),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_mount_in_the_middle_of_a_path(world: World, kind: str, path: str, route: Route) -> None:
    """Where the server leaves the mount out of the path, one that holds it further on could be read in two ways.

    Hypercorn leaves it out, and Litestar cuts at the first place: /static/sub/private is /private to it.
    """
    site = world.gate.site
    object.__setattr__(site, "public_prefixes", ("/static/",))
    scope: dict[str, Any] = {"type": kind, "path": path, "root_path": "/sub", "headers": []}

    assert classify(site, asgi.view_of(scope)) is route
