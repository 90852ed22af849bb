"""Django: ``request.user`` is the person signed in to FotoWeb; settings can be in ``FOTOWEB`` in Django's settings.

    __init__            fotoweb_settings: ``FOTOWEB`` and the environment
    middleware          FotoWebUserMiddleware
    backends            FotoWebBackend
    checks, apps        what ``manage.py check`` finds
    context_processors  sign-in and sign-out links in templates

The two classes are here too, but imported only when somebody asks for them: Django imports this package, as an
installed app, before models can be imported.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.integrations.configuration import read_settings
from fotoweb_middleware.settings import DECLARED, Settings
from fotoweb_middleware.settings.reading import is_in_environment

__all__ = ["FotoWebBackend", "FotoWebUserMiddleware", "fotoweb_settings"]

if TYPE_CHECKING:
    from fotoweb_middleware.integrations.django.backends import FotoWebBackend
    from fotoweb_middleware.integrations.django.middleware import FotoWebUserMiddleware

OWN_ENTRIES = frozenset({"CREATE_USERS"})
"""Entries of ``FOTOWEB`` that are for this integration, not for ``Settings``."""


def fotoweb_settings() -> Settings:
    """Return the middleware's settings: the ``FOTOWEB_*`` variables, then ``FOTOWEB`` in Django's settings.

    If both are set, the variable wins, so that a deployment, or a test with the pytest plugin, can override the
    project's code. ``FOTOWEB = {"PUBLIC_PATHS": ["/about"]}`` sets what ``FOTOWEB_PUBLIC_PATHS`` sets.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    creates_users()  # Is right, or raises: here a server stops at start-up.
    return read_settings(
        lambda: {name.lower(): value for name, value in entries().items() if name not in OWN_ENTRIES},
        source="FOTOWEB in Django's settings",
    )


def creates_users() -> bool:
    """Return whether somebody who is new here gets a Django user; ``FOTOWEB = {"CREATE_USERS": False}`` says no.

    Raises:
        SettingsError: It is neither True nor False.
    """
    value = entries().get("CREATE_USERS", True)
    if not isinstance(value, bool):
        raise SettingsError(f'FOTOWEB["CREATE_USERS"] in Django\'s settings takes True or False, not {value!a}.')
    return value


def entries() -> Mapping[str, Any]:
    """Return what ``FOTOWEB`` in Django's settings holds.

    Raises:
        SettingsError: It is no dict, or a name is not in upper case.
    """
    found = getattr(django_settings, "FOTOWEB", {})
    if not isinstance(found, Mapping):
        raise SettingsError('FOTOWEB in Django\'s settings is not a dict; write FOTOWEB = {"URL": ...}.')
    wrong = [name for name in found if not (isinstance(name, str) and name.isupper())]
    if wrong:
        raise SettingsError(f"FOTOWEB in Django's settings takes names in upper case, such as URL, not {wrong[0]!a}.")
    return found


def is_configured() -> bool:
    """Return whether anything that has no default is set, here or in the environment."""
    required = [name for name, setting in DECLARED.items() if setting.required]
    return any(name.upper() in entries() or is_in_environment(name) for name in required)


def __getattr__(name: str) -> Any:
    """Import what needs Django's models when it is asked for."""
    modules = {"FotoWebBackend": "backends", "FotoWebUserMiddleware": "middleware"}
    if name not in modules:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{modules[name]}"), name)
