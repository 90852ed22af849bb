"""Apps that are set up in code, mounted, made anew in each test, or not protected at all."""

import gc
import os
import time
import weakref
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from fotoweb_middleware import (
    FotoWebASGIMiddleware,
    FotoWebUnreachable,
    FotoWebWSGIMiddleware,
    Settings,
    get_session,
)
from fotoweb_middleware.testing import FakeClock, SignIn, SimulatedFotoWeb


def hello(request: Request) -> PlainTextResponse:
    """Greet the user by name."""
    session = get_session(request)
    return PlainTextResponse(session.user.user_name if session and session.user else "nobody")


def make_app() -> Starlette:
    """Make an app that everybody may use."""
    return Starlette(routes=[Route("/{path:path}", hello)])


app_of_all_tests = FotoWebASGIMiddleware(make_app())


def name_in_wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Greet the user by name, as a WSGI app."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["REMOTE_USER"].encode()]


def test_the_environment_names_the_simulator_alone(fotoweb: SimulatedFotoWeb) -> None:
    """The four variables name it, and no other is left of those of a real site."""
    named = {name: value for name, value in os.environ.items() if name.startswith("FOTOWEB_")}

    assert (named.pop("FOTOWEB_URL"), bool(named.pop("FOTOWEB_SECRET_KEY"))) == (fotoweb.url, True)
    assert named == {
        "FOTOWEB_CLIENT_ID": fotoweb.client.client_id,
        "FOTOWEB_CLIENT_SECRET": fotoweb.client.client_secret,
    }


def test_conftest_saw_the_simulator(fotoweb: SimulatedFotoWeb, pytestconfig: pytest.Config) -> None:
    """What ``conftest.py`` imports reads the simulator's address."""
    conftests = [plugin for plugin in pytestconfig.pluginmanager.get_plugins() if hasattr(plugin, "early_settings")]

    assert [conftest.early_settings.url for conftest in conftests] == [fotoweb.url]


