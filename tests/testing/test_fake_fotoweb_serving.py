"""The simulator's ways in: in process for httpx, as an ASGI app, and over a port that can be stopped and started."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import trio

from fotoweb_middleware.testing import Client, FakeFotoWeb, Fault, Switches, User
from tests.testing.fake_fotoweb_app import CALLBACK, ORIGIN, App, read_query


@pytest.fixture
def app() -> App:
    """Give a web application."""
    return App(FakeFotoWeb(clients=[Client(redirect_uris=(CALLBACK,))]))


def send_over_port(app: App, url: str) -> App:
    """Let the application talk over a port from now on."""
    app.http = httpx.Client(base_url=url)
    return app


# ------------------------------------------------------------------------------------------------- in process


def test_importing_the_package_starts_nothing() -> None:
    """A site that isn't served has no thread and no socket."""
    before = set(threading.enumerate())
    FakeFotoWeb()
    assert set(threading.enumerate()) - before == set()


def test_threads_share_the_sync_transport(app: App) -> None:
    """Twenty refreshes at once with one refresh token: one succeeds."""
    token = app.log_in()["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: app.refresh(token).status_code, range(20)))
    assert sorted(statuses) == [200] + [400] * 19


@pytest.mark.parametrize("run", [asyncio.run, trio.run], ids=["asyncio", "trio"])
def test_the_async_transport_works_under_any_loop(app: App, run: Any) -> None:
    """Both asyncio and trio."""
    token = app.log_in()["access_token"]

    async def ask() -> int:
        async with httpx.AsyncClient(transport=app.fake.async_transport(), base_url=ORIGIN) as client:
            answer = await client.get("/fotoweb/me", headers={"Authorization": f"Bearer {token}"})
            return answer.status_code

    given = run(ask()) if run is asyncio.run else run(ask)
    assert given == 200


def test_a_slow_site_does_not_hold_the_event_loop() -> None:
    """Other tasks run while it pauses, and cancelling the caller leaves FotoWeb at work."""
    entered, leave = threading.Event(), threading.Event()

    def pause(_: float) -> None:
        entered.set()
        leave.wait(10)

    fake = FakeFotoWeb(pause=pause)
    fake.fault("me", Fault.slow(1))

    async def ask() -> None:
        client = httpx.AsyncClient(transport=fake.async_transport(), base_url=ORIGIN)
        async with client, trio.open_nursery() as nursery:
            nursery.start_soon(client.get, "/fotoweb/me")
            await trio.to_thread.run_sync(entered.wait, 10)
            nursery.cancel_scope.cancel()

    try:
        trio.run(ask)
        assert fake.requests == []
    finally:
        leave.set()


def test_the_asgi_app_gives_the_same_answers(app: App) -> None:
    """Through httpx's own ASGI transport."""
    token = app.log_in()["access_token"]

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app.fake.asgi_app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await client.get("/fotoweb/me", headers={"Authorization": f"Bearer {token}"})

    answer = asyncio.run(ask())
    assert answer.json() == app.get("/fotoweb/me", token).json()


def test_a_head_request_has_no_body(app: App) -> None:
    """In process as over a port."""
    assert app.http.head("/fotoweb/views/login").content == b""


# ------------------------------------------------------------------------------------------------- over a port


def test_a_whole_login_over_a_port(app: App) -> None:
    """Pages, code, tokens, who am I, refresh."""
    with app.fake.serve() as url:
        with httpx.Client(base_url=url, follow_redirects=True) as browser:
            page = browser.get(app.authorize_url().replace(ORIGIN, url))
            return_url = page.text.split('name="ReturnUrl" value="')[1].split('"')[0].replace("&amp;", "&")
            fields = {"ReturnUrl": return_url, "username": "bob", "password": "secret"}
            page = browser.post("/fotoweb/views/login", data=fields)
            pending = page.text.split('name="request" value="')[1].split('"')[0]
            fields = {"request": pending, "decision": "allow"}
            answer = browser.post("/fotoweb/oauth2/consent", data=fields, follow_redirects=False)
        with send_over_port(app, url).http:
            tokens = app.exchange(read_query(answer.headers["location"])["code"]).json()
            assert app.get("/fotoweb/me", tokens["access_token"]).json()["user"]["userName"] == "bob"
            assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_a_port_can_be_stopped_and_served_again(app: App) -> None:
    """Refused meanwhile; then the same port, the same tokens, and old connections harm nothing."""
    serving = app.fake.serve()
    with serving as url, send_over_port(app, url).http:
        token = app.log_in()["access_token"]
        assert app.get("/fotoweb/me", token).status_code == 200
        serving.stop()
        with pytest.raises(httpx.TransportError):
            app.get("/fotoweb/me", token)
        assert serving.start() == url
        assert app.get("/fotoweb/me", token).status_code == 200


def test_a_port_can_be_named(app: App) -> None:
    """A second `serve` on the port of the first."""
    with app.fake.serve() as url:
        port = int(url.rpartition(":")[2])
    with app.fake.serve(port=port) as again:
        assert again == url
        assert httpx.get(f"{again}/fotoweb/me").status_code == 401


def test_a_taken_port_is_an_error(app: App) -> None:
    """Not a silent choice of another."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            app.fake.serve(port=taken.getsockname()[1]).start()


def test_starting_and_stopping_twice_changes_nothing(app: App) -> None:
    """Both are safe to repeat."""
    serving = app.fake.serve()
    assert serving.start() == serving.start()
    serving.stop()
    serving.stop()


def test_a_stop_leaves_no_thread(app: App) -> None:
    """The server's thread ends, also with a kept-alive connection."""
    with app.fake.serve() as url, httpx.Client(base_url=url) as client:
        client.get("/fotoweb/me")
        name = f"FakeFotoWeb:{url.rpartition(':')[2]}"
        assert name in {thread.name for thread in threading.enumerate()}
    assert name not in {thread.name for thread in threading.enumerate()}


def test_a_stop_does_not_wait_for_a_slow_answer() -> None:
    """A request in the middle is cut off after a second of grace."""
    entered, leave = threading.Event(), threading.Event()

    def pause(_: float) -> None:
        entered.set()
        leave.wait(30)

    fake = FakeFotoWeb(pause=pause)
    fake.fault("me", Fault.slow(30))
    serving = fake.serve()
    url = serving.start()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(httpx.get, f"{url}/fotoweb/me")
        try:
            assert entered.wait(10)
            serving.stop()
            assert leave.is_set() is False
            assert isinstance(asking.exception(10), httpx.TransportError) or asking.result().status_code == 500
        finally:
            leave.set()


@pytest.mark.parametrize("after_processing", [False, True])
def test_a_dropped_connection_over_a_port(app: App, after_processing: bool) -> None:
    """The client sees the connection end without an answer; the next one works."""
    with app.fake.serve() as url, httpx.Client(base_url=url) as client:
        app.fake.fault("me", Fault.dropped(after_processing=after_processing), times=1)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            client.get("/fotoweb/me")
        assert client.get("/fotoweb/me").status_code == 401


def test_a_foreign_server_cuts_in_the_middle(app: App) -> None:
    """Where the server offers no way to cut, the answer begins and never ends."""
    app.fake.fault("me", Fault.dropped())
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/fotoweb/me", "query_string": b"", "headers": []}
    asyncio.run(app.fake.asgi_app(scope, receive, send))
    assert [message["type"] for message in sent] == ["http.response.start"]


def test_answers_over_a_port_have_one_date_and_server(app: App) -> None:
    """FotoWeb's, not uvicorn's."""
    with app.fake.serve() as url:
        headers = httpx.get(f"{url}/fotoweb/me").headers
    assert (len(headers.get_list("date")), headers.get_list("server")) == (1, ["Microsoft-IIS/10.0"])


def test_requests_at_once_over_a_port(app: App) -> None:
    """Ten refreshes with one refresh token: one succeeds."""
    token = app.log_in()["refresh_token"]
    with app.fake.serve() as url, send_over_port(app, url).http, ThreadPoolExecutor(5) as pool:
        statuses = list(pool.map(lambda _: app.refresh(token).status_code, range(10)))
    assert sorted(statuses) == [200] + [400] * 9


# ------------------------------------------------------------------------------------------------- set-up


def test_people_and_switches_can_be_given() -> None:
    """Own users, own switches, own applications."""
    eve = User(user_name="eve", user_id=7, password="p", full_name="Eve", archives=(5004,))
    fake = FakeFotoWeb(users=[eve], switches=Switches(auto_login="eve"))
    app = App(fake)
    token = app.exchange(app.back_from(app.authorize())["code"]).json()["access_token"]
    assert app.get("/fotoweb/me", token).json()["user"]["userId"] == 7
    assert [one["id"] for one in app.get("/fotoweb/me/archives/", token).json()["data"]] == ["5004"]


def test_switches_can_be_replaced_whole(app: App) -> None:
    """By assignment."""
    app.fake.switches = Switches(token_type="Bearer")
    assert (app.fake.switches.token_type, app.log_in()["token_type"]) == ("Bearer", "Bearer")


def test_an_unknown_switch_is_an_error(app: App) -> None:
    """A typing error does not pass silently."""
    with pytest.raises(TypeError):
        app.fake.switch(auto_logn="alice")


def test_a_redirect_uri_can_be_added_later(app: App) -> None:
    """Registering the same id again replaces it: ports are often known late."""
    later = "http://127.0.0.1:5000/oauth2/callback"
    client = app.fake.client
    changed = app.fake.register(Client(redirect_uris=(later,), client_id=client.client_id, client_secret="s"))
    assert (app.fake.clients, changed.client_secret) == ((changed,), "s")
    assert app.fake.approve(App(app.fake).authorize_url(redirect_uri=later)).startswith(later)


def test_approving_an_impossible_request_is_an_error(app: App) -> None:
    """An error page has no way on."""
    with pytest.raises(AssertionError, match="error page with status 400"):
        app.fake.approve(app.authorize_url(client_id="unknown"))
