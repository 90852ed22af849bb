"""What ``fotoweb-middleware check`` looks at: the settings, FotoWeb, the session store, and the deployed app.

Every check is a plain function that returns findings.

    finding        what a check says
    configuration  the settings, from the environment or from code
    network        one request, and what can go wrong on the way
    fotoweb        the authorize endpoint, the clocks, the token endpoint
    store          the session store
    deployed       the app at its public address (``--url``)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from fotoweb_middleware.cli.checks.configuration import read_settings
from fotoweb_middleware.cli.checks.deployed import check_deployed
from fotoweb_middleware.cli.checks.finding import Finding, bad
from fotoweb_middleware.cli.checks.fotoweb import check_site
from fotoweb_middleware.cli.checks.store import check_store

ORDER: Final = ("bad", "warn", "ok")


def check_everything(
    *, app: str | None = None, url: str | None = None, clock: Callable[[], float] = time.time
) -> list[Finding]:
    """Return every finding, the worst first, so that the first line names the cause.

    ``app`` is as in ``read_settings``; ``url`` is the deployed app's public address, to be asked too.
    """
    settings, findings = read_settings(app)
    if settings is not None and all(finding.level != "bad" for finding in findings):
        findings += guarded("FotoWeb", lambda: check_site(settings, clock))
        findings += guarded("session store", lambda: check_store(settings))
        if url is not None:
            findings += guarded("deployed app", lambda: check_deployed(settings, url))
    return sorted(findings, key=lambda finding: ORDER.index(finding.level))


def guarded(name: str, step: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Run one step. An exception becomes a finding: its type only, since its text may hold anything."""
    try:
        return list(step())
    except Exception as error:  # noqa: BLE001 (a check never ends in a traceback)
        return [bad(f"The check of the {name} itself failed ({type(error).__name__}).", "Please report this.")]
