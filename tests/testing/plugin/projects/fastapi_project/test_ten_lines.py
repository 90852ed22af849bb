"""The example of docs/how-to/test-your-app.md."""

from fastapi.testclient import TestClient
from main import app

from fotoweb_middleware.testing import SignIn


def test_hello(sign_in: SignIn) -> None:
    """A user who is signed in is greeted by name, and can talk over a WebSocket."""
    client = TestClient(app)
    sign_in(client)
    assert client.get("/hello").json() == {"hello": "Alice Berg"}
    with client.websocket_connect("/echo") as websocket:
        websocket.send_text("hi")
        assert websocket.receive_text() == "alice: hi"
