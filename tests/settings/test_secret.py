"""What holds a secret: it shows itself to whoever asks by name, and to nobody else."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from fotoweb_middleware.settings.secret import Secret, reveal
from tests.settings.samples import CLIENT_SECRET, settings


class OthersSecret:
    """A secret of another library, as an app may have one."""

    def get_secret_value(self) -> str:
        """Return the secret."""
        return CLIENT_SECRET


def test_tells_its_secret_by_name_alone() -> None:
    """The text is behind one name, and in no way of writing the object."""
    secret = Secret(CLIENT_SECRET)

    assert secret.get_secret_value() == CLIENT_SECRET
    assert (repr(secret), str(secret), f"{secret}") == ("Secret('**********')", "**********", "**********")
    assert not hasattr(secret, "__dict__")
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_equal_texts_are_equal() -> None:
    """Two secrets are equal where their texts are, and hash alike; a secret is no text."""
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


@pytest.mark.parametrize("name", ["_text", "nothing"])
def test_cannot_be_changed(name: str) -> None:
    """Nothing of it is changed, added or removed."""
    secret = Secret("a")

    with pytest.raises(AttributeError, match=r"^a secret can't be changed$"):
        setattr(secret, name, "b")
    with pytest.raises(AttributeError, match=r"^a secret can't be changed$"):
        delattr(secret, name)

    assert secret == Secret("a")


def test_copies() -> None:
    """Copied or pickled, it is the same secret."""
    secret = Secret("a")

    assert copy.copy(secret) == copy.deepcopy(secret) == pickle.loads(pickle.dumps(secret)) == secret  # noqa: S301 (our own)


@pytest.mark.parametrize("name", ["client_secret", "secret_key"])
def test_what_settings_hold_is_taken_again(name: str) -> None:
    """A secret of ours is an argument too."""
    first = settings()

    assert settings(**{name: getattr(first, name)}) == first


def test_secrets_of_any_library_are_taken() -> None:
    """An argument may be any object that has ``get_secret_value()``."""
    assert settings(client_secret=OthersSecret()) == settings(client_secret=CLIENT_SECRET)


def test_secrets_of_pydantic_are_taken() -> None:
    """Among those are pydantic's, which FastAPI's users have at hand."""
    pydantic = pytest.importorskip("pydantic", reason="FastAPI brings it")

    assert settings(client_secret=pydantic.SecretStr(CLIENT_SECRET)) == settings(client_secret=CLIENT_SECRET)


@pytest.mark.parametrize("value", ["text", 3, None, OthersSecret])
def test_anything_else_is_left_alone(value: object) -> None:
    """What is no secret stays as it is, and so does a class whose objects would be some."""
    assert reveal(value) is value
