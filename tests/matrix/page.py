"""The page ``docs/reference/compatibility.md``, from what became of each pair."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version

from tests.matrix.known import KNOWN, Verdict
from tests.matrix.pairs import FRAMEWORKS, SERVERS
from tests.providers.nginx import find_nginx
from tests.servers.serving import ROOT

__all__ = ["PAGE", "render"]

PAGE = ROOT / "docs" / "reference" / "compatibility.md"

TEMPLATE = ROOT / "tests" / "matrix" / "page.md"


def render(verdicts: Sequence[Verdict]) -> str:
    """Return the page: its text is in ``page.md``, what becomes of the pairs is put in."""
    reasons = [f"{number}. {known.because}\n" for number, known in enumerate(KNOWN, 1)]
    unexplained = [
        f"- Not explained yet: {verdict.pair}: {', '.join(verdict.unexplained)}\n"
        for verdict in verdicts
        if verdict.unexplained
    ]
    return TEMPLATE.read_text(encoding="utf-8").format(
        asgi=table("asgi", verdicts),
        wsgi=table("wsgi", verdicts),
        reasons="".join([*reasons, *unexplained]),
        versions=versions(),
    )


def table(interface: str, verdicts: Sequence[Verdict]) -> str:
    """Return the table of an interface: frameworks down, servers across."""
    servers = [server for server in SERVERS if server.interface == interface]
    cells = {(verdict.pair.framework, verdict.pair.server.name): cell(verdict) for verdict in verdicts}
    rows = [["", *(server.title for server in servers)], ["---"] * (len(servers) + 1)]
    rows += [
        [framework.title, *(cells[framework, server.name] for server in servers)]
        for framework in FRAMEWORKS
        if framework.interface == interface
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def cell(verdict: Verdict) -> str:
    """Return what stands in the table about a pair."""
    if verdict.unexplained:
        return "not explained yet"
    if not verdict.known:
        return "all"
    numbers = {known.step: KNOWN.index(known) + 1 for known in verdict.known}
    if "login" in numbers:
        return f"none works ({numbers['login']})"
    return "all but " + ", ".join(f"{step} ({number})" for step, number in numbers.items())


def versions() -> str:
    """Return what was installed, as a sentence."""
    names = {each.package for each in FRAMEWORKS} | {name for each in SERVERS for name in (each.package, each.needs)}
    packages = ", ".join(f"{name} {version(name)}" for name in sorted(names) if name)
    told = subprocess.run([find_nginx() or "nginx", "-v"], capture_output=True, text=True, check=True).stderr
    nginx = told.strip().rpartition("/")[2].partition(" ")[0]
    return f"Python {platform.python_version()} and nginx {nginx}; {packages}.\n"
