"""Run uvicorn with several worker processes, as ``uvicorn --workers`` does, on a socket that the test opened.

``python -m tests.stress.uvicorn_workers FD COUNT TARGET``. uvicorn's own ``--fd`` takes Unix sockets alone.
"""

from __future__ import annotations

import socket
import sys

import uvicorn
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

__all__ = ["main"]


class Supervisor(Multiprocess):
    """uvicorn's master, but for its health check: a worker that a test stops for a while must not be taken for hung.

    The check also waits for its whole time-out where the worker was killed between question and answer.
    """

    def keep_subprocess_alive(self) -> None:
        """Start a new worker for each that is gone."""
        for index, process in enumerate(self.processes):
            if not process.process.is_alive():
                process.join()
                self.processes[index] = Process(self.config, self.sockets)
                self.processes[index].start()


def main(descriptor: str, count: str, target: str) -> None:
    """Serve until SIGTERM."""
    config = uvicorn.Config(target, workers=int(count), timeout_graceful_shutdown=1, access_log=False)
    Supervisor(config, sockets=[socket.socket(fileno=int(descriptor))]).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
