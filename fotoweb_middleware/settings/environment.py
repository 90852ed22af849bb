"""Reads the ``FOTOWEB_*`` variables: what is set, where it stands, and which names nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fotoweb_middleware.settings.about import PREFIX, About, Origin, WrongValue, variable_of
from fotoweb_middleware.settings.files import read_secret_file

__all__ = ["Misread", "UnknownVariable", "find_origin", "nearest", "read_variable", "unknown_variables"]

FILE = "_FILE"


class Misread(WrongValue):
    """A variable whose value could not be had at all, so that no rule could judge it.

    Args:
        variable: Its name, that with ``_FILE`` where the file is to blame.
        reason: See ``WrongValue``.
        mend: See ``WrongValue``.
    """

    def __init__(self, variable: str, reason: str, *, mend: str = "") -> None:
        super().__init__(reason, mend=mend)
        self.variable = variable


@dataclass(frozen=True, slots=True)
class UnknownVariable:
    """A ``FOTOWEB_*`` variable that means nothing here, and the known one nearest to it (or "")."""

    name: str
    nearest: str


def find_origin(name: str, about: About, environ: Mapping[str, str]) -> Origin:
    """Return where the environment holds the setting ``name``. An empty variable counts as not set.

    Raises:
        Misread: When both the variable and its ``_FILE`` twin are set.
    """
    variable = variable_of(name)
    is_set = bool(environ.get(variable, "").strip())
    path = environ.get(variable + FILE, "").strip() if about.from_file else ""
    if is_set and path:
        raise Misread(variable, f"both {variable} and {variable}{FILE} are set.", mend="Remove one of the two.")
    if path:
        return Origin("file", variable + FILE, path)
    return Origin("environment", variable) if is_set else Origin("default")


def read_variable(origin: Origin, environ: Mapping[str, str]) -> str:
    """Return the plain text that stands where ``find_origin`` found it. Lists are no JSON, and names are upper case.

    Raises:
        Misread: When the file can't be read.
    """
    if origin.kind != "file":
        return environ[origin.variable]
    try:
        return read_secret_file(origin.path)
    except WrongValue as wrong:
        raise Misread(origin.variable, wrong.reason, mend=wrong.mend) from None


def unknown_variables(environ: Iterable[str], abouts: Mapping[str, About]) -> list[UnknownVariable]:
    """Return the variables that start like ours, in any case of letters, and are none of ours."""
    known = {variable_of(name) for name in abouts}
    known |= {variable_of(name) + FILE for name, about in abouts.items() if about.from_file}
    strange = sorted(name for name in environ if name.upper().startswith(PREFIX) and name not in known)
    return [UnknownVariable(name, nearest(name.upper(), known)) for name in strange]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name most like ``name``, or "" where none is like it."""
    import difflib  # noqa: PLC0415 (only for whoever mistyped something)

    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)), "")
