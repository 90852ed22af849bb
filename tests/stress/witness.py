"""FotoWeb as a witness: what must hold after any fault, told from what the token endpoint saw.

Invariants, checked by ``check_invariants``:

1. No refresh token was sent while it was already on its way, nor after it had been answered with a new one.
2. Nobody was logged out by anything but a refusal of FotoWeb's.
3. The bearer token that reached the app was always one of the person's whose cookie came.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs

from fotoweb_middleware.testing import Client, FakeFotoWeb, Fault, fingerprint
from fotoweb_middleware.testing.fake_fotoweb import FakeRequest, FakeResponse
from tests.stress.people import Person

__all__ = ["Post", "WatchedFotoWeb", "Witness", "check_invariants"]

HELD_AT_MOST_SECONDS = 20.0


class Witness(Protocol):
    """What ``check_invariants`` asks of a FotoWeb."""

    def replays(self) -> list[str]:
        """Return what was wrong with the refresh tokens that came."""

    def refusals(self) -> int:
        """Return how many refreshes were refused."""

    def owner(self, access_token: str) -> str:
        """Return whose access token it is."""


def check_invariants(witness: Witness, people: Iterable[Person]) -> None:
    """Check what holds after every scenario."""
    everybody = list(people)
    assert witness.replays() == []
    logins_too_many = sum(person.logins - 1 for person in everybody)
    assert logins_too_many <= witness.refusals(), "somebody had to log in again, and FotoWeb had refused nothing"
    wrong = {person.name for person in everybody for token in set(person.tokens) if witness.owner(token) != person.name}
    assert wrong == set(), "these people's requests reached the app with somebody else's token"


@dataclass(slots=True)
class Post:
    """One refresh request as FotoWeb saw it; times are monotonic seconds.

    Attributes:
        token: Fingerprint of the refresh token.
        began: When it came.
        ended: When it was answered, or its sender died; None: it is being answered.
        was_spent: Whether the token had been answered with a new one before.
    """

    token: str
    began: float
    was_spent: bool
    ended: float | None = None


class WatchedFotoWeb(FakeFotoWeb):
    """The simulator, which also notes when each refresh begins and ends, and can keep refreshes waiting at a gate.

    Args:
        callback_urls: Of the app servers.
        switches: How it behaves.

    Attributes:
        posts: Every refresh request so far.
        lost: Fingerprints of tokens whose answer a killed worker took with it: each may be sent once more.
    """

    def __init__(self, *callback_urls: str, **switches: Any) -> None:
        super().__init__(clients=[Client(redirect_uris=callback_urls)], pause=self._wait_at_gate)
        self.switch(**switches)
        self.posts: list[Post] = []
        self.lost: set[str] = set()
        self._gate = threading.Event()
        self._gate.set()
        self._arrived = 0
        self._watching = threading.Lock()

    # ------------------------------------------------------------------------------------------------- the gate

    def close_gate(self, *, loses: bool = False) -> None:
        """Keep refreshes waiting from now on.

        Args:
            loses: Whether those that waited get no answer, and FotoWeb never knew of them.
        """
        self._gate.clear()
        fault = Fault(name="gate", delay_seconds=1, processes=not loses, drops_connection=loses)
        self.fault("token", fault, grant_type="refresh_token")

    def open_gate(self) -> None:
        """Let those that wait go on, and all others pass."""
        self.clear_faults("token")
        self._gate.set()

    @property
    def arrived(self) -> int:
        """How many refreshes have come to a closed gate so far."""
        return self._arrived

    def _wait_at_gate(self, _seconds: float) -> None:
        with self._watching:
            self._arrived += 1
        self._gate.wait(HELD_AT_MOST_SECONDS)

    # ------------------------------------------------------------------------------------------------- the witness

    def forget_records(self) -> None:
        """See ``FakeFotoWeb.forget_records``; posts are forgotten too."""
        super().forget_records()
        with self._watching:
            self.posts.clear()

    def handle(self, request: FakeRequest) -> FakeResponse:
        """Answer one request, and note a refresh."""
        tokens = parse_qs(request.body.decode("utf-8", "replace")).get("refresh_token", [])
        if not tokens:
            return super().handle(request)
        with self._watching:
            known = self._site.refresh_tokens.get(tokens[0])
            post = Post(fingerprint(tokens[0]), time.monotonic(), was_spent=known is not None and known.rotated)
            self.posts.append(post)
        try:
            return super().handle(request)
        finally:
            with self._watching:
                post.ended = post.ended or time.monotonic()

    def note_deaths(self, since: int) -> None:
        """Note that whoever sent refreshes from number ``since`` on has been killed: no answer reached anybody."""
        with self._watching:
            for post in self.posts[since:]:
                post.ended = post.ended or time.monotonic()
                self.lost.add(post.token)

    def replays(self) -> list[str]:
        """See ``Witness.replays``."""
        wrong, last, again = [], dict[str, Post](), set[str]()
        for post in sorted(self.posts, key=lambda post: post.began):
            before = last.get(post.token)
            if before is not None and (before.ended is None or post.began < before.ended):
                wrong.append(f"{post.token} was sent twice at once")
            if post.was_spent and (post.token not in self.lost or post.token in again):
                wrong.append(f"{post.token} was sent after it had been answered with a new one")
            if post.was_spent:
                again.add(post.token)
            last[post.token] = post
        return wrong

    def refusals(self) -> int:
        """See ``Witness.refusals``."""
        return sum(record.error == "invalid_grant" for record in self.token_requests)

    def owner(self, access_token: str) -> str:
        """See ``Witness.owner``; only this FotoWeb knows what its tokens say."""
        payload = access_token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return next(user.user_name for user in self.users.values() if str(user.user_id) == claims["sub"])
