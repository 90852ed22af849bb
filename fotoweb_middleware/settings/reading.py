"""Reads every setting: from an argument, a ``FOTOWEB_*`` variable or a file, and says what is wrong, all at once."""

from __future__ import annotations

import difflib
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fotoweb_middleware.settings.cache_address import mask_wrong_cache_address
from fotoweb_middleware.settings.combinations import conflicts
from fotoweb_middleware.settings.rules import WrongValue, read_secret_file, refuse_quotes

_LONGEST_SHOWN_CHARACTERS = 120
_USER_NAME = re.compile(r"\A(?!/[^/])([^/]*//)?.*@", re.DOTALL)
"""What stands before the last @ of an address, also of one without a scheme; not of a path."""

_logger = logging.getLogger("fotoweb_middleware.settings")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, except for its type and meaning, which stand at its field in ``Settings``.

    Attributes:
        rule: Takes what was set and returns the clean value, or raises ``WrongValue``.
        expects: What it takes, without a full stop (reference page and messages).
        default: The clean value where nothing is set.
        required: Whether there is no default.
        unset: What holds where nothing is set, where the bare default would not say it.
        hint: What an operator can do about a wrong or missing value (messages).
        secret: Whether its value may never be shown.
        has_file: Whether ``<variable>_FILE`` may name a file that holds it.
    """

    rule: Callable[[Any], Any]
    expects: str
    default: Any = None
    required: bool = False
    unset: str = ""
    hint: str = ""
    secret: bool = False
    has_file: bool = False


def variable_of(name: str) -> str:
    """Return the environment variable of the setting ``name``: ``url`` becomes ``FOTOWEB_URL``."""
    return f"FOTOWEB_{name.upper()}"


def is_in_environment(name: str) -> bool:
    """Return whether the setting ``name`` has a variable, or one that names a file.

    A framework's own configuration (Django's settings, Flask's ``app.config``) gives way to these, so that a deployment
    and a test can replace what the code says.
    """
    variable = variable_of(name)
    return any(os.environ.get(each, "").strip() for each in (variable, f"{variable}_FILE"))


def read_all(
    declared: Mapping[str, Setting], arguments: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Read every setting that the arguments leave out from the environment, and check them all.

    Nothing is raised for what is wrong: ``Settings`` does so, where no local variable holds a secret.

    Returns:
        The clean values, where each came from ("argument", "environment", "file PATH", "default"), and a text for
        each thing that is wrong. The first two are complete where nothing is wrong.
    """
    given: dict[str, Any] = {}
    origins: dict[str, str] = {}
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, setting in declared.items():
        try:
            origins[name], given[name] = _find(name, setting, arguments)
            if given[name] is setting.default and not setting.required:
                values[name] = setting.default
            elif origins[name] == "default":
                problems[name] = _missing(name, declared)
            else:
                refuse_quotes(given[name])
                values[name] = setting.rule(given[name])
        except ValueError as error:
            # An argument of a class of its own may raise what it likes, and its words may tell the value.
            wrong = error if isinstance(error, WrongValue) else WrongValue("it is of the wrong type.")
            problems[name] = _wrong(name, setting, origins.get(name, "unreadable"), given.get(name), wrong)
    for name, conflict in conflicts(values).items():
        problems[name] = _wrong(name, declared[name], origins[name], given[name], conflict)
    unknown = [_unknown_argument(name, declared) for name in arguments if name not in declared]
    return values, origins, [*unknown, *(problems[name] for name in declared if name in problems)]


def _find(name: str, setting: Setting, arguments: Mapping[str, Any]) -> tuple[str, Any]:
    """Return where the setting ``name`` is given, and what stands there. An empty variable counts as not set.

    Raises:
        WrongValue: When both the variable and its ``_FILE`` twin are set, or the file can't be read.
    """
    if name in arguments:
        return "argument", arguments[name]
    variable = variable_of(name)
    text = os.environ.get(variable, "")
    path = os.environ.get(f"{variable}_FILE", "").strip() if setting.has_file else ""
    refuse_quotes(path)
    if path and text.strip():
        raise WrongValue(f"both {variable} and {variable}_FILE are set.", "Remove one of the two.")
    if path:
        return f"file {path}", read_secret_file(path)
    return ("environment", text) if text.strip() else ("default", setting.default)


# --------------------------------------------------------------------------------------------------------- the message


