"""``--app``: the settings that an app's code makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fotoweb_middleware.cli.checks.configuration import read_settings
from fotoweb_middleware.cli.checks.finding import Finding
from fotoweb_middleware.settings import Settings
from tests.cli.samples import KEY, run

GIVEN = f'url="https://tenant.example", client_id="from-code", client_secret="s", secret_key="{KEY}"'
MODULE = f"""
from fotoweb_middleware import Settings

print("planted in standard output")
settings = Settings({GIVEN})
class nested:
    settings = settings
def make():
    return settings
def fail():
    raise RuntimeError("planted")
def wrong():
    return Settings(url="ftp://tenant.example", client_id="an-id", client_secret="s", secret_key="planted")
number = 5
"""


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app_of_code.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "app_of_code", raising=False)


def _problem(app: str) -> Finding:
    settings, findings = read_settings(app)
    assert settings is None
    assert {finding.level for finding in findings} == {"bad"}
    assert "planted" not in str(findings)
    return findings[0]


@pytest.mark.parametrize("name", ["settings", "make", "nested.settings"])
def test_settings_made_in_code(name: str) -> None:
    """A ``Settings`` is taken as it is; a function is called for it."""
    settings, findings = read_settings(f"app_of_code:{name}")

    assert isinstance(settings, Settings)
    assert settings.client_id == "from-code"
    assert [finding.level for finding in findings] == ["ok", "warn"]


def test_wrong_settings_made_in_code() -> None:
    """What is wrong with them is told as for the environment's, each problem as a finding with its fix."""
    _, findings = read_settings("app_of_code:wrong")

    assert [finding.what.partition(",")[0] for finding in findings] == [
        "Settings(url=...)",
        "Settings(secret_key=...)",
    ]
    assert all(finding.hint for finding in findings)
    assert "the minimum is 32" in findings[1].what.partition("\n")[0]


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ("app_of_code:nothing", "--app holds 'app_of_code:nothing', but 'app_of_code' has no 'nothing'"),
        ("no_such_module:settings", "--app holds 'no_such_module:settings', but there is no module 'no_such_module'"),
        ("app_of_code:number", "--app app_of_code:number: that is of the type int, not Settings."),
        ("app_of_code:fail", "--app app_of_code:fail: it raised RuntimeError when it was loaded."),
        ("app_of_code", "--app holds 'app_of_code', but"),
    ],
)
def test_what_can_not_be_loaded(app: str, words: str) -> None:
    """A name that leads to no settings is a finding that says so, and never a traceback."""
    assert words in _problem(app).what


def test_json_stays_json() -> None:
    """What the app prints when it is imported is not among the command's own output."""
    done = run("check", "--json", "--app", "app_of_code:wrong")

    assert done.stdout.startswith("{")
    assert "planted in standard output" in done.stderr


def test_django(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function of the Django integration is named in the same way, in a project's folder."""
    entries = {"URL": "http://localhost:1", "CLIENT_ID": "an-id", "CLIENT_SECRET": "s", "SECRET_KEY": KEY}
    (tmp_path / "mysite.py").write_text(f"FOTOWEB = {entries!r}\n", encoding="utf-8")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "mysite")
    command = [str(Path(sys.executable).with_name("fotoweb-middleware")), "check"]

    done = subprocess.run(
        [*command, "--app", "fotoweb_middleware.integrations.django:fotoweb_settings"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("bad   localhost refuses connections on port 1.")
