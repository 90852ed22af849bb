"""The settings as findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fotoweb_middleware.cli.checks.configuration import check_settings, read_settings
from tests.cli.checks.tls_server import make_certificate
from tests.cli.samples import KEY, settings


def test_good_settings() -> None:
    """Good settings are one finding."""
    assert [finding.level for finding in check_settings(settings())] == ["ok"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pkce": False}, "FOTOWEB_PKCE=false"),
        ({"redirect_uri": None}, "FOTOWEB_REDIRECT_URI is not set"),
        ({"cookie_secure": False}, "FOTOWEB_COOKIE_SECURE=false"),
    ],
)
def test_what_deserves_a_thought(changes: dict[str, Any], words: str) -> None:
    """What weakens the login is a warning."""
    first, second = check_settings(settings(**changes))

    assert (first.level, second.level) == ("ok", "warn")
    assert words in second.what


def test_ca_bundle_that_can_be_loaded(tmp_path: Path) -> None:
    """A good PEM file is no finding."""
    bundle = make_certificate(tmp_path).certificate

    assert [finding.level for finding in check_settings(settings(ca_bundle=bundle))] == ["ok"]


def test_ca_bundle_that_can_not_be_loaded(tmp_path: Path) -> None:
    """A file that looks like PEM and is none is bad."""
    file = tmp_path / "ca.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n", encoding="ascii")

    finding = check_settings(settings(ca_bundle=file))[-1]

    assert finding.level == "bad"
    assert str(file) in finding.what


def test_each_problem_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every missing variable is a finding with what it takes and what to do; an unknown name is a warning."""
    monkeypatch.setenv("FOTOWEB_SECRET_KEY", KEY)
    monkeypatch.setenv("FOTOWEB_CLEINT_ID", "x")

    value, findings = read_settings()

    assert value is None
    assert [finding.level for finding in findings] == ["bad"] * 3 + ["warn"]
    assert "Accepts: the site's address" in findings[0].what
    assert "got no client_id: FOTOWEB_CLEINT_ID is set" in findings[1].what.partition("\n")[0]
    assert "Wrong:" not in "".join(finding.what for finding in findings)
    assert "copy the address" in findings[0].hint
    assert "Did you mean FOTOWEB_CLIENT_ID?" in findings[3].what


def test_app_that_ends_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that calls ``sys.exit`` as it is loaded is a finding; nobody takes the silence for all well."""
    (tmp_path / "ends_python.py").write_text("import sys\n\nsys.exit(0)\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    read, [finding] = read_settings("ends_python:settings")

    assert (read, finding.level) == (None, "bad")
    assert "it raised SystemExit" in finding.what
