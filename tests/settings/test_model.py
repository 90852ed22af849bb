"""Settings as a value: frozen, comparable, and silent about secrets."""

from __future__ import annotations

import copy
import io
import json
import pickle
import pprint
from collections.abc import Callable
from dataclasses import fields, replace

import pytest
import rich.console

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings import DECLARED, Settings
from fotoweb_middleware.settings.secret import Secret
from tests.settings.samples import CLIENT_SECRET, KEY, REQUIRED, refusal, settings
from tools.reference_pages import meanings


def test_every_field_is_declared_and_explained() -> None:
    """Each field has its declaration, and below it the words that editors show."""
    typed = [field.name for field in fields(Settings) if field.init]

    assert list(DECLARED) == typed == [name for name in meanings() if name != "origins"]
    assert all(text.endswith(".") for text in meanings().values())


def test_defaults() -> None:
    """The defaults are those of the contract."""
    value = settings()

    assert {name: getattr(value, name) for name in DECLARED if name not in REQUIRED} == {
        "allow_http": False,
        "path_prefix": "/oauth2",
        "redirect_uri": None,
        "send_redirect_uri": True,
        "pkce": True,
        "public_paths": (),
        "login": "required",
        "cookie_mode": "sealed",
        "close_websockets": True,
        "cache": "local://",
        "cache_recheck": 5.0,
        "cache_size": 10_000,
        "cookie_name": "fotoweb",
        "cookie_secure": "auto",
        "cookie_samesite": "lax",
        "session_lifetime": 43_200.0,
        "session_idle": 0.0,
        "refresh_leeway": 60.0,
        "http_timeout": 10.0,
        "ca_bundle": None,
        "inject_header": True,
        "fetch_user": True,
        "trusted_origins": (),
        "allowed_users": (),
        "health": False,
        "app": None,
        "post_logout_url": None,
        "app_name": None,
        "accent_color": None,
        "logo": None,
        "pages": None,
    }


def test_defaults_are_as_clean_as_what_is_set() -> None:
    """A default goes through its rule: a number of seconds is a float, also where it is the default."""
    assert [type(getattr(settings(), name)) for name in ("cache_recheck", "http_timeout")] == [float, float]


@pytest.mark.parametrize("name", ["client_secret", "origins"])
def test_frozen(name: str) -> None:
    """No setting is changed or removed, and the attempt shows no value."""
    value = settings()

    with pytest.raises(AttributeError, match=rf"^cannot assign to field '{name}'$"):
        setattr(value, name, "planted")
    with pytest.raises(AttributeError, match=rf"^cannot delete field '{name}'$"):
        delattr(value, name)

    assert value == settings()
    assert not hasattr(value, "__dict__")


def test_no_secret_in_any_repr() -> None:
    """No way of writing the settings shows a secret or the cache's password."""
    value = settings(cache="redis://user:planted@cache.example/0")
    console = rich.console.Console(file=io.StringIO(), width=500)
    console.print(value)
    texts = [repr(value), str(value), f"{value!s}", pprint.pformat(value), console.file.getvalue()]  # type: ignore[attr-defined]

    assert [secret for secret in (CLIENT_SECRET, KEY, "planted") for text in texts if secret in text] == []
    assert all("redis://user:***@cache.example/0" in text for text in texts)


def test_equal_values_are_equal(environment: pytest.MonkeyPatch) -> None:
    """Settings with the same values are equal and hash alike, wherever those came from."""
    assert Settings() == settings()
    assert hash(Settings()) == hash(settings())
    assert settings() != settings(pkce=False)
    assert settings() != object()


def test_clean_values_stay_as_they_are() -> None:
    """What the settings hold is accepted again, unchanged."""
    first = settings(cookie_secure=True, public_paths="/a,/b/*", url="https://Tenant.example/fotoweb/")

    assert settings(**{name: getattr(first, name) for name in DECLARED}) == first


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])  # noqa: S301 (our own)
def test_copies(copied: Callable[[Settings], Settings]) -> None:
    """A copy, also one for another process, is equal and knows where its values came from."""
    first = settings()

    second = copied(first)

    assert (second, hash(second), second.origins) == (first, hash(first), first.origins)
    assert second.origins["url"] == "argument"


def test_others_that_differ_in_something() -> None:
    """``dataclasses.replace`` makes settings that differ in what it is told, and checks them again."""
    first = settings(cookie_name="own")

    assert replace(first, pkce=False) == settings(cookie_name="own", pkce=False)
    with pytest.raises(SettingsError, match="holds 'soon'"):
        replace(first, http_timeout="soon")  # type: ignore[arg-type]


def test_unfilled_settings_can_be_written() -> None:
    """Where the start failed, an error report that writes local variables finds an object without values."""
    assert repr(object.__new__(Settings)) == "Settings()"


class OthersSecret:
    """A secret of another library, as an app may have one."""

    def get_secret_value(self) -> str:
        """Return the secret."""
        return CLIENT_SECRET


def test_secret_tells_its_text_by_name_alone() -> None:
    """The text is behind one name, and in no way of writing the object; two secrets with the same text are equal."""
    secret = Secret(CLIENT_SECRET)

    assert secret.get_secret_value() == CLIENT_SECRET
    assert (repr(secret), str(secret), f"{secret}") == ("Secret('**********')", "**********", "**********")
    with pytest.raises(TypeError):
        json.dumps(secret)
    assert secret == Secret(CLIENT_SECRET) != Secret("b")
    assert hash(secret) == hash(Secret(CLIENT_SECRET))
    assert secret != CLIENT_SECRET


def test_secrets_of_any_library_are_taken() -> None:
    """An argument may be any object that has ``get_secret_value()``, pydantic's among them."""
    pydantic = pytest.importorskip("pydantic", reason="FastAPI brings it")

    for secret in (Secret(CLIENT_SECRET), OthersSecret(), pydantic.SecretStr(CLIENT_SECRET)):
        assert settings(client_secret=secret) == settings(client_secret=CLIENT_SECRET)
    assert "FOTOWEB_CLIENT_SECRET" in refusal(client_secret=OthersSecret)