@pytest.mark.parametrize("base_url", ["http://testserver", "https://testserver", "http://localhost:8000"])
def test_an_app_set_up_in_code(base_url: str, sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """Secure cookies, a public address and a Redis that the code names don't stand in the way, nor after a refresh."""
    settings = Settings(
        cookie_secure="true",
        cookie_samesite="none",
        redirect_uri="https://app.example/oauth2/callback",
        cache="redis://redis.example/0",
    )
    client = TestClient(FotoWebASGIMiddleware(make_app(), settings), base_url=base_url)
    sign_in(client)
    fotoweb.clock.advance(8 * 3600 + 1)

    assert [client.get("/").text for _ in range(2)] == ["alice", "alice"]


def test_strict_cookies(sign_in: SignIn) -> None:
    """A login that ends on a page, as it does with SameSite=Strict, is a login."""
    client = TestClient(FotoWebASGIMiddleware(make_app(), Settings(cookie_samesite="strict")))
    sign_in(client)

    assert client.get("/").text == "alice"


def test_reference_mode(sign_in: SignIn) -> None:
    """Sessions that stay in the store work as well, without the Redis that the code names."""
    settings = Settings(cookie_mode="reference", cache="redis://redis.example/0")
    transport = httpx.WSGITransport(FotoWebWSGIMiddleware(name_in_wsgi, settings))
    with httpx.Client(transport=transport, base_url="http://testserver/api") as client:
        sign_in(client)

        assert client.get("/x").text == "alice"


def test_a_mounted_app(sign_in: SignIn) -> None:
    """The login page of an app that is mounted is named with its mount."""
    mounted = FotoWebASGIMiddleware(make_app(), Settings(path_prefix="/auth", login="optional"))
    client = TestClient(Starlette(routes=[Mount("/gallery", mounted)]))
    sign_in(client, "bob", login_url="/gallery/auth/login")

    assert client.get("/gallery/").text == "bob"


async def echo(websocket: WebSocket) -> None:
    """Send back what comes, until nothing comes any more."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


def test_a_logout_closes_websockets(sign_in: SignIn) -> None:
    """A WebSocket that is open when its user signs out is closed with 4401."""
    app = Starlette(routes=[WebSocketRoute("/echo", echo)])
    client = TestClient(FotoWebASGIMiddleware(app, Settings(cache_recheck=0.1)))
    sign_in(client)
    with client.websocket_connect("/echo") as websocket:
        websocket.send_text("hello")
        assert websocket.receive_text() == "hello"
        client.post("/oauth2/logout")
        with pytest.raises(WebSocketDisconnect) as closed:
            websocket.receive_text()

    assert closed.value.code == 4401


def test_an_app_that_nothing_protects(sign_in: SignIn) -> None:
    """Where there is no login page, the message says what to look at."""
    with pytest.raises(AssertionError, match=r"^GET /oauth2/login was answered with 200.*pass login_url=\.$"):
        sign_in(TestClient(make_app()))


def test_an_app_with_an_address_of_its_own(sign_in: SignIn) -> None:
    """Where the code names another FotoWeb nobody calls it, and the message says so."""
    client = TestClient(FotoWebASGIMiddleware(make_app(), Settings(url="https://real.example")))

    with pytest.raises(AssertionError, match=r"^the app signs people in at https://real\.example, not at http://127"):
        sign_in(client)


def test_a_wrong_secret(sign_in: SignIn) -> None:
    """Where FotoWeb sends the user back and the login fails then, the message says with what."""
    client = TestClient(FotoWebASGIMiddleware(make_app(), Settings(client_secret="wrong")))

    with pytest.raises(AssertionError, match=r"^FotoWeb sent alice back to /oauth2/callback, .* was 502\."):
        sign_in(client)


def test_no_such_user(sign_in: SignIn) -> None:
    """A name that FotoWeb does not know is told with those that it knows."""
    with pytest.raises(ValueError, match=r"'carol'; it knows alice, bob$"):
        sign_in(TestClient(FotoWebASGIMiddleware(make_app())), "carol")


def test_a_clock_of_ones_own(sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """A middleware that was given a clock keeps it."""
    clock = FakeClock(time.time())
    client = TestClient(FotoWebASGIMiddleware(make_app(), clock=clock, monotonic=clock))
    sign_in(client)
    fotoweb.clock.advance(8 * 3600 + 1)

    assert client.get("/").text == "alice"
    assert fotoweb.refresh_count == 0


@pytest.mark.parametrize("turn", [1, 2])
def test_fotoweb_hung(turn: int, sign_in: SignIn, fotoweb: SimulatedFotoWeb) -> None:
    """Where so many calls were not answered that none is made for a while, the next test may call at once."""
    sign_in(TestClient(app_of_all_tests))
    fotoweb.clock.advance(3600)
    for _ in range(5):
        app_of_all_tests._handler.context.client.breaker.note(FotoWebUnreachable("down"))

    with pytest.raises(AssertionError, match=r"was 503\."):
        sign_in(TestClient(app_of_all_tests))


@pytest.mark.parametrize("turn", [1, 2])
def test_the_clock_runs_and_is_turned_forward_only(turn: int, fotoweb: SimulatedFotoWeb) -> None:
    """The clock shows the machine's time until a test turns it, which it can do forward alone."""
    assert abs(fotoweb.clock() - time.time()) < 60
    assert abs(fotoweb.clock.monotonic() - time.monotonic()) < 60
    with pytest.raises(ValueError, match="not be negative"):
        fotoweb.clock.advance(-1)
    fotoweb.clock.advance(1000)
    assert 900 < fotoweb.clock() - time.time() < 1060
    assert 900 < fotoweb.clock.monotonic() - time.monotonic() < 1060


def test_an_app_of_one_test_is_not_kept() -> None:
    """What belongs to a middleware that nobody uses any more is forgotten."""
    gone = weakref.ref(FotoWebASGIMiddleware(make_app())._handler.context)
    gc.collect()

    assert gone() is None
