"""Where the microseconds of a known session go: each step of the hot path by itself, with the same data.

The steps are written out here as the doors do them. Each is timed by what it adds to those before it.
"""

from __future__ import annotations

import asyncio
import itertools
import timeit
from typing import Any

from fotoweb_middleware.cookies.header import SIGNATURE
from tests.benchmarks.report import Report, Table
from tests.benchmarks.requests import asgi_app, environ_of, scope_of, wsgi_app
from tests.benchmarks.rounds import Candidate, fastest_seconds
from tests.benchmarks.sessions import Wrapped, make_record

__all__ = ["measure"]

REPEATS = 150
COROUTINE = """
    for _ in outer().__await__(): pass
"""
ROUNDS = 150
TURN = 400

GUARDS = """
    if (method != "GET" and method != "HEAD") or not path or path[0] != "/": raise AssertionError
    if path.startswith(prefix) or (raw_path and raw_path[0] != "/"): raise AssertionError
"""
FIND = """
    if names.secure and 43 < len(cookie) <= 256: raise AssertionError
    if ";" in cookie or "," in cookie or not cookie.startswith(names.session_equals): raise AssertionError
    seen = known.get(cookie[SIGNATURE])
"""
SESSION = """
    held = seen.held; current = held.current
    if not held.live or (seen.version is not None and seen.version != current.record.version): raise AssertionError
"""
CLOCK = """
    now = clock()
    if not current.at_once_from <= now < current.at_once_until: raise AssertionError
    session = current.session
"""
ASGI_STEPS = {
    "read the headers once: keep all but `Cookie` and `Authorization`": """
    headers = []; cookie = None
    for header in request["headers"]:
        if header[0] not in withheld: headers.append(header)
        elif header[0] == b"cookie":
            if cookie is not None: raise AssertionError
            cookie = header[1]
""",
    "the Cookie header, 1.7 kB, and the raw path from bytes to text": """
    cookie = cookie.decode("latin-1")
    raw_path = request.get("raw_path").decode("latin-1")
""",
    "method, path and raw path are ordinary": """
    method = request["method"]; path = request["path"]
    if request.get("root_path") or request["type"] != "http": raise AssertionError
"""
    + GUARDS,
    "our cookie is the only one; its signature, 43 characters, in a dictionary, its hash included": FIND,
    "the session lives, the cookie is of its newest version": SESSION,
    "a clock: the token is fresh, the session not over, no recheck due": CLOCK,
    "copy the scope, put the session in": """
    inner = dict(request); inner["headers"] = headers; inner["fotoweb.session"] = session
""",
    "put in the bearer header, which was written once": """
    if current.bearer_pair is None: raise AssertionError
    headers.append(current.bearer_pair)
""",
    "one more coroutine between server and app": COROUTINE,
    "the calls of our own functions": """
    four(method, path, raw_path, cookie, names); one(request); one(request)
""",
}
WSGI_STEPS = {
    "path, target and Cookie out of the environ": """
    path = request.get("PATH_INFO", ""); cookie = request.get("HTTP_COOKIE")
    raw_path = request.get("RAW_URI") or request.get("REQUEST_URI"); method = request["REQUEST_METHOD"]
""",
    "method, path and raw path are ordinary": GUARDS,
    "our cookie is the only one; its signature, 43 characters, in a dictionary, its hash included": FIND,
    "the session lives, the cookie is of its newest version": SESSION,
    "a clock: the token is fresh, the session not over, no recheck due": CLOCK,
    "copy the environ, without our cookie, put the session in, and who it is": """
    inner = request.copy(); del inner["HTTP_COOKIE"]
    inner["fotoweb.session"] = session
    if session.user is not None:
        name = session.user.user_name
        inner["REMOTE_USER"] = name if name.isascii() else None
""",
    "put in the bearer header, which was written once": """
    if current.bearer is None: raise AssertionError
    inner["HTTP_AUTHORIZATION"] = current.bearer
""",
    "the calls of our own functions": """
    four(method, path, raw_path, cookie, names)
""",
}


