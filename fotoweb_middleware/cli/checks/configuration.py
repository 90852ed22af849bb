"""Checks the settings: whether they can be read, what weakens them, and what has no effect."""

from __future__ import annotations

import ssl

from fotoweb_middleware.cli.checks.finding import Finding, bad, ok, warn
from fotoweb_middleware.settings import DECLARED, Settings, read_all
from fotoweb_middleware.settings.describe import describe
from fotoweb_middleware.settings.messages import Problem, unknown_variable_warnings, warnings

__all__ = ["check_settings", "read_settings"]


def read_settings() -> tuple[Settings | None, list[Finding]]:
    """Return the settings and what is to be said about them; None where they can't be used."""
    unknown = [warn(sentence) for sentence in unknown_variable_warnings(DECLARED)]
    *_, problems = read_all({})
    if problems:
        return None, [*map(finding_of, problems), *unknown]
    settings = Settings()
    return settings, [*check_settings(settings), *unknown]


def check_settings(settings: Settings) -> list[Finding]:
    """Say how many settings are given, and what weakens the login."""
    given = sum(one.origin.kind != "default" for one in describe(settings))
    found = [ok(f"Configuration: {given} settings given, the others have their defaults.")]
    found += [warn(sentence) for sentence in warnings(settings)]
    if settings.redirect_uri is None:
        found.append(
            warn(
                "FOTOWEB_REDIRECT_URI is not set: the callback address is derived from each request's Host.",
                "In production, set it to the registered address: a forged Host header then can't say where codes go.",
            )
        )
    if settings.ca_bundle:
        found += check_ca_bundle(settings.ca_bundle)
    return found


def check_ca_bundle(path: str) -> list[Finding]:
    """Say whether the certificates in the file can be loaded."""
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return [bad(f"FOTOWEB_CA_BUNDLE: the certificates in {path!a} can't be loaded: {reason}.", "Use a PEM file.")]
    return []


def finding_of(problem: Problem) -> Finding:
    takes = f"It takes {problem.expects}" if problem.expects else ""
    what = f"{problem.headline}\nWrong: {problem.reason}" if problem.reason else problem.headline
    return bad(what, "\n".join(filter(None, [problem.hint, takes])))
