"""Starts the system's Firefox and steers it by WebDriver BiDi: Playwright drives only a Firefox of its own."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

__all__ = ["Firefox", "find_firefox", "running_firefox"]

NAMES = ("firefox", "firefox-esr")
LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
PATIENCE_SECONDS = 30.0


class Firefox:
    """One tab of a fresh profile."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = itertools.count(1)
        self._call("session.new", capabilities={})
        self._context = self._call("browsingContext.getTree")["contexts"][0]["context"]

    def open(self, url: str) -> None:
        """Type an address."""
        self._call("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def back(self) -> None:
        """Press Back."""
        self._call("browsingContext.traverseHistory", context=self._context, delta=-1)

    def evaluate(self, script: str) -> Any:
        """Return what a script of the page's gives: text, a number, a boolean; "" where the page is going away."""
        target = {"context": self._context}
        answer = self._ask("script.evaluate", expression=script, target=target, awaitPromise=False)
        return answer["result"]["result"].get("value", "") if is_done(answer) else ""

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        answer = self._ask(method, **params)
        assert answer["type"] == "success", answer
        result: dict[str, Any] = answer["result"]
        return result

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        self._connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self._connection.recv(PATIENCE_SECONDS))).get("id") != number:
            pass
        found: dict[str, Any] = answer
        return found


def is_done(answer: dict[str, Any]) -> bool:
    """Return whether a script came to its end without an error."""
    return bool(answer["type"] == "success" and answer["result"]["type"] == "success")


def find_firefox() -> str | None:
    """Return the path of the system's Firefox, or None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def running_firefox() -> Iterator[Firefox]:
    """Start a headless Firefox; close it afterwards."""
    with tempfile.TemporaryDirectory(prefix="fotoweb-firefox-") as profile:
        command = [find_firefox() or "firefox", "--headless", "--remote-debugging-port=0", "--profile", profile]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                with connect(f"{bidi_address(process)}/session", max_size=None) as connection:
                    yield Firefox(connection)
            finally:
                process.kill()


def bidi_address(process: subprocess.Popen[str]) -> str:
    """Wait until Firefox says where it listens."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := LISTENING.search(line):
            return found[1]
    raise AssertionError(f"Firefox ended with {process.wait()} before it listened")
