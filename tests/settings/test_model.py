"""Settings as a value: frozen, comparable, and silent about secrets."""

from __future__ import annotations

import copy
import io
import pprint

import pytest
import rich.console

from fotoweb_middleware.settings import Settings
from fotoweb_middleware.settings.arguments import SettingsArguments
from fotoweb_middleware.settings.texts import ABOUT
from tests.settings.samples import CLIENT_SECRET, KEY, REQUIRED, settings


def test_every_field_has_words_and_an_argument() -> None:
    """Fields, words and typed arguments know the same settings."""
    assert sorted(ABOUT) == sorted(Settings.model_fields) == sorted(SettingsArguments.__annotations__)


def test_defaults() -> None:
    """The defaults are those of the contract."""
    given = set(REQUIRED)

    assert {name: value for name, value in settings() if name not in given} == {
        "allow_http": False,
        "path_prefix": "/oauth2",
        "redirect_uri": None,
        "send_redirect_uri": True,
        "pkce": True,
        "public_paths": (),
        "login": "required",
        "cookie_mode": "sealed",
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
        "app": None,
        "post_logout_url": None,
    }


def test_frozen() -> None:
    """A setting can't be changed, and the attempt shows no value."""
    with pytest.raises(AttributeError, match=r"^client_secret can't be changed") as caught:
        settings().client_secret = "planted"  # type: ignore[misc, assignment]

    assert "planted" not in str(caught.value)


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
    assert settings() != "settings"


def test_clean_values_stay_as_they_are() -> None:
    """What the settings hold is accepted again, unchanged."""
    first = settings(cookie_secure=True, public_paths="/a,/b/*", url="https://Tenant.example/fotoweb/")

    assert settings(**dict(first)) == first


def test_copies_keep_their_origins() -> None:
    """A copy knows where its values came from."""
    assert copy.copy(settings()).origins["url"].kind == "argument"