def measure() -> Report:
    """Time each step, and the whole."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    doors = {"ASGI": Wrapped(asgi_app, True, {}), "WSGI": Wrapped(wsgi_app, False, {})}
    whole = wholes(doors)
    report = Report()
    for door, steps in (("ASGI", ASGI_STEPS), ("WSGI", WSGI_STEPS)):
        names = names_of(doors[door])
        table = Table(f"A known session with a sealed cookie, {door}.", ("step", "µs"))
        microseconds = costs(steps, names, scope_of if door == "ASGI" else environ_of)
        table.rows += [(name, f"{figure:.2f}") for name, figure in microseconds.items()]
        left = whole[door] * 1e6 - sum(microseconds.values())
        table.rows.append(("what the steps do not show: attributes, arguments, freeing what was made", f"{left:.2f}"))
        table.rows.append(("**the whole, over the app alone**", f"**{whole[door] * 1e6:.2f}**"))
        report.tables.append(table)
        doors[door].close()
    asyncio.get_event_loop().close()
    return report


def wholes(doors: dict[str, Wrapped]) -> dict[str, float]:
    """Return what the door takes over the app alone, in seconds."""
    candidates = {}
    for door, wrapped in doors.items():
        make: Any = scope_of if door == "ASGI" else environ_of
        record = make_record(1)
        wrapped.store([record])
        cookie = wrapped.cookie(record)
        candidates[door] = turn_of(wrapped.middleware, make, cookie, is_asgi=wrapped.is_asgi)
        candidates[f"bare {door}"] = turn_of(wrapped.app, make, None, is_asgi=wrapped.is_asgi)
    fastest = fastest_seconds(candidates, ROUNDS)
    return {door: fastest[door] - fastest[f"bare {door}"] for door in doors}


def turn_of(app: Any, make: Any, cookie: str | None, *, is_asgi: bool) -> Candidate:
    """Return a candidate."""
    return Candidate(app, is_asgi, lambda: [make(cookie) for _ in range(TURN)])


def costs(steps: dict[str, str], names: dict[str, Any], make: Any) -> dict[str, float]:
    """Return what each step adds to those before it, in microseconds, on requests that are new to the processor."""
    bodies = dict(zip(steps, itertools.accumulate(steps.values()), strict=True))
    fastest = dict.fromkeys(steps, float("inf"))
    empty = float("inf")
    for _ in range(REPEATS):
        empty = min(empty, microseconds_of("    pass", names, make))
        for name, body in bodies.items():
            fastest[name] = min(fastest[name], microseconds_of(body, names, make))
    return {name: after - before for name, (before, after) in between(empty, fastest).items()}


def between(empty: float, fastest: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Return for each step what all before it take, and what it takes with them."""
    return dict(zip(fastest, itertools.pairwise([empty, *fastest.values()]), strict=True))


def microseconds_of(body: str, names: dict[str, Any], make: Any) -> float:
    """Return how many microseconds one request takes of a loop with this body."""
    requests = [make(names["our_cookie"]) for _ in range(TURN)]
    timer = timeit.Timer(f"for request in requests:\n{body}", globals={**names, "requests": requests})
    return timer.timeit(number=1) / TURN * 1e6


def names_of(wrapped: Wrapped) -> dict[str, Any]:
    """Return what the steps work on."""
    record = make_record(1)
    cookie = wrapped.cookie(record)
    held = wrapped.site.near.adopt(record)
    held.current.at_once_until = float("inf")  # This takes longer than the five seconds after which a look is due.
    held.current.bearer, held.current.bearer_pair = "Bearer …", (b"authorization", b"Bearer ...")
    wrapped.site.near.remember(cookie[SIGNATURE], held, 1)
    names = wrapped.site.names[True]

    async def outer() -> None:
        pass

    return {
        "our_cookie": cookie,
        "withheld": frozenset({b"cookie", b"authorization"}),
        "known": wrapped.site.near.by_identity,
        "clock": wrapped.site.clock,
        "SIGNATURE": SIGNATURE,
        "prefix": wrapped.site.settings.path_prefix,
        "names": names,
        "outer": outer,
        "one": lambda _argument: None,
        "four": lambda *_arguments: None,
    }
