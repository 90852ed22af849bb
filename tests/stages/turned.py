"""A site whose clocks a test turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fotoweb_middleware.site import Site, open_site
from tests.settings.samples import settings
from tests.site.samples import NOW, counted_entropy


@dataclass
class Clocks:
    """Both clocks: the wall's, in epoch seconds, and the one that never jumps."""

    wall: float = NOW
    monotonic: float = 0.0


def a_turned_site(clocks: Clocks, *, shared_cache: bool = False, **changes: Any) -> Site:
    """Return a site that goes by these clocks."""
    return open_site(
        settings(**changes),
        clock=lambda: clocks.wall,
        monotonic=lambda: clocks.monotonic,
        entropy=counted_entropy(),
        shared_cache=shared_cache,
    )
