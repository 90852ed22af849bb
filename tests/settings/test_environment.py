"""Which variables are read, and which are warned about (R-CF6, T-CF-06)."""

from __future__ import annotations

import logging

import pytest

from fotoweb_middleware.settings import Settings
from tests.settings.samples import KEY, OLDER_KEY

LOGGER = "fotoweb_middleware.settings"


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == LOGGER]


def test_argument_wins_over_the_variable(environment: pytest.MonkeyPatch) -> None:
    """An argument wins; the rest still comes from the environment."""
    settings = Settings(secret_key=OLDER_KEY)

    assert settings.secret_keys == (OLDER_KEY,)
    assert settings.url == "https://tenant.example"


def test_names_are_upper_case(environment: pytest.MonkeyPatch) -> None:
    """A variable in lower case is not read."""
    environment.setenv("fotoweb_path_prefix", "/lower")

    assert Settings().path_prefix == "/oauth2"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("FOTOWEB_CLEINT_ID", "FOTOWEB_CLIENT_ID"),
        ("FOTOWEB_SECRET_KEYS", "FOTOWEB_SECRET_KEY"),
        ("FOTOWEB_REDIRECT_URL", "FOTOWEB_REDIRECT_URI"),
        ("fotoweb_cache_size", "FOTOWEB_CACHE_SIZE"),
    ],
)
def test_unknown_name_is_warned_about(
    environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, nearest: str
) -> None:
    """An unknown name gets one warning with the nearest known name, and its value is not logged (T-CF-06)."""
    environment.setenv(name, "planted-value")

    Settings()

    assert _warnings(caplog) == [f"There is no setting {name}. Did you mean {nearest}?"]
    assert [record.levelno for record in caplog.records if record.name == LOGGER] == [logging.WARNING]
    assert "planted-value" not in caplog.text


def test_name_like_no_other(environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Where no known name is near, the warning says that the variable has no effect."""
    environment.setenv("FOTOWEB_ZZZZZZZZZZZZZZZZZZZZ", "1")

    Settings()

    assert _warnings(caplog) == ["There is no setting FOTOWEB_ZZZZZZZZZZZZZZZZZZZZ. It has no effect."]


def test_unknown_name_can_forge_no_line(environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A name with control characters is logged escaped."""
    environment.setenv("FOTOWEB_X\n\x1b[2J", "1")

    Settings()

    assert all(warning.isprintable() for warning in _warnings(caplog))


def test_unknown_names_are_warned_about_before_an_error(
    environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the settings are wrong, the warnings come too: they often name the cause."""
    environment.setenv("FOTOWEB_CACHES", "memory://")

    with pytest.raises(Exception, match="FOTOWEB_URL"):
        Settings(url="no address")

    assert _warnings(caplog) == ["There is no setting FOTOWEB_CACHES. Did you mean FOTOWEB_CACHE?"]


def test_known_names_cause_no_warning(environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Good settings are silent."""
    environment.setenv("FOTOWEB_CACHE", "memory://")
    environment.setenv("NOT_FOTOWEB_X", "1")

    Settings()

    assert caplog.records == []


def test_nothing_else_is_read(environment: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A .env file in the working directory has no effect."""
    folder = tmp_path_factory.mktemp("work")
    (folder / ".env").write_text("FOTOWEB_PATH_PREFIX=/from-file\n", encoding="ascii")
    environment.chdir(folder)

    assert Settings().path_prefix == "/oauth2"
    assert Settings().secret_keys == (KEY,)
