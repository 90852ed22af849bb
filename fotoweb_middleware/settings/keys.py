"""The rule for ``FOTOWEB_SECRET_KEY``: long enough, and not made up on the spot."""

from __future__ import annotations

from typing import Any

from fotoweb_middleware.settings.about import WrongValue
from fotoweb_middleware.settings.values import read_list

__all__ = ["SHORTEST_KEY_CHARACTERS", "read_secret_keys", "split_keys"]

SHORTEST_KEY_CHARACTERS = 32

_FEWEST_DISTINCT_CHARACTERS = 8
"""A random key of 32 hexadecimal digits has fewer than that once in 10**7 times."""

_PLACEHOLDERS = (
    "changeme", "replaceme", "yoursecret", "yourkey", "secretkey", "secretsecret", "password", "passwort", "insecure",
    "placeholder", "example", "12345678", "01234567", "abcdefgh", "qwertyui", "qwertzui", "letmein",
)  # fmt: skip
"""Words of sample files, eight letters or so: none turns up in a random key in practice."""


def split_keys(text: str) -> tuple[str, ...]:
    """Return the keys of an accepted value, newest first."""
    return tuple(piece.strip() for piece in text.split(","))


def read_secret_keys(value: Any) -> str:
    """Read one or several keys, newest first, and return them joined by commas.

    Raises:
        WrongValue: When one is short, guessable or there twice. Names the key by its place, never by its text.
    """
    keys = read_list(value)
    if not keys:
        raise WrongValue("it is empty.")
    for number, key in enumerate(keys, start=1):
        which = f"key {number} of {len(keys)}" if len(keys) > 1 else "it"
        _check_key(key, which)
        if key in keys[: number - 1]:
            raise WrongValue(f"{which} is there twice.", mend="Remove one of the two.")
    return ",".join(keys)


def _check_key(key: str, which: str) -> None:
    if not key.isprintable():
        raise WrongValue(f"{which} has a line break or control character inside; commas go between several keys.")
    if "," in key:
        raise WrongValue(f"{which} has a comma inside; commas go between keys.")
    if len(key) < SHORTEST_KEY_CHARACTERS:
        raise WrongValue(f"{which} is {len(key)} characters long; {SHORTEST_KEY_CHARACTERS} is the least.")
    if len(set(key)) < _FEWEST_DISTINCT_CHARACTERS or _repeats(key):
        raise WrongValue(f"{which} repeats itself, so it is easy to guess.")
    letters = "".join(filter(str.isalnum, key.lower()))
    if any(word in letters for word in _PLACEHOLDERS):
        raise WrongValue(f"{which} looks like a sample, not like a random key.")


def _repeats(key: str) -> bool:
    """Whether the key is one piece written twice or more, the last time perhaps cut off."""
    return any(key.startswith(key[length:]) for length in range(1, len(key) // 2 + 1))
