"""What ``fotoweb-middleware check`` looks at, in order: the settings, FotoWeb, the session store.

Every check is a plain function that returns findings.

    finding         what a check says
    configuration   the settings
    network         one request, and what can go wrong on the way
    fotoweb         the authorize endpoint, the clocks, the token endpoint
    store           the session store
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from fotoweb_middleware.cli.checks.configuration import read_settings
from fotoweb_middleware.cli.checks.finding import Finding, Level, bad
from fotoweb_middleware.cli.checks.fotoweb import check_fotoweb
from fotoweb_middleware.cli.checks.network import build_client
from fotoweb_middleware.cli.checks.store import check_store
from fotoweb_middleware.settings import Settings

__all__ = ["Finding", "Level", "check_everything"]


def check_everything(*, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Yield every finding as soon as it is known."""
    settings, findings = read_settings()
    yield from findings
    if settings is None or any(finding.level is Level.BAD for finding in findings):
        return
    yield from guarded("FotoWeb", lambda: check_site(settings, clock))
    yield from guarded("session store", lambda: check_store(settings))


def check_site(settings: Settings, clock: Callable[[], float]) -> list[Finding]:
    """Ask the FotoWeb site that the settings name."""
    with build_client(settings) as client:
        return check_fotoweb(settings, client, clock=clock)


def guarded(name: str, step: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Run one step. An exception becomes a finding: its type only, since its text may hold anything."""
    try:
        return list(step())
    except Exception as error:  # noqa: BLE001 (a check never ends in a traceback)
        return [bad(f"The check of the {name} itself failed ({type(error).__name__}).", "Please report this.")]
