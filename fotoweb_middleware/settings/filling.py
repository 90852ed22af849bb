"""Fills the fields: from the arguments, the environment or the defaults, each through its rule."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from fotoweb_middleware.settings.about import Origin, WrongValue
from fotoweb_middleware.settings.environment import Misread, find_origin, read_variable
from fotoweb_middleware.settings.fields import FIELDS
from fotoweb_middleware.settings.messages import Problem, misread, missing, unknown_argument, wrong
from fotoweb_middleware.settings.texts import ABOUT

__all__ = ["fill"]


def fill(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Origin], list[Problem]]:
    """Read every setting that the arguments leave out from the environment, and check them all.

    Nothing is raised for what is wrong: the caller does so, where no local variable holds a secret.

    Args:
        arguments: Those of ``Settings(...)``.

    Returns:
        The clean values, where each came from, and what is wrong. The first two are complete where nothing is wrong.
    """
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    problems = [unknown_argument(name, FIELDS) for name in arguments if name not in FIELDS]
    for name in FIELDS:
        try:
            origins[name] = _find(name, arguments)
            problem = _read(name, arguments, origins[name], values)
        except Misread as error:
            problem = misread(ABOUT[name], error)
        if problem is not None:
            problems.append(problem)
    return values, origins, problems


def _find(name: str, arguments: Mapping[str, Any]) -> Origin:
    return Origin("argument") if name in arguments else find_origin(name, ABOUT[name], os.environ)


def _read(name: str, arguments: Mapping[str, Any], origin: Origin, values: dict[str, Any]) -> Problem | None:
    """Put the clean value of one setting into ``values``, or return what is wrong with it."""
    field = FIELDS[name]
    if origin.kind == "default" and field.is_required:
        return missing(name, ABOUT[name], os.environ)
    if origin.kind == "argument":
        value = arguments[name]
    else:
        value = field.default if origin.kind == "default" else read_variable(origin, os.environ)
    try:
        values[name] = field.read(value, values)
    except WrongValue as error:
        return wrong(name, ABOUT[name], origin, value, error)
    except ValueError:  # Of an argument that is an object of its own kind. Its words may tell the value.
        return wrong(name, ABOUT[name], origin, value, None)
    return None
