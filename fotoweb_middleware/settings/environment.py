"""How a setting is declared, and where its value is found: argument, ``FOTOWEB_*`` variable, file, default."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from fotoweb_middleware.settings.rules import WrongValue, read_secret_file

__all__ = ["Converted", "Origin", "Setting", "find", "nearest", "setting", "unknown_variables", "variable_of"]

PREFIX = "FOTOWEB_"
FILE = "_FILE"

Given = TypeVar("Given")
Value = TypeVar("Value")


class Converted(Generic[Given, Value]):
    """The type of a field whose argument may have another type than the value that it becomes.

    It is for type checkers alone: they read the two types off a descriptor. Nothing is ever of this class.
    """

    if TYPE_CHECKING:

        def __get__(self, settings: object, owner: object = None) -> Value: ...

        def __set__(self, settings: object, value: Given) -> None: ...


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, except for its type and meaning, which stand at its field in ``Settings``.

    Attributes:
        rule: Takes what was set and returns the clean value, or raises ``WrongValue``.
        expects: What it takes, without a full stop (reference page and messages).
        default: What holds where nothing is set. It goes through the rule too, except for None.
        required: Whether there is no default.
        needs_others: Whether the rule also takes the clean values of other settings: those that need no others
            themselves, and those that do and are declared above.
        unset: What holds where nothing is set, where the bare default would not say it.
        hint: What an operator can do about a wrong or missing value (messages).
        secret: Whether its value may never be shown, and ``<variable>_FILE`` may name a file that holds it.
    """

    rule: Callable[..., Any]
    expects: str
    default: Any = None
    required: bool = False
    needs_others: bool = False
    unset: str = ""
    hint: str = ""
    secret: bool = False

    def read(self, value: Any, others: Mapping[str, Any]) -> Any:
        """Return the clean value; None stands for "not set" where that is allowed.

        Raises:
            WrongValue: When the rule does not accept it.
        """
        if value is None and self.default is None and not self.required:
            return None
        return self.rule(value, others) if self.needs_others else self.rule(value)


def setting(rule: Callable[..., Any], expects: str, **words: Any) -> Any:
    """Declare a field of ``Settings``; the arguments are those of ``Setting``."""
    return field(metadata={"setting": Setting(rule, expects, **words)})


def variable_of(name: str) -> str:
    """Return the environment variable of the setting ``name``: ``url`` becomes ``FOTOWEB_URL``."""
    return PREFIX + name.upper()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting's value came from.

    Attributes:
        kind: ``argument`` of ``Settings(...)``, ``environment``, ``file`` or ``default``.
        variable: The environment variable it was read from, ``X_FILE`` for a file; "" for the other kinds.
        path: The file it was read from, or "".
    """

    kind: Literal["argument", "environment", "file", "default"]
    variable: str = ""
    path: str = ""

    def __str__(self) -> str:
        """Return it in words: ``environment``, ``file /run/secrets/key``."""
        return f"file {self.path}" if self.kind == "file" else self.kind


def find(name: str, declared: Setting, environ: Mapping[str, str]) -> tuple[Origin, Any]:
    """Return where the environment holds the setting ``name`` and what stands there, or its default.

    An empty variable counts as not set.

    Raises:
        WrongValue: When both the variable and its ``_FILE`` twin are set, or the file can't be read.
    """
    variable, twin = variable_of(name), variable_of(name) + FILE
    text = environ.get(variable, "")
    path = environ.get(twin, "").strip() if declared.secret else ""
    if path and text.strip():
        reason = f"both {variable} and {twin} are set."
        raise WrongValue(reason, hint="Remove one of the two.", variable=variable)
    if path:
        try:
            return Origin("file", twin, path), read_secret_file(path)
        except WrongValue as wrong:
            raise WrongValue(wrong.reason, hint=wrong.hint, variable=twin) from None
    return (Origin("environment", variable), text) if text.strip() else (Origin("default"), declared.default)


def unknown_variables(declared: Mapping[str, Setting], environ: Iterable[str]) -> dict[str, str]:
    """Return each variable that starts like ours, in any case of letters, and is none, with the nearest known or ""."""
    known = {variable_of(name) for name in declared}
    known |= {variable_of(name) + FILE for name in declared if declared[name].secret}
    unknown = sorted(name for name in environ if name.upper().startswith(PREFIX) and name not in known)
    return {name: nearest(name.upper(), known) for name in unknown}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name most like ``name``, or "" where none is like it."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)), "")
