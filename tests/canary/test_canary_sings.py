"""The canary itself: each spelling of a secret is found wherever it is planted."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from tests.canary.listening import everything_logged
from tests.canary.objects import sayings
from tests.canary.planted import CLIENT_SECRET, Planted

ENCODINGS: list[Callable[[str], str]] = [
    str,
    lambda secret: quote(secret, safe=""),
    lambda secret: json.dumps({"secret": secret}),
    lambda secret: secret.encode().hex(),
    lambda secret: secret.encode().hex().upper(),
    lambda secret: base64.b64encode(secret.encode()).decode(),
    lambda secret: base64.urlsafe_b64encode(f"x{secret}yz".encode()).decode(),
    lambda secret: base64.b64encode(f"client:{secret}".encode()).decode(),
    lambda secret: base64.urlsafe_b64encode(f"ab{secret}".encode()).decode(),
]


@pytest.mark.parametrize("encode", ENCODINGS)
def test_every_spelling_is_found(encode: Callable[[str], str]) -> None:
    """However it is spelt, a secret is found within a longer text."""
    assert Planted().found_in(f"before {encode(CLIENT_SECRET)} after")


def test_nothing_is_found_where_nothing_is() -> None:
    """Neither a part of a secret nor its hash is taken for it."""
    assert Planted().found_in(CLIENT_SECRET[:-4] + "%2B%26 AAAA 0000") == []


def test_legitimate_kinds_are_let_through() -> None:
    """What must carry one kind of secret may, and no other kind."""
    assert Planted().found_in(CLIENT_SECRET, legitimate=("client secret",)) == []
    assert Planted().found_in(CLIENT_SECRET, legitimate=("state",)) != []


def test_a_short_secret_is_no_secret() -> None:
    """What is so short that it would be found by chance can't be planted."""
    with pytest.raises(AssertionError):
        Planted().plant("code", "abc")


def test_every_logger_is_heard() -> None:
    """A record at DEBUG of a logger that nobody set up is heard, with its arguments and its error."""
    with everything_logged() as log:
        error = ValueError(CLIENT_SECRET)
        logging.getLogger("canary.of.somebody").debug("it failed", exc_info=error)
    assert Planted().found_in("".join(log.lines))


def test_an_object_far_away_is_asked() -> None:
    """What an object says that lies deep within others is heard."""
    middle = SimpleNamespace(secret=CLIENT_SECRET)
    deep = SimpleNamespace(a=[{"b": (SimpleNamespace(c=lambda: middle),)}])
    assert any(Planted().found_in(said) for _, said in sayings(deep))
