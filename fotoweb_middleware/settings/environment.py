"""Reads the ``FOTOWEB_*`` variables: what is set, where it stands, and which names nobody knows."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from fotoweb_middleware.settings.about import PREFIX, About, Origin, WrongValue, variable_of
from fotoweb_middleware.settings.files import read_secret_file

__all__ = ["EnvironmentSource", "Misread", "UnknownVariable", "find_origin", "nearest", "unknown_variables"]

FILE = "_FILE"


@dataclass(frozen=True, slots=True)
class Misread:
    """Stands in for a value that could not be read, so that it is reported together with all wrong values."""

    variable: str
    wrong: WrongValue


@dataclass(frozen=True, slots=True)
class UnknownVariable:
    """A ``FOTOWEB_*`` variable that means nothing here, and the known one nearest to it (or "")."""

    name: str
    nearest: str


def find_origin(name: str, about: About, environ: Mapping[str, str]) -> Origin:
    """Return where the environment holds the setting ``name``. An empty variable counts as not set.

    Raises:
        WrongValue: When both the variable and its ``_FILE`` twin are set.
    """
    variable = variable_of(name)
    is_set = bool(environ.get(variable, "").strip())
    path = environ.get(variable + FILE, "").strip() if about.from_file else ""
    if is_set and path:
        raise WrongValue(f"both {variable} and {variable}{FILE} are set.", mend="Remove one of the two.")
    if path:
        return Origin("file", variable + FILE, path)
    return Origin("environment", variable) if is_set else Origin("default")


class EnvironmentSource(PydanticBaseSettingsSource):
    """Gives pydantic-settings the plain text of each variable.

    Its own environment source is not used: it reads names in any case and expects JSON for lists.

    Args:
        settings_class: The class to be filled.
        abouts: What is known of each of its fields.
    """

    def __init__(self, settings_class: type[BaseSettings], abouts: Mapping[str, About]) -> None:
        super().__init__(settings_class)
        self._abouts = abouts

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 (base's face)
        """Return the text of one setting (or None, or a ``Misread``), its name, and that it is no JSON."""
        variable = variable_of(field_name)
        try:
            origin = find_origin(field_name, self._abouts[field_name], os.environ)
            variable = origin.variable
            value: Any = read_secret_file(origin.path) if origin.path else os.environ.get(variable)
        except WrongValue as wrong:
            value = Misread(variable, wrong)
        return value, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return what is set, leaving out what an argument gives already."""
        fields = self.settings_cls.model_fields
        wanted = [name for name in fields if name not in self.current_state]
        found = {name: self.get_field_value(fields[name], name)[0] for name in wanted}
        return {name: value for name, value in found.items() if value is not None}


def unknown_variables(environ: Iterable[str], abouts: Mapping[str, About]) -> list[UnknownVariable]:
    """Return the variables that start like ours, in any case of letters, and are none of ours."""
    known = {variable_of(name) for name in abouts}
    known |= {variable_of(name) + FILE for name, about in abouts.items() if about.from_file}
    strange = sorted(name for name in environ if name.upper().startswith(PREFIX) and name not in known)
    return [UnknownVariable(name, nearest(name.upper(), known)) for name in strange]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name most like ``name``, or "" where none is like it."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)), "")
