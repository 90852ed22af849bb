"""The order of the checks, and what happens where a check itself fails."""

from __future__ import annotations

import pytest

from fotoweb_middleware.cli import checks
from fotoweb_middleware.cli.checks.finding import Finding, bad, ok, warn
from tests.cli.samples import settings


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "check_site", lambda *_: [ok("site")])
    monkeypatch.setattr(checks, "check_store", lambda _: [ok("store")])


def _texts() -> list[str]:
    return [finding.what for finding in checks.check_everything()]


def test_worst_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends logins comes first, then what is to be thought about; what is well comes last."""
    monkeypatch.setattr(checks, "read_settings", lambda _: (settings(), [ok("settings"), warn("thought", "hint")]))
    monkeypatch.setattr(checks, "check_store", lambda _: [bad("store", "hint")])

    assert _texts() == ["store", "thought", "settings", "site"]


def test_deployed_app_is_asked_where_its_address_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``--url`` the deployed app is the last check."""
    monkeypatch.setattr(checks, "read_settings", lambda _: (settings(), []))
    monkeypatch.setattr(checks, "check_deployed", lambda _, url: [ok(url)])

    findings = checks.check_everything(url="https://app.example/")

    assert [finding.what for finding in findings] == ["site", "store", "https://app.example/"]


def test_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings first, then FotoWeb, then the session store."""
    monkeypatch.setattr(checks, "read_settings", lambda _: (settings(), [ok("settings")]))

    assert _texts() == ["settings", "site", "store"]


@pytest.mark.parametrize("usable", [True, False])
def test_bad_settings_end_it(monkeypatch: pytest.MonkeyPatch, *, usable: bool) -> None:
    """Where something is wrong with the settings, nothing is tried."""
    monkeypatch.setattr(checks, "read_settings", lambda _: (settings() if usable else None, [bad("settings", "hint")]))

    assert _texts() == ["settings"]


def test_failing_check_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody thought of becomes a finding with its type alone, and the next check runs."""

    def fail(*_: object) -> list[Finding]:
        raise RuntimeError("planted")

    monkeypatch.setattr(checks, "read_settings", lambda _: (settings(), []))
    monkeypatch.setattr(checks, "check_site", fail)

    first, second = checks.check_everything()

    assert first.level == "bad"
    assert "RuntimeError" in first.what
    assert "planted" not in str(first)
    assert second.what == "store"
