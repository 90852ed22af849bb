"""Turns everything that is wrong with the settings into one message that can be read at two in the morning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings.about import About, Origin, WrongValue, variable_of
from fotoweb_middleware.settings.cache_address import mask_wrong_cache_address
from fotoweb_middleware.settings.environment import Misread, nearest, unknown_variables
from fotoweb_middleware.settings.texts import ABOUT

__all__ = ["Problem", "WrongSettings", "misread", "missing", "shown", "unknown_argument", "wrong"]

_LONGEST_SHOWN_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        headline: Which variable, and what it holds (masked).
        reason: What is wrong with that; "" where the headline says it all.
        accepts: What would be taken.
        mend: What to do.
    """

    headline: str
    reason: str = ""
    accepts: str = ""
    mend: str = ""

    def __str__(self) -> str:
        """Return it on up to four lines."""
        lines = [("Wrong", self.reason), ("Takes", self.accepts), ("To do", self.mend)]
        return "\n".join([self.headline, *(f"    {label}: {text}" for label, text in lines if text)])


class WrongSettings(SettingsError):
    """All that is wrong with a ``Settings``, in one message.

    Args:
        problems: What is wrong, in the order of the reference page.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        what = "A setting" if count == 1 else f"{count} settings"
        head = f"{what} of the FotoWeb middleware {'is' if count == 1 else 'are'} wrong, so nothing was started."
        super().__init__("\n".join([head, *map(str, self.problems)]))


def unknown_argument(name: str, known: Iterable[str]) -> Problem:
    """Report an argument that ``Settings(...)`` does not have."""
    like = nearest(name, known)
    advice = f"Did you mean {like}?" if like else "The reference page lists all settings."
    return Problem(f"Settings({name}=...): there is no setting of this name.", mend=advice)


def missing(name: str, about: About, environ: Mapping[str, str]) -> Problem:
    """Report a required setting that nobody gave."""
    variable = variable_of(name)
    state = "is empty" if variable in environ else "is not set"
    twin = f" ({variable}_FILE may name a file that holds it)" if about.from_file else ""
    typos = [unknown.name for unknown in unknown_variables(environ, ABOUT) if unknown.nearest == variable]
    reason = f"{ascii(typos[0])[1:-1]} is set, and means nothing: a typing mistake?" if typos else ""
    headline = f"{variable} {state}, and Settings(...) got no {name}."
    return Problem(headline, reason, f"{about.accepts}{twin}.", about.mend)


def misread(about: About, error: Misread) -> Problem:
    """Report a variable whose value could not be had at all: its file can't be read, or there are two sources."""
    return Problem(f"{error.variable} can't be used.", error.reason, about.accepts + ".", error.mend or about.mend)


def wrong(name: str, about: About, origin: Origin, value: Any, error: WrongValue | None) -> Problem:
    """Report a value that was turned down.

    Args:
        name: The setting.
        about: Its words.
        origin: Where the value came from.
        value: The value; it is masked here.
        error: Why it was turned down, or None where the value itself failed, being of an odd type.
    """
    variable = variable_of(name)
    where = {
        "argument": f"Settings({name}=...), the argument for {variable},",
        "file": f"{origin.variable}, the file {origin.path!a},",
    }.get(origin.kind, variable)
    headline = f"{where} holds {shown(name, about, value)}."
    reason = error.reason if error else "it is of the wrong type."
    return Problem(headline, reason, about.accepts + ".", (error.mend if error else "") or about.mend)


def shown(name: str, about: About, value: Any) -> str:
    """Return ``value`` as it may stand in a log: masked, one line, ASCII, not too long."""
    if about.secret:
        return "*** (not shown: it is a secret)"
    if name == "cache":
        return ascii(mask_wrong_cache_address(value.strip())) if isinstance(value, str) else "***"
    if isinstance(value, (list, tuple)):
        value = ", ".join(map(str, value))
    text = ascii(_without_user(value.strip()) if isinstance(value, str) else value)
    return text if len(text) <= _LONGEST_SHOWN_CHARACTERS else text[:_LONGEST_SHOWN_CHARACTERS] + "..."


def _without_user(text: str) -> str:
    """Mask what stands before the last @ of an address, also of one without a scheme: ``https://***@host``."""
    before, at, behind = text.rpartition("@")
    is_path = text.startswith("/") and not text.startswith("//")
    if not at or is_path:
        return text
    scheme, slashes, _ = before.partition("//")
    return f"{scheme}//***@{behind}" if slashes else f"***@{behind}"
