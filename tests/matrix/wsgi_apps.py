"""The same small app in each WSGI framework, as its own documentation would write it. ``TEST_FRAMEWORK`` names one.

The paths are those of ``asgi_apps.py``, but for the WebSocket.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

from fotoweb_middleware import get_session
from tests.servers import echo_app
from tests.servers.echo_app import Upload, paced_chunks, told

__all__ = ["app"]

App = Any
Json = dict[str, int | str]


def seen_by_app(request: Any) -> str:
    """Return what an app sees, taken from its framework's own request, or from its environ."""
    environ = getattr(request, "environ", request)
    return told(get_session(request), environ.get("HTTP_AUTHORIZATION"), environ.get("HTTP_COOKIE"), {}).decode()


def take(read: Callable[[int], bytes], port: int) -> Json:
    """Read a body."""
    upload = Upload(port)
    for part in iter(lambda: read(65_536), b""):
        upload.add(part)
    return upload.told()


def flask() -> App:
    """Flask."""
    from flask import Flask, Response, request

    app = Flask(__name__)

    @app.get("/me")
    def me() -> Response:
        return Response(seen_by_app(request), content_type="application/json")

    @app.get("/stream")
    def stream() -> Iterator[bytes]:
        return paced_chunks(int(request.args["pacer"]))

    @app.post("/upload")
    def upload() -> Json:
        return take(request.stream.read, int(request.args.get("pacer", 0)))

    @app.post("/form")
    def form() -> dict[str, str]:
        return {"word": request.form["word"]}

    return app


def django() -> App:
    """Django under WSGI."""
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
    from django.urls import path

    def me(request: HttpRequest) -> HttpResponse:
        return HttpResponse(seen_by_app(request), content_type="application/json")

    def stream(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(paced_chunks(int(request.GET["pacer"])))

    def upload(request: HttpRequest) -> HttpResponse:
        return JsonResponse(take(request.read, int(request.GET.get("pacer", 0))))

    def form(request: HttpRequest) -> HttpResponse:
        return JsonResponse({"word": request.POST["word"]})

    pages = {"me": me, "stream": stream, "upload": upload, "form": form}
    settings.configure(
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF=tuple(path(name, view) for name, view in pages.items()),
        SECRET_KEY="a key that signs nothing",
    )
    return get_wsgi_application()


def bottle() -> App:
    """Bottle."""
    from bottle import Bottle, request, response

    app = Bottle()

    @app.get("/me")
    def me() -> str:
        response.content_type = "application/json"
        return seen_by_app(request)

    @app.get("/stream")
    def stream() -> Iterator[bytes]:
        return paced_chunks(int(request.query["pacer"]))

    @app.post("/upload")
    def upload() -> Json:
        taken = Upload(int(request.query.get("pacer", 0)))
        for part in echo_app.body_of(request.environ):  # Bottle's request.body collects the whole first.
            taken.add(part)
        return taken.told()

    @app.post("/form")
    def form() -> dict[str, str]:
        return {"word": request.forms.getunicode("word")}

    return app


def falcon() -> App:
    """Falcon under WSGI."""
    import falcon

    class Me:
        def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
            response.text = seen_by_app(request.env)

    class Stream:
        def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
            response.stream = paced_chunks(request.get_param_as_int("pacer", required=True))

    class Upload:
        def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
            response.media = take(request.bounded_stream.read, request.get_param_as_int("pacer", default=0))

    class Form:
        def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
            response.media = {"word": request.get_media()["word"]}

    app = falcon.App()
    for route, resource in {"/me": Me(), "/stream": Stream(), "/upload": Upload(), "/form": Form()}.items():
        app.add_route(route, resource)
    return app


def pyramid() -> App:
    """Pyramid."""
    from pyramid.config import Configurator
    from pyramid.request import Request
    from pyramid.response import Response

    def me(request: Request) -> Response:
        return Response(seen_by_app(request), content_type="application/json", charset="utf-8")

    def stream(request: Request) -> Response:
        return Response(app_iter=paced_chunks(int(request.GET["pacer"])))

    def upload(request: Request) -> Json:
        return take(request.body_file.read, int(request.GET.get("pacer", 0)))

    def form(request: Request) -> dict[str, str]:
        return {"word": request.POST["word"]}

    with Configurator() as config:
        for view in (me, stream, upload, form):
            config.add_route(view.__name__, f"/{view.__name__}")
            config.add_view(view, route_name=view.__name__, renderer="json")
        return config.make_wsgi_app()


def plain() -> App:
    """No framework at all."""
    return echo_app.wsgi


APPS: dict[str, Callable[[], App]] = {
    "flask": flask,
    "django-wsgi": django,
    "bottle": bottle,
    "falcon-wsgi": falcon,
    "pyramid": pyramid,
    "plain-wsgi": plain,
}

app = APPS[os.environ["TEST_FRAMEWORK"]]()
