"""``fotoweb-middleware config``."""

from __future__ import annotations

import pytest

from fotoweb_middleware.settings import DECLARED
from tests.cli.samples import CLIENT_SECRET, KEY, run


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set what is required, and a session store with a password."""
    monkeypatch.setenv("FOTOWEB_URL", "https://[2001:db8::1]")
    monkeypatch.setenv("FOTOWEB_CLIENT_ID", "an-id")
    monkeypatch.setenv("FOTOWEB_CLIENT_SECRET", CLIENT_SECRET)
    monkeypatch.setenv("FOTOWEB_SECRET_KEY", KEY)
    monkeypatch.setenv("FOTOWEB_CACHE", "redis://:planted@cache.example/0")
    return monkeypatch


def test_shows_every_setting_with_value_and_origin(environment: pytest.MonkeyPatch) -> None:
    """Each setting has a line: variable, value, origin. Square brackets stay as they are."""
    done = run("config")
    lines = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}

    assert done.exit_code == 0
    assert list(lines) == [f"FOTOWEB_{name.upper()}" for name in DECLARED]
    assert lines["FOTOWEB_URL"] == ["https://[2001:db8::1]", "environment"]
    assert lines["FOTOWEB_PATH_PREFIX"] == ["/oauth2", "default"]
    assert lines["FOTOWEB_CACHE"] == ["redis://:***@cache.example/0", "environment"]


def test_shows_no_secret(environment: pytest.MonkeyPatch) -> None:
    """No secret is printed."""
    assert [secret for secret in (CLIENT_SECRET, KEY, "planted") if secret in run("config").output] == []


def test_long_values_are_not_cut(environment: pytest.MonkeyPatch) -> None:
    """A long value stays whole on its line, however narrow the terminal."""
    paths = ",".join(f"/public/path/number/{number}/*" for number in range(30))
    environment.setenv("FOTOWEB_PUBLIC_PATHS", paths)
    environment.setenv("COLUMNS", "40")

    assert f"{paths}  environment\n" in run("config").stdout


def test_wrong_settings_end_with_one_message(environment: pytest.MonkeyPatch) -> None:
    """Wrong settings: the message on standard error, exit 1, no traceback."""
    environment.setenv("FOTOWEB_URL", "ftp://tenant.example")

    done = run("config")

    assert (done.exit_code, done.stdout) == (1, "")
    assert "FOTOWEB_URL holds 'ftp://tenant.example'" in done.stderr
    assert "Traceback" not in done.stderr
