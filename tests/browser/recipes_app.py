"""An app of the JavaScript in single-page-apps.md and fotoweb-api.md, and of the token route there."""

from __future__ import annotations

import os
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from fotoweb_middleware import require_session
from tests.servers.turned_clock import turn_middlewares
from tools.code_blocks import HOW_TO, blocks_of

__all__ = ["app"]

turn_middlewares()  # Before ``wrap`` makes one.

RECIPES = HOW_TO / "fotoweb-api.md"
SINGLE_PAGE_APPS = HOW_TO / "single-page-apps.md"
PAGE = """<!doctype html>
<title>Recipes</title>
<textarea></textarea>
<button id="who">Who am I?</button> <output id="user"></output>
<button id="choose">Choose</button> <output id="chosen"></output>
<button id="export">Export</button> <output id="exported"></output>
<iframe id="widget" width="800" height="600"></iframe>
<script>
{recipes}
const frame = document.querySelector("#widget");
let chosen;
function onClick(button, output, work) {{
  document.querySelector(button).addEventListener("click", async () => {{
    document.querySelector(output).textContent = await work();
  }});
}}
onClick("#who", "#user", async () => (await (await api("/user")).json()).name);
onClick("#choose", "#chosen", async () => {{
  const message = await openWidget(frame);
  chosen = message.asset;
  return chosen ? chosen.filename : message.event;
}});
onClick("#export", "#exported", async () => {{
  return (await openWidget(frame, chosen)).export.export.image.normal;
}});
</script>
"""
POLICY = f"default-src 'self'; script-src 'unsafe-inline'; frame-src {os.environ['FOTOWEB_URL']}"


async def page(_: Request) -> HTMLResponse:
    """Show the page, with the Content-Security-Policy that the recipe asks for."""
    text = PAGE.format(recipes="\n".join([*blocks_of(SINGLE_PAGE_APPS, "js"), *blocks_of(RECIPES, "js")]))
    return HTMLResponse(text, headers={"Content-Security-Policy": POLICY})


async def user(request: Request) -> JSONResponse:
    """Tell who is signed in."""
    person = require_session(request).user
    return JSONResponse({"name": person.full_name if person else ""})


def recipe(name: str) -> Any:
    """Run the one block that has a function of this name, and return the function."""
    [block] = [one for one in blocks_of(RECIPES) if f"def {name}(" in one]
    names: dict[str, Any] = {}
    exec(compile(block, RECIPES.name, "exec"), names)  # noqa: S102 (our own page)
    return names[name]


app = Starlette(
    routes=[
        Route("/", page),
        Route("/user", user),
        Route("/widget-token", recipe("widget_token"), methods=["POST"]),
    ]
)
