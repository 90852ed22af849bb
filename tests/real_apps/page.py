"""What docs/how-to/real-apps.md says of each app: its version, its files, its commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGE", "PICTURES", "RealApp", "read_page"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "real-apps.md"
PICTURES = ROOT / "docs" / "pictures"
SERVERS = ("uvicorn", "gunicorn")


@dataclass(frozen=True, slots=True)
class RealApp:
    """One section of the page.

    Attributes:
        name: The heading in lower case, which is also the package's name.
        version: The one that was tried.
        files: Python by file name, as the page has it.
        commands: Shell lines that set the app up and start it, the server's last.
    """

    name: str
    version: str
    files: dict[str, str]
    commands: str

    def write_files(self, folder: Path) -> list[Path]:
        """Write the files into a folder; return where they are."""
        paths = [folder / name for name in self.files]
        for path, text in zip(paths, self.files.values(), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return paths


def read_page() -> dict[str, RealApp]:
    """Return the apps of the page by name.

    Raises:
        ValueError: A section about an app lacks a version or a command, or a block of Python its file's name.
    """
    apps = {}
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        heading = section.partition("\n")[0]
        if (version := re.search(r"^Version ([\d.]+\d)\.", section, re.MULTILINE)) is None:
            if "```" in section:
                raise ValueError(f"{heading}: no version")
            continue
        commands = "".join(blocks(section, "sh"))
        if not any(server in commands.splitlines()[-1] for server in SERVERS):
            raise ValueError(f"{heading}: the last command starts no server")
        name = heading.lower()
        apps[name] = RealApp(name, version[1], dict(named(block) for block in blocks(section, "python")), commands)
    return apps


def blocks(section: str, language: str) -> list[str]:
    """Return a section's code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)


def named(block: str) -> tuple[str, str]:
    """Return a block's file name, which its first line tells, and the block."""
    first = re.match(r"# ([\w/]+\.py)\n", block)
    if first is None:
        raise ValueError(f"this Python does not begin with its file's name: {block[:60]}")
    return first[1], block
