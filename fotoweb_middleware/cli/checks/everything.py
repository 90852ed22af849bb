"""All checks, in order; each step says something even where it fails in a way nobody thought of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import httpx

from fotoweb_middleware.cli.checks.authorize import authorize_url, is_a_fotoweb, judge_authorize
from fotoweb_middleware.cli.checks.cache import check_cache
from fotoweb_middleware.cli.checks.configuration import read_settings
from fotoweb_middleware.cli.checks.finding import Finding, Level, bad
from fotoweb_middleware.cli.checks.network import ask, build_client
from fotoweb_middleware.cli.checks.skew import check_clock
from fotoweb_middleware.cli.checks.token import judge_token, token_form, token_url
from fotoweb_middleware.settings import Settings

__all__ = ["check_everything", "check_fotoweb"]

Clock = Callable[[], float]


def check_everything(*, clock: Clock = time.time) -> Iterator[Finding]:
    """Yield every finding as soon as it is known: settings, then FotoWeb, then the cache."""
    settings, findings = read_settings()
    yield from findings
    if settings is None or any(finding.level is Level.BAD for finding in findings):
        return
    yield from guarded("FotoWeb", lambda: _check_site(settings, clock))
    yield from guarded("cache", lambda: check_cache(settings))


def _check_site(settings: Settings, clock: Clock) -> list[Finding]:
    with build_client(settings) as client:
        return check_fotoweb(settings, client, clock=clock)


def check_fotoweb(settings: Settings, client: httpx.Client, *, clock: Clock) -> list[Finding]:
    """Ask both endpoints what they think of these settings.

    Args:
        settings: What to try.
        client: Follows no redirects.
        clock: Returns epoch seconds.
    """
    reply = ask(client, "GET", authorize_url(settings), accept="text/html")
    if isinstance(reply, Finding):
        return [reply]
    found = judge_authorize(reply, settings)
    if not is_a_fotoweb(found):
        return found
    found += check_clock(reply, now=clock())
    answer = ask(client, "POST", token_url(settings), form=token_form(settings), accept="application/json")
    return [*found, answer if isinstance(answer, Finding) else judge_token(answer, settings)]


def guarded(name: str, step: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Run one step. An exception becomes a finding: its type only, since its text may hold anything."""
    try:
        return list(step())
    except Exception as error:  # noqa: BLE001 (a check never ends in a traceback)
        return [bad(f"The check of the {name} itself failed ({type(error).__name__}).", "Please report this.")]
