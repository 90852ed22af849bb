"""Checks the settings themselves, those of the environment or those that the app's code makes."""

from __future__ import annotations

import contextlib
import re
import sys

from fotoweb_middleware.cli.checks.finding import Finding, bad, ok, warn
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.fotoweb.http import client_options
from fotoweb_middleware.fotoweb.unreachable import open_client
from fotoweb_middleware.settings import DECLARED, Settings
from fotoweb_middleware.settings.combinations import warnings
from fotoweb_middleware.settings.reading import is_in_environment, read_all, unknown_variable_warnings
from fotoweb_middleware.wrap import load_app

PROBLEM = re.compile(r"\n(?=\S)")
"""Where the next problem begins in the message of a ``SettingsError``: what belongs to one is indented."""


def read_settings(app: str | None = None) -> tuple[Settings | None, list[Finding]]:
    """Return the settings and what is to be said about them; None where they can't be used.

    Args:
        app: ``module:name`` of a ``Settings`` or of a function that returns one; None: the environment's.
    """
    unknown = [warn(sentence) for sentence in unknown_variable_warnings(DECLARED)]
    if app is not None:
        settings, problems = load_settings(app)
    else:
        *_, wrong = read_all(DECLARED, {})
        settings, problems = None if wrong else Settings(), [finding_of(problem) for problem in wrong]
        if not any(is_in_environment(name) for name, setting in DECLARED.items() if setting.required):
            hint = "Are they only in the app's environment? Then run this there. Does its code set them? Use --app."
            problems.append(warn("None of the required settings is in the environment.", hint))
    if settings is None:
        return None, [*problems, *unknown]
    return settings, [*check_settings(settings), *unknown]


def load_settings(app: str) -> tuple[Settings | None, list[Finding]]:
    """Import the settings that the app's code makes. Nothing that the app prints goes to standard output."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            found = load_app(app, "--app")
            settings = found() if callable(found) else found
    except SettingsError as error:
        first, *rest = PROBLEM.split(str(error))
        return None, [finding_of(problem) for problem in rest or [first]]
    except (Exception, SystemExit) as error:  # noqa: BLE001 (the app's own; its text may hold anything)
        hint = f"Run python -c 'import {app.partition(':')[0]}' to see where."
        return None, [bad(f"--app {app}: it raised {type(error).__name__} when it was loaded.", hint)]
    if not isinstance(settings, Settings):
        what = f"--app {app}: that is of the type {type(settings).__name__}, not Settings."
        return None, [bad(what, "Name the Settings that your middleware is given, or a function that returns them.")]
    return settings, []


def finding_of(problem: str) -> Finding:
    """Return a problem of ``read_all`` as a finding: on its first line what is wrong, then what is taken."""
    what, _, hint = problem.replace("\n    ", "\n").partition("\nTo do: ")
    headline, _, rest = what.partition("\n")
    if rest.startswith("Wrong: "):
        wrong, _, rest = rest.removeprefix("Wrong: ").partition("\n")
        headline = f"{headline.removesuffix('.')}: {wrong}"
    return bad(f"{headline}\n{rest}" if rest else headline, hint)


def check_settings(settings: Settings) -> list[Finding]:
    """Say how many settings are given, what weakens the login, and whether certificates and proxy can be used."""
    given = sum(origin != "default" for origin in settings.origins.values())
    found = [ok(f"Configuration: {given} settings given, the others have their defaults.")]
    found += [warn(sentence) for sentence in warnings(settings)]
    if settings.redirect_uri is None:
        found.append(
            warn(
                "FOTOWEB_REDIRECT_URI is not set: the callback address is derived from each request's Host.",
                "In production, set it to the registered address: then a forged Host header can't redirect the codes.",
            )
        )
    try:
        open_client(**client_options(settings)).close()
    except SettingsError as error:  # The system's proxy.
        found.append(finding_of(str(error)))
    except OSError as error:
        path, reason = settings.ca_bundle, error.strerror or type(error).__name__
        found.append(
            bad(f"FOTOWEB_CA_BUNDLE: the certificates in {path!a} can't be loaded: {reason}.", "Use a PEM file.")
        )
    return found
