"""No secret comes to light where the start ends in an error, though the operator's values are its subject (T-LG-03)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Settings
from fotoweb_middleware.errors import SettingsError
from tests.canary.listening import everything_logged, told
from tests.canary.planted import CLIENT_SECRET, NEWEST_KEY, OLDER_KEY, Planted

GOOD: dict[str, Any] = {
    "url": "https://tenant.example",
    "client_id": "3b0c2f0e-6a51-4c0e-9a0e-0d0f7c9b1a11",
    "client_secret": CLIENT_SECRET,
    "secret_key": f"{NEWEST_KEY},{OLDER_KEY}",
}
WRONG = [
    {"url": "ftp://tenant.example"},
    {"secret_key": f"{NEWEST_KEY},{NEWEST_KEY}"},
    {"secret_key": f"{NEWEST_KEY},short"},
    {"client_secret": f"{CLIENT_SECRET}\n\x00"},
    {"url": f"https://user:{CLIENT_SECRET}@tenant.example"},
    {"cache": f"redis://:{NEWEST_KEY}@"},
    {"pkce": "perhaps", "cache": f"redis://:{OLDER_KEY}@cache.example/0"},
    {"nonsense": CLIENT_SECRET},
]


def from_arguments(values: dict[str, Any], _monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the settings as arguments."""
    Settings(**values)


def from_environment(values: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the settings as variables, and leave it to a middleware to read them."""
    for name, value in values.items():
        monkeypatch.setenv(f"FOTOWEB_{name.upper()}", value.replace("\x00", "\x01"))
    FotoWebASGIMiddleware(lambda _scope: None)
    FotoWebWSGIMiddleware(lambda _environ, _start: [])


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: next(iter(wrong)))
@pytest.mark.parametrize("give", [from_arguments, from_environment])
def test_start_that_fails(
    wrong: dict[str, Any],
    give: Callable[[dict[str, Any], pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither message, nor log, nor the local variables of the frames tell a secret."""
    caught: list[Exception] = []
    with everything_logged() as log:
        try:
            give({**GOOD, **wrong}, monkeypatch)
        except SettingsError as error:
            caught.append(error)
    assert caught or "nonsense" in wrong, "an unknown variable is only warned about"
    texts = list(log.lines)
    for words, frames in (each for error in caught for each in told(error)):
        texts += [words, *(said for frame in frames for said in (frame.locals or {}).values())]
    assert Planted().found_in("\0".join(texts)) == []


def test_settings_tell_no_secret() -> None:
    """Good settings mask their secrets in every way of showing them."""
    settings = Settings(**GOOD)
    shown = [repr(settings), str(settings), f"{settings}", repr(dataclasses.asdict(settings)), repr(settings.origins)]
    assert Planted().found_in("\0".join(shown)) == []
