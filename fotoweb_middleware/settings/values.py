"""Rules for plain values: switches, numbers, words, lists. Each returns the clean value or raises ``WrongValue``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from fotoweb_middleware.settings.about import WrongValue
from fotoweb_middleware.settings.secret import reveal

__all__ = [
    "optional",
    "read_app",
    "read_client_id",
    "read_client_secret",
    "read_cookie_name",
    "read_cookie_secure",
    "read_flag",
    "read_list",
    "read_number",
    "read_text",
    "read_whole_number",
    "read_word",
]

_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_LARGEST = 1e15
_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}", re.ASCII)
_RESERVED_COOKIE_PREFIXES = ("__host-", "__secure-", "__http-")


def read_text(value: Any) -> str:
    """Return the text in ``value`` without the white space around it. Refuses anything but text, and empty text."""
    value = reveal(value)
    if value is None:
        raise WrongValue("it is None.")
    if not isinstance(value, str):
        raise WrongValue(f"it is of the type {type(value).__name__}, not text.")
    text = value.strip()
    if not text:
        raise WrongValue("it is empty.")
    return text


def read_flag(value: Any) -> bool:
    """Read a switch: true/false, 1/0, yes/no, on/off in any case."""
    if isinstance(value, bool):
        return value
    flag = _FLAGS.get(read_text(value).lower())
    if flag is None:
        raise WrongValue("it is none of the words a switch knows.")
    return flag


def read_cookie_secure(value: Any) -> str:
    """Read ``auto`` or a switch, and return ``auto``, ``true`` or ``false``."""
    if isinstance(value, str) and value.strip().lower() == "auto":
        return "auto"
    return "true" if read_flag(value) else "false"


def read_number(smallest: float, largest: float) -> Callable[[Any], float]:
    """Return a rule for a number from ``smallest`` to ``largest``, both included."""

    def read(value: Any) -> float:
        number = _number(value)
        if not smallest <= number <= largest:
            raise WrongValue("it is too small." if number < smallest else "it is too large.")
        return number

    return read


def read_whole_number(smallest: int, largest: int) -> Callable[[Any], int]:
    """Return a rule for a whole number from ``smallest`` to ``largest``, both included."""
    in_range = read_number(smallest, largest)

    def read(value: Any) -> int:
        number = in_range(value)
        if number != int(number):
            raise WrongValue("it is not a whole number.")
        return int(number)

    return read


def _number(value: Any) -> float:
    """Read a number written with the digits 0 to 9 and at most one point; no sign, no exponent, no "inf"."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not abs(value) < _LARGEST:
            raise WrongValue("it is too large, or not a finite number.")
        return float(value)
    text = read_text(value)
    if not _DECIMAL.fullmatch(text):
        raise WrongValue("it is not a number written with the digits 0 to 9 (and a point at most).")
    return float(text)


def read_word(*words: str) -> Callable[[Any], str]:
    """Return a rule for one of ``words``, in any case."""

    def read(value: Any) -> str:
        word = read_text(value).lower()
        if word not in words:
            raise WrongValue("it is none of the words known here.")
        return word

    return read


def read_list(value: Any) -> tuple[str, ...]:
    """Split text at its commas, or take a list as it is; every piece must hold something."""
    value = reveal(value)
    if isinstance(value, str):
        value = value.split(",") if value.strip() else ()
    if not isinstance(value, Iterable) or isinstance(value, (bytes, dict)):
        raise WrongValue(f"it is of the type {type(value).__name__}, not a list.")
    pieces = []
    for number, piece in enumerate(value, start=1):
        if isinstance(piece, str) and not piece.strip():
            raise WrongValue(f"piece {number} between the commas is empty.")
        pieces.append(read_text(piece))
    return tuple(pieces)


def read_client_id(value: Any) -> str:
    """Read a client id: printable ASCII (RFC 6749, appendix A.1)."""
    return _visible(value, longest=256)


def read_client_secret(value: Any) -> str:
    """Read a client secret: printable ASCII (RFC 6749, appendix A.2)."""
    return _visible(value, longest=1024)


def _visible(value: Any, *, longest: int) -> str:
    text = read_text(value)
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise WrongValue("it has a space, a line break or a letter that is not ASCII; was something else copied along?")
    if len(text) > longest:
        raise WrongValue(f"it is {len(text)} characters long; {longest} is the most.")
    return text


def read_cookie_name(value: Any) -> str:
    """Read a cookie name: a token (RFC 9110, 5.6.2) that claims no prefix with a meaning (RFC 6265bis, 4.1.3)."""
    name = read_text(value)
    if not _TOKEN.fullmatch(name):
        raise WrongValue("it has a character that no cookie name may have, or more than 64 characters.")
    if name.lower().startswith(_RESERVED_COOKIE_PREFIXES):
        raise WrongValue(
            "it starts with a prefix that browsers treat in a way of their own.",
            mend="Leave the prefix out: __Host- is put before the name wherever the cookie is Secure.",
        )
    return name


def read_app(value: Any) -> str:
    """Read ``module:attribute``; both may have dots. The module is not imported here."""
    text = read_text(value)
    module, _, attribute = text.partition(":")
    names = [*module.split("."), *attribute.split(".")]
    if not all(name.isidentifier() for name in names):
        raise WrongValue("it is not a module and an attribute with a colon between them.")
    return text


def optional(rule: Callable[[Any], str]) -> Callable[[Any], str | None]:
    """Return a rule that lets None through and asks ``rule`` about everything else."""

    def read(value: Any) -> str | None:
        return None if value is None else rule(value)

    return read
