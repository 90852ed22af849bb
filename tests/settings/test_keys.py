"""FOTOWEB_SECRET_KEY: strength and rotation (T-CF-03, R-CF3)."""

from __future__ import annotations

import random
import string

import pytest

from fotoweb_middleware.settings import Settings
from fotoweb_middleware.settings.secret import Secret
from tests.settings.samples import KEY, OLDER_KEY, refusal, settings

WEAK_KEYS = [
    "", "changeme", KEY[:31], "a" * 64, "ab" * 32, "0123456789abcdef" * 3, "changeme" * 5, "kJ8s-2mQzX" * 4,
    "kJ8s-2mQzX0pLr7VtY5wBn3" * 2 + "kJ8s-", "abcabbcaabcbacbbacabcbcaabcbabcaacb",
    "change-me-in-production-please-1A", "django-insecure-x7$k2p9q!m4z&w8e_r5t@y1u",
    "your_secret_key_goes_here_0123456789", "my-very-long-password-for-the-site-77", KEY + "\x00",
    KEY[:20] + "\n" + KEY[20:],
]  # fmt: skip


@pytest.mark.parametrize("key", WEAK_KEYS)
def test_weak_key_refused(key: str) -> None:
    """A key that is short, repeats itself, or is a sample is refused, and not shown (T-CF-03)."""
    message = refusal(secret_key=key)

    assert "FOTOWEB_SECRET_KEY" in message
    assert len(key) < 8 or key not in message


def test_thirty_two_characters_are_enough() -> None:
    """A key of 32 characters is long enough."""
    assert settings(secret_key=KEY[:32]).secret_keys == (KEY[:32],)


def test_random_keys_are_accepted() -> None:
    """Random keys of the shortest length pass, whether hexadecimal or base64url."""
    dice = random.Random(20_261_123)
    alphabets = ["0123456789abcdef", string.ascii_letters + string.digits + "-_"]
    keys = ["".join(dice.choices(alphabet, k=32)) for alphabet in alphabets for _ in range(300)]

    assert [settings(secret_key=key).secret_keys for key in keys] == [(key,) for key in keys]


def test_several_keys_newest_first(environment: pytest.MonkeyPatch) -> None:
    """Several keys are split at commas and keep their order (T-CF-03)."""
    environment.setenv("FOTOWEB_SECRET_KEY", f" {KEY} , {OLDER_KEY}\n")

    assert Settings().secret_keys == (KEY, OLDER_KEY)


@pytest.mark.parametrize("keys", [[KEY, OLDER_KEY], (Secret(KEY), OLDER_KEY), Secret(f"{KEY},{OLDER_KEY}")])
def test_several_keys_as_argument(keys: object) -> None:
    """An argument may be a list, and its pieces secrets."""
    assert settings(secret_key=keys).secret_keys == (KEY, OLDER_KEY)


@pytest.mark.parametrize(
    "keys", [f"{KEY},", f",{KEY}", f"{KEY},,{OLDER_KEY}", f"{KEY},{KEY}", f"{KEY},short", f"{KEY},{'a' * 64}", ","]
)
def test_each_key_must_hold(keys: str) -> None:
    """One empty, repeated or weak key among several spoils the whole value, and no key is shown."""
    message = refusal(secret_key=keys)

    assert "FOTOWEB_SECRET_KEY" in message
    assert KEY not in message


def test_weak_key_is_named_by_its_place() -> None:
    """Which of several keys is wrong is told by its number."""
    assert "key 2 of 2 is 5 characters long" in refusal(secret_key=f"{KEY},short")


def test_comma_inside_a_listed_key_refused() -> None:
    """In a list, a key with a comma inside would be split later on."""
    assert "comma inside" in refusal(secret_key=[f"{KEY},{OLDER_KEY}"])
