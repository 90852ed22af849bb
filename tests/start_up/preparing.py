"""A trial for ``test_imports``, in a fresh process: what is there once an ASGI app has started up."""

from __future__ import annotations

import asyncio
import json
import sys

from tests.start_up.building import built

__all__ = ["tell_imports_of_preparing"]


async def nothing(*_: object) -> None:
    """Receive and send nothing."""


def tell_imports_of_preparing(kind: str, cache: str) -> None:
    """Print which modules are there after lifespan's start-up."""
    asyncio.run(built(kind, cache)({"type": "lifespan"}, nothing, nothing))
    print(json.dumps(sorted(sys.modules)))  # noqa: T201 (the test reads it)