def whole_message(problems: Sequence[str]) -> str:
    """Return the message of the ``SettingsError``: everything that is wrong, in the order of the reference page."""
    count = len(problems)
    what = "A setting" if count == 1 else f"{count} settings"
    head = f"{what} of the FotoWeb middleware {'is' if count == 1 else 'are'} wrong, so nothing was started."
    return "\n".join([head, *problems])


def _problem(headline: str, *, wrong: str = "", takes: str = "", to_do: str = "") -> str:
    """Return one thing that is wrong, on up to four lines. No secret may be in it."""
    lines = [("Wrong", wrong), ("Accepts", takes), ("To do", to_do)]
    return "\n".join([headline, *(f"    {label}: {text}" for label, text in lines if text)])


def _unknown_argument(name: str, known: Iterable[str]) -> str:
    like = _nearest(name, known)
    hint = f"Did you mean {like}?" if like else "The reference page lists all settings."
    return _problem(f"Settings({name}=...): there is no setting of this name.", to_do=hint)


def _missing(name: str, declared: Mapping[str, Setting]) -> str:
    setting, variable = declared[name], variable_of(name)
    state = "is empty" if variable in os.environ else "is not set"
    typos = [unknown for unknown, like in _unknown_variables(declared).items() if like == variable]
    return _problem(
        f"{variable} {state}, and Settings(...) got no {name}.",
        wrong=f"{ascii(typos[0])[1:-1]} is set, but is no setting: a typo?" if typos else "",
        takes=setting.expects + (f" ({variable}_FILE may name a file that holds it)." if setting.has_file else "."),
        to_do=setting.hint,
    )


def _wrong(name: str, setting: Setting, origin: str, value: Any, error: WrongValue) -> str:
    variable, shown = variable_of(name), _masked(name, setting, value)
    headlines = {
        "argument": f"Settings({name}=...), the argument for {variable}, holds {shown}.",
        "environment": f"{variable} holds {shown}.",
        "default": f"{variable} is not set, which means {shown}.",
        "unreadable": f"{variable}_FILE can't be used.",
    }
    of_file = f"{variable}_FILE, the file {origin.removeprefix('file ')!a}, holds {shown}."
    headline = headlines.get(origin, of_file)
    return _problem(headline, wrong=error.reason, takes=f"{setting.expects}.", to_do=error.hint or setting.hint)


def _masked(name: str, setting: Setting, value: Any) -> str:
    """Return ``value`` as it may stand in a log: masked, one line, ASCII, not too long."""
    if setting.secret:
        return "*** (not shown: it is a secret)"
    if name == "cache":
        return ascii(mask_wrong_cache_address(value.strip())) if isinstance(value, str) else "***"
    if isinstance(value, (list, tuple)):
        value = ", ".join(map(str, value))
    if isinstance(value, str) and name != "allowed_users":  # There an @ is no sign of an address with a password.
        value = _USER_NAME.sub(r"\1***@", value if name == "client_id" else value.strip())
    text = ascii(value)
    return text if len(text) <= _LONGEST_SHOWN_CHARACTERS else text[:_LONGEST_SHOWN_CHARACTERS] + "..."


# ------------------------------------------------------------------------------------------------------- unknown names


def unknown_variable_warnings(declared: Mapping[str, Setting]) -> list[str]:
    """Return a sentence for each ``FOTOWEB_*`` variable that means nothing here: its name, never its value."""
    return [
        f"There is no setting {ascii(name)[1:-1]}. {f'Did you mean {like}?' if like else 'It has no effect.'}"
        for name, like in _unknown_variables(declared).items()
    ]


def _unknown_variables(declared: Mapping[str, Setting]) -> dict[str, str]:
    """Return each variable that starts like ours, in any case of letters, and is none, with the nearest known or ""."""
    known = {variable_of(name) for name in declared}
    known |= {f"{variable_of(name)}_FILE" for name in declared if declared[name].has_file}
    unknown = sorted(name for name in os.environ if name.upper().startswith("FOTOWEB_") and name not in known)
    return {name: _nearest(name.upper(), known) for name in unknown}


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name most like ``name``, or "" where none is like it."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)), "")


def log_warnings(sentences: Iterable[str]) -> None:
    """Log each sentence as a warning."""
    for sentence in sentences:
        _logger.warning("%s", sentence)
