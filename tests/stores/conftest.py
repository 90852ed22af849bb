"""What the tests of stores begin with."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fotoweb_middleware.testing import FakeClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file will lie."""
    return tmp_path / "store.sqlite"


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still until a test turns it."""
    return FakeClock()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a certificate of our own for 127.0.0.1, and one for another name."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    folder = tmp_path_factory.mktemp("certificates")
    for name, alternative in (("right", "IP:127.0.0.1"), ("other", "DNS:elsewhere.example")):
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-days", "2", "-subj", "/CN=test", "-addext", f"subjectAltName={alternative}"]
        command += ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
        subprocess.run(command, check=True, capture_output=True)
    return folder
