"""One deadline for a blocking call to FotoWeb, everything included.

httpx's own time-outs hold for one read, one address or one handshake each: a server that sends a byte now and then,
or a name with several dead addresses, is never late. So the call runs in a thread of its own, and whoever asked waits
until the deadline and no longer. The connection is then cut, which ends that thread too.
"""

from __future__ import annotations

import contextlib
import contextvars
import socket
import threading
from typing import TYPE_CHECKING, Any

from fotoweb_middleware.drivers.calling import ReplyReader, request_parts
from fotoweb_middleware.effects import GetDocument, HttpReply, PostForm

if TYPE_CHECKING:
    import httpx

__all__ = ["TimedCall"]

CONNECTED = ("connect_tcp.complete", "start_tls.complete")


class TimedCall:
    """One call that ends in time.

    Args:
        client: Carries it out.
        effect: What to ask.
    """

    def __init__(self, client: httpx.Client, effect: PostForm | GetDocument) -> None:
        self._client = client
        self._effect = effect
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._is_late = False
        self._socket: socket.socket | None = None
        self._result: HttpReply | Exception | None = None

    def result(self, timeout_seconds: float) -> HttpReply:
        """Carry the call out and return the answer.

        Raises:
            httpx.HTTPError: There is none, or not within ``timeout_seconds``.
            FotoWebNonsense: It is too large, or compressed.
        """
        import httpx  # noqa: PLC0415 (see ``calling``)

        run = contextvars.copy_context().run  # Whoever traces requests finds the caller's context.
        threading.Thread(target=run, args=(self._run,), name="fotoweb-call", daemon=True).start()
        if not self._ended.wait(timeout_seconds):
            self._cut()  # What ends by that may look like a whole answer: nothing that comes from here on counts.
            raise httpx.ReadTimeout("the whole answer took too long")
        if isinstance(self._result, HttpReply):
            return self._result
        raise self._result or httpx.ReadError("the call ended without an answer")

    def _run(self) -> None:
        try:
            parts = {**request_parts(self._effect), "extensions": {"trace": self._note_socket}}
            with self._client.stream(**parts) as response:
                reader = ReplyReader(response.status_code, response.headers.raw)
                for chunk in response.iter_raw():
                    reader.add(chunk)
                self._result = reader.reply()
        except Exception as error:  # noqa: BLE001 (raised again in the caller's thread)
            self._result = error
        finally:
            self._ended.set()

    def _note_socket(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith(CONNECTED):
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
                if self._is_late:
                    shut(self._socket)

    def _cut(self) -> None:
        with self._lock:
            self._is_late = True
            shut(self._socket)


def shut(connection: socket.socket | None) -> None:
    """End a connection under the thread that reads from it."""
    if connection is not None:
        with contextlib.suppress(OSError):  # It has ended by itself.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)  # Not SSLSocket's: that one is for its own thread.
