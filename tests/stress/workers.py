"""Real app servers with several worker processes on one port, whose workers can be killed and stopped one by one."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tests.servers.serving import ROOT, clean_environment
from tests.stress.pid_app import ready_line

__all__ = ["Workers", "wait_for"]

START_SECONDS = 40.0
STOP_SECONDS = 8.0
GUNICORN = (
    *("-m", "gunicorn", "{target}", "--bind", "fd://{fd}", "--workers", "{count}", "--threads", "64"),
    *("--worker-class", "gthread", "--config", "python:tests.stress.pid_app"),
    # A worker that a test stops for a while must not be taken for hung. The control socket would lie in the home
    # directory, one for all.
    *("--timeout", "120", "--graceful-timeout", "1", "--no-control-socket"),
)
UVICORN = ("-m", "tests.stress.uvicorn_workers", "{fd}", "{count}", "{target}")
COMMANDS = {"gunicorn": GUNICORN, "uvicorn": UVICORN}
DOORS = {"gunicorn": "wsgi", "uvicorn": "asgi"}


class Workers:
    """A master and its workers; a context manager. The port is taken when it is made and kept to the end.

    While nobody serves, connections wait in the queue of the socket for whoever is started next: no other process
    can take the port in between.

    Args:
        kind: "gunicorn" (threads, the WSGI middleware) or "uvicorn" (the ASGI middleware).
        count: How many workers.
        environment: ``FOTOWEB_*`` variables to start with; None: ``start`` is given them.
        preload: Whether gunicorn loads the app before it forks.
        folder: Where ``local://`` lies: runtime and temporary directory; None: one of its own.
        target: ``module:attribute`` of the wrapped app; None: ``fotoweb_middleware.wrap``.
    """

    def __init__(
        self,
        kind: Literal["gunicorn", "uvicorn"],
        count: int,
        environment: Mapping[str, str] | None = None,
        *,
        preload: bool = False,
        folder: Path | None = None,
        target: str | None = None,
    ) -> None:
        self.kind = kind
        self.count = count
        self.adapter = DOORS[kind]
        self._environment = environment
        self._preload = preload
        self._target = target or f"fotoweb_middleware.wrap:{self.adapter}"
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._own_folder = tempfile.TemporaryDirectory() if folder is None else None
        self.folder = Path(self._own_folder.name) if self._own_folder else Path(str(folder))
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (closed in __exit__)
        self._master: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its origin, as browsers call it."""
        return f"http://localhost:{self.port}"

    @property
    def callback_url(self) -> str:
        """The redirect URI that it derives from its requests."""
        return f"{self.url}/oauth2/callback"

    @property
    def output(self) -> str:
        """What all its processes have printed so far, also before a restart."""
        return os.pread(self._output.fileno(), 10_000_000, 0).decode("utf-8", "replace")

    def __enter__(self) -> Self:
        """Start it, where it was given an environment."""
        if self._environment is not None:
            try:
                self.start()
            except BaseException as error:
                self.__exit__(type(error), error, None)
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it; a failure in between shows what it printed."""
        self.stop()
        if error is not None:
            error.add_note(f"{self.kind} printed:\n{self.output[-6000:]}")
        self._listener.close()
        self._output.close()
        if self._own_folder is not None:
            self._own_folder.cleanup()

    # -------------------------------------------------------------------------------------------------- as a whole

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start it, and wait until every worker is ready.

        Args:
            environment: ``FOTOWEB_*`` variables; None: those of last time.
        """
        self._environment = environment if environment is not None else self._environment
        assert self._environment is not None, "no environment was given"
        descriptor = self._listener.fileno()
        facts = {"target": self._target, "fd": descriptor, "count": self.count}
        arguments = [part.format(**facts) for part in COMMANDS[self.kind]]
        own = {
            "FOTOWEB_APP": f"tests.stress.pid_app:{self.adapter}",
            "XDG_RUNTIME_DIR": str(self.folder),
            "TMPDIR": str(self.folder),
        }
        self._master = subprocess.Popen(
            [sys.executable, *arguments, *(["--preload"] if self._preload else [])],
            cwd=ROOT,
            env=clean_environment({**own, **self._environment}),
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self.wait_until_complete()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it with SIGTERM, and with SIGKILL where it does not go within seconds."""
        master = self._master
        if master is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(master.pid, signal.SIGCONT)  # What a test has stopped can't end.
        if master.poll() is None:
            master.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            master.wait(STOP_SECONDS)
        self.kill_all()  # A worker may have outlived its master.

    def restart(self) -> None:
        """Stop it in an orderly way and start it again."""
        self.stop()
        self.start()

    def kill_all(self) -> None:
        """End the master and all workers with SIGKILL at once; ``start`` brings them back on the same port."""
        master, self._master = self._master, None
        if master is None:
            return
        group = [*children_of(master.pid), master.pid]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(master.pid, signal.SIGKILL)
        master.wait(STOP_SECONDS)
        wait_for(lambda: not any(is_running(pid) for pid in group), f"the end of {group}", STOP_SECONDS)

    # -------------------------------------------------------------------------------------------------- single workers

    def worker_pids(self) -> list[int]:
        """Return the processes that serve now or are about to."""
        assert self._master is not None, "it is not started"
        return [pid for pid in children_of(self._master.pid) if is_running(pid) and is_worker(pid)]

    def ready_pids(self) -> list[int]:
        """Return the workers that serve."""
        printed = self.output
        return [pid for pid in self.worker_pids() if ready_line(pid) in printed]

    def wait_until_complete(self) -> None:
        """Wait until all workers serve; after a kill the master brings a new one."""

        def complete() -> bool:
            assert self._master is not None, "it is not started"
            code = self._master.poll()
            assert code is None, f"{self.kind} ended with {code}:\n{self.output[-3000:]}"
            return len(self.ready_pids()) == self.count

        wait_for(complete, f"{self.count} workers of {self.kind}", START_SECONDS)

    def kill_worker(self, pid: int) -> None:
        """End one worker with SIGKILL, and wait until it is gone. The master will start another one."""
        assert pid in self.worker_pids(), f"{pid} is no worker of {self.kind}"
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not is_running(pid), f"the end of {pid}", STOP_SECONDS)

    def stop_worker(self, pid: int) -> None:
        """Let one worker stand still (SIGSTOP) until ``continue_worker``."""
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: state_of(pid) in {"T", "t"}, f"{pid} to stand still", STOP_SECONDS)

    def continue_worker(self, pid: int) -> None:
        """Let one worker go on (SIGCONT)."""
        os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def only(self, pid: int) -> Iterator[None]:
        """Let one worker alone take connections: all others stand still meanwhile, and the master starts no new one."""
        assert self._master is not None, "it is not started"
        self.stop_worker(self._master.pid)
        others = [self._master.pid, *(other for other in self.worker_pids() if other != pid)]
        for other in others[1:]:
            self.stop_worker(other)
        try:
            yield
        finally:
            for other in others:
                self.continue_worker(other)


def wait_for(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait until a condition holds that no event tells of.

    Raises:
        AssertionError: It does not hold after ``seconds``.
    """
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"waited {seconds:g} s for {what}"
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    """Return the direct children of a process (proc(5), /proc/pid/task/tid/children)."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def state_of(pid: int) -> str:
    """Return the letter of a process's state (proc(5), /proc/pid/stat); empty where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2][:1]
    except OSError:
        return ""


def is_running(pid: int) -> bool:
    """Return whether a process is there and not merely unmissed by its parent."""
    return state_of(pid) not in {"", "Z", "X"}


def is_worker(pid: int) -> bool:
    """Return whether a child is no servant of Python's own (multiprocessing's resource tracker)."""
    try:
        return b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
