"""The four required settings (T-CF-01)."""

from __future__ import annotations

import pytest

from fotoweb_middleware.settings import Settings
from tests.settings.samples import CLIENT_SECRET, ENVIRONMENT, KEY, environment_refusal, refusal


def test_all_four_are_enough(environment: pytest.MonkeyPatch) -> None:
    """With the four required variables set, everything else has a default."""
    settings = Settings()

    assert settings.url == "https://tenant.example"
    assert settings.client_id == ENVIRONMENT["FOTOWEB_CLIENT_ID"]
    assert settings.client_secret.get_secret_value() == CLIENT_SECRET
    assert settings.secret_keys == (KEY,)


@pytest.mark.parametrize("variable", sorted(ENVIRONMENT))
def test_unset_is_named(environment: pytest.MonkeyPatch, variable: str) -> None:
    """A required variable that is not set is named, and no other is (T-CF-01)."""
    environment.delenv(variable)

    message = environment_refusal()

    assert f"{variable} is not set" in message
    assert "A setting of" in message


@pytest.mark.parametrize("blank", ["", " ", "\t", "\n"])
@pytest.mark.parametrize("variable", sorted(ENVIRONMENT))
def test_blank_counts_as_missing(environment: pytest.MonkeyPatch, variable: str, blank: str) -> None:
    """A required variable that holds only white space is missing, and the message says that it is empty (T-CF-01)."""
    environment.setenv(variable, blank)

    assert f"{variable} is empty" in environment_refusal()


def test_all_missing_ones_are_in_one_message() -> None:
    """With nothing set at all, one message names all four."""
    message = environment_refusal()

    assert [name for name in ENVIRONMENT if f"{name} is not set" in message] == list(ENVIRONMENT)


def test_message_says_where_the_registration_is() -> None:
    """Who lacks the client id is told where FotoWeb shows it."""
    assert "Site Configuration > Integrations > Applications" in environment_refusal()


def test_message_says_which_may_come_from_a_file() -> None:
    """The two secrets, and only they, are said to take a file."""
    message = environment_refusal()

    assert [name for name in ENVIRONMENT if f"{name}_FILE" in message] == [
        "FOTOWEB_CLIENT_SECRET",
        "FOTOWEB_SECRET_KEY",
    ]


def test_message_says_how_to_make_a_key() -> None:
    """Who lacks the secret key is told the command that makes one."""
    assert "fotoweb-middleware secret" in environment_refusal()


def test_message_points_at_a_misspelled_variable(environment: pytest.MonkeyPatch) -> None:
    """Where a variable of nearly the right name is set, the message asks whether that was meant."""
    environment.delenv("FOTOWEB_CLIENT_ID")
    environment.setenv("FOTOWEB_CLEINT_ID", "planted-value")

    message = environment_refusal()

    assert "FOTOWEB_CLEINT_ID is set" in message
    assert "planted-value" not in message


@pytest.mark.parametrize("name", ["url", "client_id", "client_secret", "secret_key"])
@pytest.mark.parametrize("value", ["", "  ", None, 3, b"bytes"])
def test_arguments_must_hold_text(name: str, value: object) -> None:
    """A required argument that holds no text is refused, and both its name and its variable are in the message."""
    message = refusal(**{name: value})

    assert f"Settings({name}=...)" in message
    assert f"FOTOWEB_{name.upper()}" in message
