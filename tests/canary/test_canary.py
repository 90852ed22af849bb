"""No secret comes to light, wherever one looks (R-LG1, R-CS15, R-OP3; T-CS-12, T-OP-05, T-LG-03).

What carries a secret because it must is named here, with the reason; nothing else is let through.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from tests.canary.conftest import LeftBehind
from tests.canary.planted import Planted

K = TypeVar("K")

ON_THE_WAY = {"Set-Cookie": ("cookie value",), "Location": ("state",)}
"""Headers of answers: the sealed cookie goes to the browser, and the state to FotoWeb by way of the browser."""

REQUEST_AS_IT_CAME = {"environ", "scope"}
"""Local variables that hold the request as the server handed it in, its Cookie header included: the frames of any
middleware show them."""

FRAMES_OF_SERVERS = ("/uvicorn/", "/wsgiref/", "/anyio/from_thread.py")
"""What the server and the rigs of these tests do with the request is not ours to hide."""

ACCESS_LINES = "uvicorn.access: "
"""The server's access log writes down request lines, and the callback's holds code and state: both are used up by then,
and docs/reference/troubleshooting.md tells the operator. No other logger may."""

KINDS = {
    "client secret",
    "newest key",
    "older key",
    "state",
    "verifier",
    "code",
    "access token",
    "refresh token",
    "session id",
    "cookie value",
}


def found_among(
    planted: Planted, texts: Mapping[K, str | bytes], legitimate: tuple[str, ...] = ()
) -> dict[K, list[str]]:
    """Return where a secret stands; all texts are searched at once, and one by one only where there is a find."""
    whole = b"\0".join(
        text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text for text in texts.values()
    )
    if not planted.found_in(whole, legitimate=legitimate):
        return {}
    each = {where: planted.found_in(text, legitimate=legitimate) for where, text in texts.items()}
    return {where: found for where, found in each.items() if found}


def test_the_tour_went_everywhere(left_behind: LeftBehind) -> None:
    """There is something to find: every kind of secret came up, and everything happened that the canary sings about."""
    assert set(left_behind.planted.kinds.values()) == KINDS
    assert {reply.status for reply in left_behind.replies} >= {200, 302, 400, 403, 502, 503}
    assert {"fotoweb_middleware", "httpcore.http11", "asyncio"} <= left_behind.loggers
    words = " ".join(words for words, _ in left_behind.errors)
    assert all(said in words for said in ("the app failed", "nobody foresaw this"))
    assert len(left_behind.sayings) > 100


def test_logs(left_behind: LeftBehind) -> None:
    """No logger of any library says a secret, at DEBUG, with arguments, fields and tracebacks."""
    lines = {line: line for line in left_behind.lines if not line.startswith(ACCESS_LINES)}
    access = {line: line for line in left_behind.lines if line.startswith(ACCESS_LINES)}
    assert found_among(left_behind.planted, lines) == {}
    assert found_among(left_behind.planted, access, ("code", "state")) == {}


def test_events(left_behind: LeftBehind) -> None:
    """No event says a secret, and none of OpenTelemetry's spans and metrics does."""
    told = {text: text for text in [*left_behind.events, *left_behind.measured]}
    names = "logged_in", "refreshed", "refresh_failed", "store_lost", "store_back", "logged_out"
    assert [name for name in names if f"'{name}'" not in " ".join(left_behind.events)] == []
    assert len(left_behind.measured) > 10
    assert found_among(left_behind.planted, told) == {}


def test_pages(left_behind: LeftBehind) -> None:
    """No answer shows a secret, but for the sealed cookie and the state where they belong."""
    bodies = {reply.body: reply.body for reply in left_behind.replies}
    headers = {pair: pair[1] for reply in left_behind.replies for pair in reply.headers}
    plain = {pair: value for pair, value in headers.items() if pair[0].title() not in ON_THE_WAY}

    assert found_among(left_behind.planted, bodies) == {}
    assert found_among(left_behind.planted, plain) == {}
    for name, legitimate in ON_THE_WAY.items():
        told = {pair: value for pair, value in headers.items() if pair[0].title() == name}
        assert len(told) > 10
        assert found_among(left_behind.planted, told, legitimate) == {}


def test_reprs(left_behind: LeftBehind) -> None:
    """No object that can be reached from the middleware tells a secret of itself (T-LG-03)."""
    assert found_among(left_behind.planted, left_behind.sayings) == {}


def test_tracebacks(left_behind: LeftBehind) -> None:
    """No error says a secret, nor do the local variables of the frames that it came through (T-LG-03)."""
    words = dict(enumerate(words for words, _ in left_behind.errors))
    shown = {
        (number, frame.filename, frame.lineno, name): said
        for number, (_, frames) in enumerate(left_behind.errors)
        for frame in frames
        if not any(part in frame.filename for part in FRAMES_OF_SERVERS)
        for name, said in (frame.locals or {}).items()
        if name not in REQUEST_AS_IT_CAME
    }
    assert found_among(left_behind.planted, words) == {}
    assert found_among(left_behind.planted, shown) == {}


def test_session_store(left_behind: LeftBehind) -> None:
    """What the store keeps, on the disk or in a Redis, holds no secret that could be read."""
    assert sum(map(len, left_behind.stored.values())) > 1000
    assert found_among(left_behind.planted, left_behind.stored) == {}
