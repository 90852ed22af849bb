"""What users write with the integrations of FastAPI, Starlette and Litestar, as type checkers see it; never run."""

from __future__ import annotations

from typing import Any, assert_type

from fastapi import FastAPI, WebSocket
from litestar import Litestar, get
from litestar.di import NamedDependency
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request

from fotoweb_middleware import FotoWebASGIMiddleware, Session, Settings, User
from fotoweb_middleware.integrations import fastapi as for_fastapi
from fotoweb_middleware.integrations import starlette as for_starlette
from fotoweb_middleware.integrations.fastapi import CurrentUser, OptionalSession, SignedIn
from fotoweb_middleware.integrations.litestar import FotoWebPlugin, signed_in
from fotoweb_middleware.integrations.starlette import FotoWebAuthBackend, FotoWebUser


async def path_operation(session: SignedIn, perhaps: OptionalSession, user: CurrentUser) -> None:
    """FastAPI's dependencies have the types of what they inject."""
    assert_type(session, Session)
    assert_type(perhaps, Session | None)
    assert_type(user, User)


async def websocket_endpoint(websocket: WebSocket, session: SignedIn) -> None:
    """So they have in a WebSocket endpoint."""
    assert_type(await session.afresh_token(), str)


def fastapi_app() -> FastAPI:
    """The handlers fit FastAPI."""
    app = FastAPI(exception_handlers=for_fastapi.exception_handlers)
    app.add_middleware(FotoWebASGIMiddleware, settings=Settings())
    return app


def starlette_app() -> Starlette:
    """The backend and the handlers fit Starlette."""
    return Starlette(
        middleware=[
            Middleware(FotoWebASGIMiddleware, settings=Settings()),
            Middleware(AuthenticationMiddleware, backend=FotoWebAuthBackend()),
        ],
        exception_handlers=for_starlette.exception_handlers,
    )


def who_is_it(request: Request) -> None:
    """Starlette's user is Any; ``FotoWebUser`` says what it is."""
    user: Any = request.user
    if isinstance(user, FotoWebUser):
        assert_type(user.session, Session)
        assert_type(user.display_name, str)
        assert_type(user.identity, str)


@get("/", guards=[signed_in])
async def handler(fotoweb_session: NamedDependency[Session]) -> str:
    """The dependency has the type that the handler gives it."""
    assert_type(fotoweb_session, Session)
    return fotoweb_session.access_token


def litestar_app() -> Litestar:
    """The plugin takes settings, or reads the environment."""
    return Litestar([handler], plugins=[FotoWebPlugin(), FotoWebPlugin(Settings())])
