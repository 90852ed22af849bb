"""Visits pages that Flask-Caching and fastapi-cache keep, and prints as JSON what everybody read.

A program of its own, ``python -m tests.stress.cached_apps``: the packages live in an environment of their own.
"""

from __future__ import annotations

import itertools
import json
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.responses import PlainTextResponse
from fastapi_cache import FastAPICache
from fastapi_cache.backends.inmemory import InMemoryBackend
from fastapi_cache.decorator import cache as cached
from flask import Flask
from flask import request as flask_request
from flask_caching import Cache
from starlette.requests import Request

from fotoweb_middleware import Session, get_session
from tests.integrations.cached_pages import COOKIES, Interface, page_of, visit
from tools.code_blocks import DOCS, blocks_of

PAGE = DOCS / "reference" / "requests.md"


def key_function(package: str) -> Any:
    """Return the key function that the page shows for a package."""
    names: dict[str, Any] = {}
    [block] = blocks_of(PAGE, f"python {package}")
    exec(compile(block, PAGE.name, "exec"), names)  # noqa: S102 (our own page)
    return names["key_of_user"]


def flask_app(*, with_key: bool) -> Any:
    """Return a Flask app with a cached page."""
    app = Flask(__name__)
    cache = Cache(app, config={"CACHE_TYPE": "SimpleCache"})

    @app.get("/")
    @cache.cached(make_cache_key=key_function("flask-caching") if with_key else None)
    def private() -> str:
        return page_of(get_session(flask_request))

    return app


def fastapi_app(*, with_key: bool) -> Any:
    """Return a FastAPI app with a cached page."""
    app = FastAPI()
    FastAPICache.reset()
    FastAPICache.init(InMemoryBackend(), prefix=f"app {id(app)}", expire=60)  # All backends share one memory.

    @app.get("/", response_class=PlainTextResponse)
    @cached(key_builder=key_function("fastapi-cache2") if with_key else None)
    async def private(session: Annotated[Session | None, Depends(session_of)]) -> str:
        return page_of(session)

    return app


def session_of(request: Request) -> Session | None:
    """Return the user's session."""
    return get_session(request)


def main() -> None:
    """Visit each page, with the page's key function and without, with the header and without."""
    apps: dict[str, tuple[Interface, Any]] = {
        "Flask-Caching": ("wsgi", flask_app),
        "fastapi-cache": ("asgi", fastapi_app),
    }
    found = {}
    for (name, (interface, make)), with_key, cookie, inject_header in itertools.product(
        apps.items(), (True, False), COOKIES, (True, False)
    ):
        key = f"{name}, {'key' if with_key else 'no key'}, {cookie or 'no cookie'}, {inject_header=}"
        found[key] = visit(interface, make(with_key=with_key), "/", cookie=cookie, inject_header=inject_header)
    print(json.dumps({"visits": found}))  # noqa: T201 (its answer)


if __name__ == "__main__":
    main()
