"""A child process that says on its standard output when it is ready; the servers of these tests are such."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["RUN_SECONDS", "Child", "ChildError", "run_server"]

STOP_SECONDS = 5.0
RUN_SECONDS = 150.0
"""How long a whole project may take, on a machine that may be busy; its tests have ``pytest.mark.timeout(180)``."""


class ChildError(RuntimeError):
    """The child ended, or stayed silent, before it said what we waited for."""


class Child:
    """One running process whose output is read line by line.

    Args:
        argv: The command and its arguments.
        environment: Variables added to our own; none of ours that starts with ``FOTOWEB_`` is handed on.
        folder: Where it runs.
    """

    def __init__(
        self, argv: Sequence[str | Path], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FOTOWEB_")}
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._process = subprocess.Popen(
            [str(part) for part in argv],
            env={**inherited, **(environment or {})},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, name="child-output", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    @property
    def lines(self) -> tuple[str, ...]:
        """What it has printed so far, standard error included."""
        with self._changed:
            return tuple(self._lines)

    def wait_for_line(self, part: str, *, timeout_seconds: float = 40.0, after: int = 0) -> str:
        """Return the first line that holds ``part``.

        Args:
            part: The text to wait for.
            timeout_seconds: How long to wait for it.
            after: How many of the first lines to pass over.

        Raises:
            ChildError: When the process ended, or the time is up, without such a line.
        """

        def found() -> str | None:
            return next((line for line in self._lines[after:] if part in line), None)

        with self._changed:
            self._changed.wait_for(lambda: self._ended or found() is not None, timeout=timeout_seconds)
            line = found()
            if line is None:
                what = "ended" if self._ended else f"said nothing for {timeout_seconds:g} s"
                said = "\n".join(self._lines[-20:])
                raise ChildError(f"{self._process.args!r} {what} before {part!r}; it printed:\n{said}")
            return line

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """End it with SIGTERM, and with SIGKILL where it does not go. Does nothing where it has ended."""
        if self.running:
            self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextmanager
def run_server(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[str]:
    """Run a server of this virtual environment on 127.0.0.1 until the block ends.

    Args:
        command: The server's name, and its arguments; it chooses its port.
        environment: See ``Child``.
        folder: See ``Child``.

    Yields:
        The URL at which it listens, as the server says.
    """
    child = Child([Path(sys.executable).with_name(command[0]), *command[1:]], environment=environment, folder=folder)
    try:
        line = child.wait_for_line("http://127.0.0.1:", timeout_seconds=RUN_SECONDS)
        yield re.findall(r"http://127\.0\.0\.1:\d+", line)[0]
    finally:
        child.stop()
