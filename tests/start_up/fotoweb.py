"""A FotoWeb of the standard library alone: the kit's own simulator would import what the trials look for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["TOKEN_SECONDS", "served_fotoweb"]

TOKEN_SECONDS = 300


class Endpoints(BaseHTTPRequestHandler):
    """The token endpoint, and the descriptor that names the user."""

    def do_POST(self) -> None:
        """Issue tokens, whatever the code or refresh token is."""
        self.rfile.read(int(self.headers["Content-Length"]))
        token = {"access_token": "an-access-token", "refresh_token": "a-refresh-token", "token_type": "bearer"}
        self.tell({**token, "expires_in": TOKEN_SECONDS})

    def do_GET(self) -> None:
        """Tell whose token it is."""
        self.tell({"user": {"userId": 7, "userName": "alice", "fullName": "Alice", "email": "alice@app.test"}})

    def tell(self, content: dict[str, Any]) -> None:
        """Answer with a JSON document."""
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's face)
        """Keep quiet."""


@contextmanager
def served_fotoweb() -> Iterator[str]:
    """Serve it on a free port of this machine, and give its address."""
    with ThreadingHTTPServer(("localhost", 0), Endpoints) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield f"http://localhost:{server.server_address[1]}"
        finally:
            server.shutdown()
            serving.join()
