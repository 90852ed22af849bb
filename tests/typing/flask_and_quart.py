"""What users write with the integrations of Flask and Quart, as a type checker sees it; nobody runs it."""

from __future__ import annotations

from typing import assert_type

from flask import Flask
from quart import Quart

from fotoweb_middleware import Session, Settings, User
from fotoweb_middleware.integrations import flask as for_flask
from fotoweb_middleware.integrations import quart as for_quart


def flask_app(app: Flask, other: Flask, settings: Settings) -> None:
    """An app is wrapped in one line, or by a factory."""
    for_flask.FotoWeb(app)
    extension = for_flask.FotoWeb(settings=settings)
    extension.init_app(other)
    for_flask.FotoWeb(Quart("main"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def quart_app(app: Quart, other: Quart, settings: Settings) -> None:
    """So it is in Quart."""
    for_quart.FotoWeb(app)
    extension = for_quart.FotoWeb(settings=settings)
    extension.init_app(other)
    for_quart.FotoWeb(Flask("main"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


app, quart = Flask("main"), Quart("main")


@app.get("/archives/<int:number>")
@for_flask.login_required
def sync_view(number: int) -> str:
    """A view's session has its type, and the decorator keeps the view's."""
    assert_type(for_flask.current_session, Session)
    assert_type(for_flask.current_session.user, User | None)
    assert_type(for_flask.current_session.fresh_token(), str)
    return str(number)


@quart.get("/archives/<int:number>")
@for_quart.login_required
async def async_view(number: int) -> str:
    """So they do in Quart."""
    assert_type(for_quart.current_session, Session)
    assert_type(await for_quart.current_session.afresh_token(), str)
    return str(number)


@quart.websocket("/live")
@for_quart.login_required
async def websocket() -> None:
    """WebSockets as well."""


async def calls() -> None:
    """The arguments of a guarded view are still checked."""
    assert_type(sync_view(5000), str)
    assert_type(await async_view(5000), str)
    sync_view("5000")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
