"""People who use an app for as long as a soak lasts: they fetch, navigate, log out and log in again."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from tests.attacks.attacked import APP, AttackedServer
from tests.attacks.browser import Browser
from tests.attacks.raw_client import RawReply
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.stress.workers import Workers

__all__ = ["User"]

PAUSE_SECONDS = (0.5, 1.5)
LOGOUTS = 0.01
"""How many of a hundred turns are a logout."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a browser sends requests to: all that it asks of a server."""

    port: int

    def on_the_wire(self, target: str) -> str:
        """Return what reaches this server."""
        return target


def address_of(group: Workers) -> AttackedServer:
    """Return app servers as browsers know them."""
    return cast("AttackedServer", Address(group.port))


class User(threading.Thread):
    """One person, in a thread.

    Args:
        groups: The app servers; each request goes to one of them.
        fotoweb: Where this person logs in.
        stop: Set when the soak is over.

    Attributes:
        statuses: How often each came.
        breaks: What must never happen, as text: I1 (an unhandled error, or no answer), I2 (somebody else's token, or a
            session that was lost though FotoWeb refused nothing).
    """

    def __init__(self, groups: Sequence[Workers], fotoweb: ScriptedFotoWeb, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._groups = groups
        self._stop_asked = stop
        self._browser = Browser(address_of(groups[0]), fotoweb)
        self.statuses: Counter[int] = Counter()
        self.breaks: list[str] = []

    @property
    def user(self) -> str:
        """The name at FotoWeb."""
        return self._browser.user

    def run(self) -> None:
        """Go on until the end."""
        try:
            self._log_in()
            while not self._stop_asked.is_set():
                self._turn()
                self._stop_asked.wait(random.uniform(*PAUSE_SECONDS))
        except Exception as error:  # noqa: BLE001 (a thread that ends early must not look like a quiet one)
            self.breaks.append(f"{self.user} ended with {error!r}")

    def _turn(self) -> None:
        """Do one thing, somewhere."""
        self._browser.server = address_of(random.choice(self._groups))
        if random.random() < LOGOUTS:
            self._log_out()
            self._log_in()
            return
        reply = self._noted(self._browser.xhr("/") if random.random() < 0.8 else self._browser.nav("/"))
        if reply.status not in {200, 502, 503}:
            self.breaks.append(f"I2: {self.user} was logged in, and got {reply.status} for {reply.asked}")

    def _log_in(self) -> None:
        """Log in, as often as FotoWeb's troubles make it necessary."""
        while not self._stop_asked.is_set():
            reply = self._noted(self._browser.try_to_log_in())
            if reply.status == 302:
                return
            self._stop_asked.wait(1)

    def _log_out(self) -> None:
        """Log out, and see that the cookie is dead at once where that was done."""
        told = {"Sec-Fetch-Site": "same-origin", "Origin": APP, "Accept": "text/html"}
        self._noted(self._browser.send("POST", "/oauth2/logout", told))
        after = self._noted(self._browser.xhr("/"))
        if after.status != 401:
            self.breaks.append(f"I2: {self.user} was logged out, and got {after.status}")

    def _noted(self, reply: RawReply) -> RawReply:
        """Note a reply, and what is wrong with it."""
        self.statuses[reply.status] += 1
        if reply.status in {0, 500}:
            self.breaks.append(f"I1: {reply.asked} -> {reply.status}")
        if reply.is_from_app and not str(reply.seen["token"]).startswith(f"at.{self.user}."):
            self.breaks.append(f"I2: {self.user} got a token of somebody else's")
        self._browser.replies.clear()
        self._browser.posts_by_request.clear()
        self._browser.states.clear()
        return reply
