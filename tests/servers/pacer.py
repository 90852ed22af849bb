"""How a test sees that something streams: the app goes on only when the test has what came before.

No clock is involved. Where anything in between holds a chunk back, both wait for one another until the socket's
time-out ends the test.
"""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self

__all__ = ["Pacer"]

PATIENCE_SECONDS = 8.0


class Pacer:
    """A port at which the app reports; a context manager."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE_SECONDS)
        self._connection: socket.socket | None = None

    def __enter__(self) -> Self:
        """Listen."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what is open."""
        self._listener.close()
        if self._connection is not None:
            self._connection.close()

    @property
    def port(self) -> int:
        """Where the app shall connect to."""
        port: int = self._listener.getsockname()[1]
        return port

    def wait_for_app(self) -> None:
        """Return once the app has connected.

        Raises:
            TimeoutError: It did not within 8 seconds.
        """
        if self._connection is None:
            self._connection, _ = self._listener.accept()

    def next(self) -> None:
        """Let the app go on by one step."""
        self.wait_for_app()
        assert self._connection is not None
        self._connection.send(b".")
