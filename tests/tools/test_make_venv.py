"""How a virtual environment gets its pip."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import make_venv


def test_the_environment_has_a_working_pip(tmp_path: Path) -> None:
    """Where Python has ensurepip or Debian's wheel, nothing is fetched."""
    folder = tmp_path / "env"

    assert make_venv.main(folder) == 0
    assert subprocess.run([folder / "bin/python", "-m", "pip", "--version"], check=False).returncode == 0


def test_the_first_way_that_works_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ways are tried in order, and none after the one that worked."""
    tried: list[str] = []

    def way(name: str, *, works: bool) -> make_venv.Way:
        def take(python: Path) -> bool:
            tried.append(name)
            return works

        return take

    monkeypatch.setattr(
        make_venv, "WAYS", (way("first", works=False), way("second", works=True), way("third", works=True))
    )

    assert make_venv.main(tmp_path / "env") == 0
    assert tried == ["first", "second"]


def test_without_any_way_one_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with 1, names the package to install, and leaves no half-made folder."""
    monkeypatch.setattr(make_venv, "WAYS", ())

    assert make_venv.main(tmp_path / "env") == 1
    assert "apt-get install python3-venv" in capsys.readouterr().err
    assert not (tmp_path / "env").exists()


def test_a_folder_without_pips_wheel_is_no_way(tmp_path: Path) -> None:
    """Debian's folder of wheels may be missing or empty."""
    assert not make_venv.with_wheel(Path("python3"), tmp_path / "missing")


def test_what_a_failed_command_said_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Silence after a failure helps nobody."""
    assert not make_venv.ran(["sh", "-c", "echo no network >&2; exit 1"])
    assert "no network" in capsys.readouterr().err
