"""A container without Docker: a mount namespace of its own, read-only but for its tmpfs, and a user who is nobody here.

Its root holds what an image holds (programs, libraries, this Python with its packages, the app) and no home. The user
is not root and can't become it. The network is this machine's. Only root can make such a container.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.providers.child import Child
from tests.servers.serving import ROOT

__all__ = ["Container", "Limits", "why_no_container"]

VIRTUAL_ENVIRONMENT = Path(sys.executable).parents[1]
IMAGE = dict.fromkeys(("/usr", "/etc", "/dev", sys.base_prefix, str(ROOT), str(VIRTUAL_ENVIRONMENT)))
PATH = f"{VIRTUAL_ENVIRONMENT}/bin:/usr/bin:/usr/sbin"
START_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What the container may do and sees.

    Attributes:
        user: Its numeric user and group.
        folder: Where it starts, a path inside it.
        files: What is mounted into it, read-only: the path inside it, and where it lies here.
        tmpfs: Its writable folders, with their mount options.
    """

    user: int
    folder: str
    files: Mapping[str, Path]
    tmpfs: Mapping[str, str] = field(default_factory=dict)


class Container:
    """A running container; a context manager.

    Args:
        root: An empty folder that becomes its root.
        limits: See there.
        environment: All its variables, beside ``PATH``.
        command: What it runs.
        ready: What it prints once it serves.
    """

    def __init__(
        self, root: Path, limits: Limits, environment: Mapping[str, str], command: Sequence[str], ready: str
    ) -> None:
        self._root = root
        self._limits = limits
        self._command = command
        self._variables = [f"{name}={value}" for name, value in {"PATH": PATH, **environment}.items()]
        self._ready = ready
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        """Start it and wait until it serves."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    @property
    def lines(self) -> list[str]:
        """What it has printed, earlier starts included."""
        return [line for child in self._children for line in child.lines]

    def start(self) -> None:
        """Run its command, and wait until it serves."""
        self._root.mkdir(exist_ok=True)
        inside = [*drop_privileges(self._limits.user), "env", "--ignore-environment", f"--chdir={self._limits.folder}"]
        command = ["chroot", str(self._root), *inside, *self._variables, *self._command]
        script = "\n".join(["set -e", *mounts(self._root, self._limits), 'exec "$@"'])
        self._children.append(Child(["unshare", "--mount", "sh", "-c", script, "sh", *command], folder=self._root))
        try:
            self._children[-1].wait_for_line(self._ready, timeout_seconds=START_SECONDS)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End its command, and with it the container."""
        self._children[-1].stop()

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run another command inside it as its user, with its variables, as ``docker exec`` does."""
        enter = ["nsenter", "--target", str(self._children[-1].pid), "--mount", "--root", "--wd"]
        inside = [*drop_privileges(self._limits.user), "env", "--ignore-environment", *self._variables]
        return subprocess.run([*enter, *inside, *command], capture_output=True, text=True, check=False, timeout=30)

    def writable_mounts(self) -> set[str]:
        """Return the mount points that are not read-only, by their path inside (proc_pid_mountinfo(5))."""
        table = Path(f"/proc/{self._children[-1].pid}/mountinfo").read_text(encoding="utf-8")
        return {line.split()[4] for line in table.splitlines() if "ro" not in line.split()[5].split(",")}

    def written_files(self) -> list[Path]:
        """Return what lies in its writable folders."""
        inside = Path(f"/proc/{self._children[-1].pid}/root")
        folders = [inside / path.lstrip("/") for path in self._limits.tmpfs]
        return [Path(each[0], name) for folder in folders for each in own_tree(folder) for name in each[2]]


def own_tree(folder: Path) -> list[tuple[str, list[str], list[str]]]:
    """Return what ``os.walk`` finds on the folder's own file system."""
    found = []
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not Path(path, name).is_mount()]
        found.append((path, folders, files))
    return found


def drop_privileges(user: int) -> list[str]:
    """Return the start of a command line: become that user for good, with no group and no capability."""
    who = [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    return ["setpriv", *who, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]


def mounts(root: Path, limits: Limits) -> list[str]:
    """Return the shell commands that furnish the root; but for the tmpfs, everything is read-only."""
    commands = [f"mount -t tmpfs -o mode=755 tmpfs {root}"]
    sources = {**{path: Path(path) for path in IMAGE}, **limits.files}
    for path in sorted({*sources, *limits.tmpfs}):  # Those that lie in others come after them.
        inside, source = f"{root}{path}", sources.get(path)
        if source is None:
            commands += [f"mkdir -p {inside}", f"mount -t tmpfs -o {limits.tmpfs[path]} tmpfs {inside}"]
            continue
        commands += [f"mkdir -p {inside}"] if source.is_dir() else [f"mkdir -p $(dirname {inside})", f"touch {inside}"]
        commands += [f"mount --bind {source} {inside}", f"mount -o remount,bind,ro {inside}"]
    links = [f"ln -s usr/{name} {root}/{name}" for name in ("bin", "lib", "lib64", "sbin")]
    return [*commands, *links, f"mount -o remount,bind,ro {root}"]


def why_no_container() -> str | None:
    """Return why there can be none here, or None."""
    if shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return "no unshare or setpriv here: Linux with util-linux has them"
    mount = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    return f"nobody may mount here, not even in a namespace: {done.stderr.strip()}" if done.returncode else None
