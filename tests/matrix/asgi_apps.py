"""The same small app in each ASGI framework, as its own documentation would write it. ``TEST_FRAMEWORK`` names one.

``/me``: what the app sees of its user, as JSON.
``/stream?pacer=PORT``: ten chunks, each when the test has the one before.
``/upload?pacer=PORT``: reads the body piece by piece, and tells its length and digest.
``/form``: the field "word" of a posted form.
``/ws``: a WebSocket that tells what ``/me`` does, and then sends each message back.
"""

import os
from collections.abc import AsyncIterable, Callable
from typing import Annotated, Any

from fotoweb_middleware import get_session
from tests.servers import echo_app
from tests.servers.echo_app import Upload, paced_chunks_async, told

__all__ = ["app"]

App = Any


def seen_by_app(request: Any) -> str:
    """Return what an app sees, taken from its framework's own request or WebSocket."""
    headers = request.headers
    return told(get_session(request), headers.get("authorization"), headers.get("cookie"), {}).decode()


async def take(parts: AsyncIterable[bytes], port: int) -> dict[str, int | str]:
    """Read a body."""
    upload = Upload(port)
    async for part in parts:
        upload.add(part)
    return upload.told()


def fastapi() -> App:
    """FastAPI."""
    from fastapi import FastAPI, Form, Request, Response, WebSocket
    from fastapi.responses import StreamingResponse

    app = FastAPI()

    @app.get("/me")
    async def me(request: Request) -> Response:
        return Response(seen_by_app(request), media_type="application/json")

    @app.get("/stream")
    async def stream(pacer: int) -> StreamingResponse:
        return StreamingResponse(paced_chunks_async(pacer))

    @app.post("/upload")
    async def upload(request: Request, pacer: int = 0) -> dict[str, int | str]:
        return await take(request.stream(), pacer)

    @app.post("/form")
    async def form(word: Annotated[str, Form()]) -> dict[str, str]:
        return {"word": word}

    @app.websocket("/ws")
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(seen_by_app(websocket))
        async for text in websocket.iter_text():
            await websocket.send_text(f"echo {text}")

    return app


