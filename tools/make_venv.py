"""Makes a virtual environment with pip in it, also where Debian's python3 came without ``ensurepip``.

Run as ``python3 tools/make_venv.py FOLDER``. It needs the standard library alone, no root, and names no host:
whatever it fetches, a package client that the machine's owner has set up fetches.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path

WHEELS = Path("/usr/share/python-wheels")
"""Where Debian's package python3-pip-whl puts pip."""

HELP = """
This Python ({python}) has no ensurepip, and no pip was found or could be fetched.
On Debian or Ubuntu this fixes it, as root:

    apt-get install python3-venv
"""


def with_ensurepip(python: Path) -> bool:
    """Python's own way."""
    return importlib.util.find_spec("ensurepip") is not None and ran([python, "-m", "ensurepip", "--default-pip"])


def with_wheel(python: Path, wheels: Path = WHEELS) -> bool:
    """Pip's wheel lies on the disk: run it from there, and let it install itself."""
    newest = max(wheels.glob("pip-*.whl"), default=None)
    if newest is None:
        return False
    return ran([python, newest / "pip", "install", "--quiet", "--no-index", newest])


def with_other_pip(python: Path) -> bool:
    """Another interpreter's pip, or uv."""
    pip, uv = shutil.which("pip3") or shutil.which("pip"), shutil.which("uv")
    return (pip is not None and ran([pip, "--python", python, "install", "--quiet", "pip"])) or (
        uv is not None and ran([uv, "pip", "install", "--quiet", "--python", python, "pip"])
    )


def with_apt_download(python: Path) -> bool:
    """Fetch Debian's package of pip's wheel and unpack it; neither asks for root, nothing is installed."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return False
    with tempfile.TemporaryDirectory(prefix="fotoweb-pip-") as name:
        folder = Path(name)
        # Own lists: the machine's may be empty (containers), and only root may fill them.
        (folder / "lists/partial").mkdir(parents=True)
        (folder / "cache/archives/partial").mkdir(parents=True)
        apt = ["apt-get", "-qq", "-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"]
        if not ran([*apt, "update"], folder) or not ran([*apt, "download", "python3-pip-whl"], folder):
            return False
        package = next(folder.glob("*.deb"))
        return ran(["dpkg-deb", "-x", package, folder]) and with_wheel(python, folder / WHEELS.relative_to("/"))


Way = Callable[[Path], bool]
WAYS: tuple[Way, ...] = (with_ensurepip, with_wheel, with_other_pip, with_apt_download)


def ran(command: list[str | Path], folder: Path | None = None) -> bool:
    """Run a command and tell whether it went well; its own words go to the terminal only where it did not."""
    done = subprocess.run(  # noqa: S603 (the commands are the ones above)
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(f"{command[0]}: {done.stderr.strip()[-2000:]}", file=sys.stderr)
    return done.returncode == 0


def main(folder: Path) -> int:
    """Make the environment; return the exit status."""
    venv.create(folder, clear=True, symlinks=True, with_pip=False)
    python = folder.absolute() / "bin/python"
    for way in WAYS:
        if way(python):
            os.utime(folder / "pyvenv.cfg")
            return 0
    shutil.rmtree(folder)
    print(HELP.format(python=sys.executable), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
