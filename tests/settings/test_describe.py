"""What ``fotoweb-middleware config`` shows, and the table of the reference page."""

from __future__ import annotations

from pathlib import Path

import pytest

from fotoweb_middleware.settings import DECLARED, Settings
from fotoweb_middleware.settings.describe import describe
from fotoweb_middleware.settings.reading import variable_of
from tests.settings.samples import CLIENT_SECRET, KEY, OLDER_KEY, settings
from tools import reference_pages


def _by_variable(settings: Settings) -> dict[str, tuple[str, str]]:
    return {variable: (value, origin) for variable, value, origin in describe(settings)}


def test_every_setting_once() -> None:
    """Every setting is there, in the order of the reference page."""
    assert [variable for variable, *_ in describe(settings())] == [variable_of(name) for name in DECLARED]


def test_origins(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each origin is told: environment, file, argument, default."""
    file = tmp_path / "key"
    file.write_text(OLDER_KEY, encoding="ascii")
    environment.delenv("FOTOWEB_SECRET_KEY")
    environment.setenv("FOTOWEB_SECRET_KEY_FILE", str(file))

    shown = _by_variable(Settings(http_timeout=2.5))

    assert shown["FOTOWEB_URL"] == ("https://tenant.example", "environment")
    assert shown["FOTOWEB_SECRET_KEY"] == ("***", f"file {file}")
    assert shown["FOTOWEB_HTTP_TIMEOUT"] == ("2.5", "argument")
    assert shown["FOTOWEB_PKCE"] == ("true", "default")


def test_unset_ones_say_what_holds() -> None:
    """Where nothing is set and the default is empty, the words of the reference page stand in brackets."""
    shown = _by_variable(settings())

    assert shown["FOTOWEB_REDIRECT_URI"][0] == "(derived from the request)"
    assert shown["FOTOWEB_PUBLIC_PATHS"][0] == "(none)"
    assert shown["FOTOWEB_APP"][0] == "(not set)"


def test_values_are_written_as_in_a_variable() -> None:
    """Lists, switches and numbers are shown as one would set them."""
    shown = _by_variable(settings(public_paths=["/a", "/b/*"], fetch_user=False, session_lifetime=34_560_000))

    assert shown["FOTOWEB_PUBLIC_PATHS"][0] == "/a,/b/*"
    assert shown["FOTOWEB_FETCH_USER"][0] == "false"
    assert shown["FOTOWEB_SESSION_LIFETIME"][0] == "34560000"


def test_no_secret_is_shown() -> None:
    """Neither secret nor the cache's password is in the result."""
    text = repr(describe(settings(cache="redis://:planted@cache.example/0")))

    assert not [secret for secret in (CLIENT_SECRET, KEY, "planted") if secret in text]


def test_every_setting_has_a_row() -> None:
    """Every variable is in the table once, and each row has four columns."""
    rows = reference_pages.settings().splitlines()

    assert [row.split("`")[1] for row in rows[2:]] == [variable_of(name) for name in DECLARED]
    assert {row.count(" | ") for row in rows} == {3}