def starlette() -> App:
    """Starlette."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Route, WebSocketRoute
    from starlette.websockets import WebSocket

    async def me(request: Request) -> Response:
        return Response(seen_by_app(request), media_type="application/json")

    async def stream(request: Request) -> Response:
        return StreamingResponse(paced_chunks_async(int(request.query_params["pacer"])))

    async def upload(request: Request) -> Response:
        return JSONResponse(await take(request.stream(), int(request.query_params.get("pacer", 0))))

    async def form(request: Request) -> Response:
        async with request.form() as fields:
            return JSONResponse({"word": fields["word"]})

    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(seen_by_app(websocket))
        async for text in websocket.iter_text():
            await websocket.send_text(f"echo {text}")

    return Starlette(
        routes=[
            Route("/me", me),
            Route("/stream", stream),
            Route("/upload", upload, methods=["POST"]),
            Route("/form", form, methods=["POST"]),
            WebSocketRoute("/ws", ws),
        ]
    )


def litestar() -> App:
    """Litestar."""
    from litestar import Litestar, Request, WebSocket, get, post, websocket
    from litestar.enums import RequestEncodingType
    from litestar.exceptions import WebSocketDisconnect
    from litestar.params import Body
    from litestar.response import Response, Stream

    @get("/me")
    async def me(request: Request[Any, Any, Any]) -> Response[str]:
        return Response(seen_by_app(request), media_type="application/json")

    @get("/stream")
    async def stream(pacer: int) -> Stream:
        return Stream(paced_chunks_async(pacer))

    @post("/upload", status_code=200)
    async def upload(request: Request[Any, Any, Any], pacer: int = 0) -> dict[str, int | str]:
        return await take(request.stream(), pacer)

    @post("/form", status_code=200)
    async def form(data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]) -> dict[str, str]:
        return {"word": data["word"]}

    @websocket("/ws")
    async def ws(socket: WebSocket[Any, Any, Any]) -> None:
        await socket.accept()
        await socket.send_text(seen_by_app(socket))
        try:
            while True:
                await socket.send_text(f"echo {await socket.receive_text()}")
        except WebSocketDisconnect:
            pass

    return Litestar([me, stream, upload, form, ws])


def quart() -> App:
    """Quart."""
    from quart import Quart, Response, request, websocket

    app = Quart(__name__)

    @app.get("/me")
    async def me() -> Response:
        return Response(seen_by_app(request), content_type="application/json")

    @app.get("/stream")
    async def stream() -> Response:
        return Response(paced_chunks_async(int(request.args["pacer"])))

    @app.post("/upload")
    async def upload() -> dict[str, int | str]:
        return await take(request.body, int(request.args.get("pacer", 0)))

    @app.post("/form")
    async def form() -> dict[str, str]:
        return {"word": (await request.form)["word"]}

    @app.websocket("/ws")
    async def ws() -> None:
        await websocket.send(seen_by_app(websocket))
        while True:
            text: Any = await websocket.receive()
            await websocket.send(f"echo {text}")

    return app


def django() -> App:
    """Django under ASGI; WebSockets are the business of Channels, which is not tried here."""
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
    from django.urls import path

    async def me(request: HttpRequest) -> HttpResponse:
        return HttpResponse(seen_by_app(request), content_type="application/json")

    async def stream(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(paced_chunks_async(int(request.GET["pacer"])))

    async def upload(request: HttpRequest) -> HttpResponse:
        taken = Upload(int(request.GET.get("pacer", 0)))
        for part in iter(lambda: request.read(65_536), b""):
            taken.add(part)
        return JsonResponse(taken.told())

    async def form(request: HttpRequest) -> HttpResponse:
        return JsonResponse({"word": request.POST["word"]})

    pages = {"me": me, "stream": stream, "upload": upload, "form": form}
    settings.configure(
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF=tuple(path(name, view) for name, view in pages.items()),
        SECRET_KEY="a key that signs nothing",
    )
    return get_asgi_application()


def falcon() -> App:
    """Falcon under ASGI."""
    import falcon.asgi

    class Me:
        async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
            response.text = seen_by_app(request)

    class Stream:
        async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
            response.stream = paced_chunks_async(request.get_param_as_int("pacer", required=True))

    class Upload:
        async def on_post(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
            response.media = await take(request.stream, request.get_param_as_int("pacer", default=0))

    class Form:
        async def on_post(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
            response.media = {"word": (await request.get_media())["word"]}

    class Socket:
        async def on_websocket(self, request: falcon.asgi.Request, websocket: falcon.asgi.WebSocket) -> None:
            await websocket.accept()
            await websocket.send_text(seen_by_app(request))
            try:
                while True:
                    await websocket.send_text(f"echo {await websocket.receive_text()}")
            except falcon.WebSocketDisconnected:
                pass

    mount = os.environ.get("TEST_MOUNT", "")  # Falcon's routes hold it: it does not take root_path off the path.
    app = falcon.asgi.App()
    pages = {"/me": Me(), "/stream": Stream(), "/upload": Upload(), "/form": Form(), "/ws": Socket()}
    for route, resource in pages.items():
        app.add_route(mount + route, resource)
    return app


def plain() -> App:
    """No framework at all."""
    return echo_app.asgi


def asgi2() -> App:
    """An app of the older kind, called twice: once with the scope, once with the two channels."""

    def with_scope(scope: Any) -> Callable[[Any, Any], Any]:
        async def with_channels(receive: Any, send: Any) -> None:
            await echo_app.asgi(scope, receive, send)

        return with_channels

    return with_scope


APPS: dict[str, Callable[[], App]] = {
    "fastapi": fastapi,
    "starlette": starlette,
    "litestar": litestar,
    "quart": quart,
    "django-asgi": django,
    "falcon-asgi": falcon,
    "plain-asgi": plain,
    "asgi2": asgi2,
}

app = APPS[os.environ["TEST_FRAMEWORK"]]()
