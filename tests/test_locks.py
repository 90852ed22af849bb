"""The lock files fit pyproject.toml: what `make lock` would have to change shows here, without any network."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; .*)? \\$", re.MULTILINE)


def locked(name: str) -> dict[str, set[str]]:
    """Return the versions of each package in a lock file; several where different Pythons need different ones."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    pins: dict[str, set[str]] = {}
    for found in PIN.finditer(text):
        pins.setdefault(found["name"], set()).add(found["version"])
    return pins


def group(name: str) -> list[str]:
    """Return the requirements of a dependency group, those it includes among them."""
    lines: list[str] = []
    for line in PYPROJECT["dependency-groups"][name]:
        lines += [line] if isinstance(line, str) else group(line["include-group"])
    return lines


def extra(name: str) -> list[str]:
    """Return the requirements of an extra, with those extras of our own that it names."""
    lines: list[str] = []
    for line in EXTRAS[name]:
        asked = Requirement(line)
        lines += (
            [each for own in sorted(asked.extras) for each in extra(own)] if asked.name == PROJECT["name"] else [line]
        )
    return lines


ASKED = {
    "demo": [*PROJECT["dependencies"], *extra("demo"), *group("build")],
    "dev": [*PROJECT["dependencies"], *extra("demo"), *extra("redis"), *group("dev")],
    "lowest": [*PROJECT["dependencies"], *extra("redis"), *extra("cli"), *extra("testing"), *group("test")],
    "matrix": [*PROJECT["dependencies"], *extra("testing"), *group("matrix")],
    "caches": [*PROJECT["dependencies"], *extra("testing"), *group("caches")],
    "fuzz": group("fuzz"),
    "audit": group("audit"),
    "release": group("release"),
    "node": group("node"),
    "redis-server": group("redis-server"),
}


@pytest.mark.parametrize("name", ASKED)
def test_the_lock_holds_what_the_project_asks_for(name: str) -> None:
    """Each requirement is locked, at a version that it admits."""
    pins = locked(name)
    wrong = [
        line
        for line in ASKED[name]
        if not any(map((asked := Requirement(line)).specifier.contains, pins.get(asked.name, ())))
    ]

    assert wrong == []


@pytest.mark.parametrize("name", ASKED)
def test_every_locked_package_has_its_hashes(name: str) -> None:
    """No package comes in unchecked."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    entries = [entry for entry in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE) if PIN.match(entry)]

    assert len(entries) == sum(map(len, locked(name).values())) > 0
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", ["demo", "fuzz", "audit", "node", "redis-server"])
def test_a_smaller_lock_says_what_the_large_one_says(name: str) -> None:
    """No set-up step changes the version that an earlier one installed."""
    large, small = locked("dev"), locked(name)

    assert {package: versions for package, versions in small.items() if large.get(package, versions) != versions} == {}


def test_the_lowest_lock_holds_the_lower_bounds() -> None:
    """`make test-lowest` tries what the lower bounds admit: of each dependency exactly that release."""
    pins = locked("lowest")
    bounds = {
        asked.name: next(iter(asked.specifier)).version
        for asked in map(Requirement, [*PROJECT["dependencies"], *extra("redis"), *extra("cli"), *extra("testing")])
    }

    assert {name: Version(next(iter(pins[name]))) for name in bounds} == {n: Version(v) for n, v in bounds.items()}
