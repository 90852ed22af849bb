"""What ``fotoweb-middleware check`` looks at, in order: the settings, FotoWeb, the session store.

Every check is a plain function that returns findings.

    finding    what a check says
    network    one request, and what can go wrong on the way
    fotoweb    the authorize endpoint, the clocks, the token endpoint
    store      the session store
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import httpx

from fotoweb_middleware.cli.checks.finding import Finding, bad, ok, warn
from fotoweb_middleware.cli.checks.fotoweb import check_fotoweb
from fotoweb_middleware.cli.checks.store import check_store
from fotoweb_middleware.fotoweb.http import client_options, tls_context
from fotoweb_middleware.settings import DECLARED, Settings
from fotoweb_middleware.settings.combinations import warnings
from fotoweb_middleware.settings.reading import read_all, unknown_variable_warnings


def check_everything(*, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Yield every finding as soon as it is known."""
    settings, findings = read_settings()
    yield from findings
    if settings is None or any(finding.level == "bad" for finding in findings):
        return
    yield from guarded("FotoWeb", lambda: check_site(settings, clock))
    yield from guarded("session store", lambda: check_store(settings))


def read_settings() -> tuple[Settings | None, list[Finding]]:
    """Return the settings and what is to be said about them; None where they can't be used."""
    unknown = [warn(sentence) for sentence in unknown_variable_warnings(DECLARED)]
    *_, problems = read_all(DECLARED, {})
    if problems:
        return None, [*map(finding_of, problems), *unknown]
    settings = Settings()
    return settings, [*check_settings(settings), *unknown]


def finding_of(problem: str) -> Finding:
    """Return a problem of ``read_all`` as a finding: what is wrong and what is taken, then what to do."""
    what, _, hint = problem.replace("\n    ", "\n").partition("\nTo do: ")
    return bad(what, hint)


def check_settings(settings: Settings) -> list[Finding]:
    """Say how many settings are given, what weakens the login, and whether the certificates can be loaded."""
    given = sum(origin != "default" for origin in settings.origins.values())
    found = [ok(f"Configuration: {given} settings given, the others have their defaults.")]
    found += [warn(sentence) for sentence in warnings(settings)]
    if settings.redirect_uri is None:
        found.append(
            warn(
                "FOTOWEB_REDIRECT_URI is not set: the callback address is derived from each request's Host.",
                "In production, set it to the registered address: a forged Host header then can't say where codes go.",
            )
        )
    try:
        tls_context(settings)
    except OSError as error:
        path, reason = settings.ca_bundle, error.strerror or type(error).__name__
        found.append(
            bad(f"FOTOWEB_CA_BUNDLE: the certificates in {path!a} can't be loaded: {reason}.", "Use a PEM file.")
        )
    return found


def check_site(settings: Settings, clock: Callable[[], float]) -> list[Finding]:
    """Ask the FotoWeb site that the settings name, with a client made as the middleware's own."""
    with httpx.Client(**client_options(settings)) as client:
        return check_fotoweb(settings, client, clock=clock)


def guarded(name: str, step: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Run one step. An exception becomes a finding: its type only, since its text may hold anything."""
    try:
        return list(step())
    except Exception as error:  # noqa: BLE001 (a check never ends in a traceback)
        return [bad(f"The check of the {name} itself failed ({type(error).__name__}).", "Please report this.")]
