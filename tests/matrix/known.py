"""What is known not to work, and why: each is a limit of a framework or a server, with or without the middleware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.matrix.pairs import PLACES, Pair, Place

__all__ = ["KNOWN", "Known", "Verdict", "judge"]


@dataclass(frozen=True, slots=True)
class Known:
    """A step that fails in every place.

    Attributes:
        step: Which; "login" takes all others with it.
        because: A sentence for the page.
        frameworks: Names; none: every framework.
        servers: Names; none: every server.
    """

    step: str
    because: str
    frameworks: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()

    def covers(self, pair: Pair) -> bool:
        """Return whether it is about this pair."""
        fits_framework = not self.frameworks or pair.framework.name in self.frameworks
        return fits_framework and (not self.servers or pair.server.name in self.servers)


KNOWN = (
    Known(
        "login",
        "Quart and Django only run on asyncio. Under trio, each request fails in the framework, after the login.",
        frameworks=("quart", "django-asgi"),
        servers=("hypercorn-trio",),
    ),
    Known(
        "WebSocket",
        "Falcon's WebSockets only run on asyncio.",
        frameworks=("falcon-asgi",),
        servers=("hypercorn-trio",),
    ),
    Known(
        "WebSocket",
        "Quart needs a WebSocket's scheme, which Daphne does not provide (it is optional in ASGI).",
        frameworks=("quart",),
        servers=("daphne",),
    ),
    Known("streaming up", "Daphne reads the whole body before it calls the app.", servers=("daphne",)),
    Known("streaming up", "waitress reads the whole body before it calls the app.", servers=("waitress",)),
    Known(
        "streaming up", "Under ASGI, Django reads the whole body before it calls a view.", frameworks=("django-asgi",)
    ),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a pair.

    Attributes:
        known: What failed as expected.
        unexplained: What failed and is not known, as "place: step"; what is known and did not fail, in words.
    """

    pair: Pair
    known: tuple[Known, ...]
    unexplained: tuple[str, ...]


def judge(pair: Pair, failures: Mapping[Place, Mapping[str, str]]) -> Verdict:
    """Compare what failed in each place with what is known."""
    expected: dict[str, Known] = {}
    for known in KNOWN:
        # Daphne and Django both read the whole body: the first of the two is reason enough.
        if known.covers(pair) and "login" not in expected:
            expected.setdefault(known.step, known)
    unexplained = [f"{place}: {step}" for place in PLACES for step in failures[place] if step not in expected]
    unexplained += [
        f"{place}: {step} passes, but is listed as known"
        for place in PLACES
        for step in expected
        if step not in failures[place]
    ]
    return Verdict(pair, tuple(expected.values()), tuple(unexplained))
