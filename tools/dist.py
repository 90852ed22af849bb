"""Builds what is released, twice, and makes sure that anybody who builds it again gets the same bytes.

    python -m tools.dist FOLDER

What is committed is built, not what lies in the working tree: once here and now, once in another folder at another
time, with other file modes, another locale and time zone, and the wheel once more from the sdist alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"TZ": "Pacific/Chatham", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
OLD_SECONDS = 1_000_000_000
"""2001: when the files of the second build were last changed."""


def main(folder: Path) -> int:
    """Build into ``folder``, and return the exit status."""
    with tempfile.TemporaryDirectory(prefix="fotoweb-dist-") as name:
        committed = Path(name) / "committed"
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True)  # noqa: S607
        committed.mkdir()
        subprocess.run(["tar", "-x"], cwd=committed, input=archive.stdout, check=True)  # noqa: S607
        shutil.rmtree(folder, ignore_errors=True)
        different = built_differently(committed, folder, Path(name))
    for path in sorted(folder.iterdir()):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}")
    if different:
        print(f"not the same when built again: {', '.join(different)}", file=sys.stderr)
    return 1 if different else 0


def built_differently(source: Path, folder: Path, work: Path) -> list[str]:
    """Build ``source`` into ``folder``, build it again in two other ways, and return what came out differently.

    Args:
        source: The project's files.
        folder: Where wheel and sdist of the first build go.
        work: An empty folder for the others.
    """
    build(source, folder)
    copy = shutil.copytree(source, work / "some" / "other place")
    for path in copy.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o660)
        os.utime(path, (OLD_SECONDS, OLD_SECONDS))
    build(copy, work / "again", **ELSEWHERE)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as sdist:
        sdist.extractall(work / "unpacked", filter="data")
    build(next((work / "unpacked").iterdir()), work / "from sdist", "--target", "wheel")
    return sorted(
        f"{path.name} ({path.parent.name})"
        for way in ("again", "from sdist")
        for path in (work / way).iterdir()
        if path.read_bytes() != (folder / path.name).read_bytes()
    )


def build(source: Path, folder: Path, *options: str, **environment: str) -> None:
    """Run the build backend by itself: it needs no network."""
    without_date = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    done = subprocess.run(  # noqa: S603 (our own build)
        [sys.executable, "-m", "hatchling", "build", "-d", folder.absolute(), *options],
        cwd=source,
        env={**without_date, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(done.stderr)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
