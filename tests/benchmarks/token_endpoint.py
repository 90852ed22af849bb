"""A token endpoint in a process of its own, which takes its time: ``python -m tests.benchmarks.token_endpoint FD …``.

Every refresh token is good. Told to end, it prints when each answer was begun and sent, in monotonic seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.sessions import TOKEN_BYTES

__all__ = ["Endpoint", "running"]

ROOT = Path(__file__).parents[2]
BACKLOG = 2048


@dataclass
class Endpoint:
    """The running endpoint, as the process sees it that started it.

    Attributes:
        url: For ``FOTOWEB_URL``.
        answers: When each answer was begun and sent; there once it has ended.
    """

    url: str
    answers: list[tuple[float, float]] = field(default_factory=list)


@contextlib.contextmanager
def running(answer_seconds: float, expires_in_seconds: int) -> Iterator[Endpoint]:
    """Run one."""
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        arguments = [str(listener.fileno()), str(answer_seconds), str(expires_in_seconds)]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.token_endpoint", *arguments],
            cwd=ROOT,
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            text=True,
        )
        endpoint = Endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}")
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield endpoint
        finally:
            process.send_signal(signal.SIGTERM)
            told, _ = process.communicate(timeout=10)
            endpoint.answers += [(began, ended) for began, ended in json.loads(told)]


async def serve(listener: socket.socket, answer_seconds: float, expires_in_seconds: int) -> None:
    """Answer until SIGTERM."""
    answers: list[tuple[float, float]] = []
    half = TOKEN_BYTES // 2

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:  # The caller has given up.
            writer.close()
            return
        began = time.monotonic()
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        await asyncio.sleep(answer_seconds)
        number = len(answers)
        tokens = {"access_token": f"{number:A>{half}}", "refresh_token": f"{number:R>{half}}", "token_type": "bearer"}
        body = json.dumps({**tokens, "expires_in": expires_in_seconds}).encode()
        lines = (b"HTTP/1.1 200 OK", b"Content-Type: application/json", b"Content-Length: %d" % len(body), b"", body)
        writer.write(b"\r\n".join(lines))
        answers.append((began, time.monotonic()))
        writer.close()

    server = await asyncio.start_server(answer, sock=listener, backlog=BACKLOG)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await stopped.wait()
    server.close()
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    given = socket.socket(fileno=int(sys.argv[1]))
    asyncio.run(serve(given, float(sys.argv[2]), int(sys.argv[3])))
