"""Part a: one request without any socket, each case beside the app alone and beside what others do."""

from __future__ import annotations

import asyncio

from tests.benchmarks import cases, long_run
from tests.benchmarks.peers import PEERS, REFERENCE, peer_candidates
from tests.benchmarks.report import Report, Table
from tests.benchmarks.rounds import Candidate, fastest_seconds

__all__ = ["measure"]

ROUNDS = 80
DOORS = ("ASGI", "WSGI")
BELOW = (
    "The goal for a first sight is judged for a session that the cookie or this process's own memory holds "
    "(`memory://`). With the default cache, which processes share, a first sight asks the file too, and costs what the "
    "rows that ask `local://` say: only there could it be found that the session was logged out or refreshed "
    "elsewhere, and each browser pays it once in each process ([ADR 0024](../adr/0024-first-sight-at-once.md))."
)
COLUMNS = ("what a request finds", *(f"{door} {what}" for door in DOORS for what in ("µs", "ratio", "goal")))


def measure() -> Report:
    """Measure everything in the same rounds."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    peers = peer_candidates()
    with cases.opened() as ours:
        named: dict[str, Candidate] = {f"{door} {name}": candidate for (name, door), candidate in ours.items()}
        for name, (candidate, bare) in peers.items():
            named |= {name: candidate, f"{name}, without": bare}
        fastest = fastest_seconds(named, ROUNDS)
        reference = fastest[REFERENCE] - fastest[f"{REFERENCE}, without"]
        report = Report()
        report.tables.append(our_table(fastest, reference, report))
        report.tables.append(long_run.measure(report))
    report.tables.append(peer_table(fastest, reference))
    asyncio.get_event_loop().close()
    return report


def our_table(fastest: dict[str, float], reference: float, report: Report) -> Table:
    """Return a row for each case."""
    table = Table(
        f"Microseconds over the app alone; ratio to {REFERENCE} in the same run ({reference * 1e6:.1f} µs).",
        COLUMNS,
        below=BELOW,
    )
    for case in cases.CASES:
        cells = [case.name]
        for door, goal in zip(DOORS, case.goals, strict=True):
            if f"{door} {case.name}" not in fastest:
                cells += ["not measured: no redis-server here", "", ""]
                continue
            over = fastest[f"{door} {case.name}"] - fastest[f"{door} {cases.BARE}"]
            ratio = over / reference
            cells += [f"{over * 1e6:.2f}", f"{ratio:.3f}", report.judge(f"{door}, {case.name}", ratio, goal)]
        table.rows.append(tuple(cells))
    return table


def peer_table(fastest: dict[str, float], reference: float) -> Table:
    """Return a row for each peer."""
    table = Table("What others take for the same two tokens, over the same app without them.", ("peer", "µs", "ratio"))
    for name, door in PEERS.items():
        over = fastest[name] - fastest[f"{name}, without"]
        table.rows.append((f"{name} ({door})", f"{over * 1e6:.1f}", f"{over / reference:.2f}"))
    return table
