"""What is released: the same bytes each time, all of the package and nothing else, a page that an index can show."""

from __future__ import annotations

import email
import re
import shutil
import tomllib
import zipfile
from collections.abc import Iterable
from email.message import Message
from pathlib import Path

import pytest

from hatch_build import with_absolute_links
from tools.dist import built_differently

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "fotoweb_middleware"
OTHERS = (
    "fotoweb_pytest.py", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore",
)  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the build takes from the working tree."""
    folder = tmp_path_factory.mktemp("source")
    shutil.copytree(PACKAGE, folder / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in OTHERS:
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder into which ``built_again`` builds."""
    return tmp_path_factory.mktemp("dist")


@pytest.fixture(scope="module")
def built_again(source: Path, dist: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Build everything, and return what came out differently the second and third time."""
    return built_differently(source, dist, tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def wheel(built_again: list[str], dist: Path) -> zipfile.ZipFile:
    """Return the wheel, opened."""
    return zipfile.ZipFile(next(dist.glob("*.whl")))


@pytest.fixture
def metadata(wheel: zipfile.ZipFile) -> Message:
    """Return what the wheel says of itself."""
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(wheel.read(name))


def test_the_bytes_are_the_same_each_time(built_again: list[str]) -> None:
    """Another folder, time, locale and umask change nothing, nor does building the wheel from the sdist."""
    assert built_again == []


def test_what_differs_is_named(source: Path, tmp_path: Path) -> None:
    """A build that depends on its folder is found."""
    copy = shutil.copytree(source, tmp_path / "source")
    hook = (copy / "hatch_build.py").read_text(encoding="utf-8")
    (copy / "hatch_build.py").write_text(hook.replace('"text": readme', '"text": readme + self.root'), encoding="utf-8")

    different = built_differently(copy, tmp_path / "dist", tmp_path / "work")

    assert [name.rpartition(" ")[2] for name in different] == ["(again)", "(again)"]  # Wheel and sdist.


def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile, source: Path) -> None:
    """Every file of the package is in it, templates and py.typed too; no test, example or page of the docs."""
    package = {path.relative_to(source).as_posix() for path in (source / PACKAGE.name).rglob("*") if path.is_file()}
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert held == package | {"fotoweb_pytest.py"}
    assert "fotoweb_middleware/py.typed" in held


def test_the_metadata(metadata: Message) -> None:
    """Version, Python and licence are those of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    said = [metadata[name] for name in ("Version", "Requires-Python", "License-Expression")]

    assert said == [project["version"], ">=3.11", "MIT"]
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_no_link_of_the_page_leads_nowhere(metadata: Message) -> None:
    """On a package index README's links to files of the repository would be dead: none is left."""
    page = str(metadata.get_payload())

    assert page.startswith("# fotoweb-middleware")
    assert re.findall(r"\]\((?!https?://|#)[^)]*\)", page) == []


def misnamed(names: Iterable[str]) -> list[str]:
    """Return the names that `make changelog` would pass over."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    kinds = "|".join(kind["directory"] for kind in pyproject["tool"]["towncrier"]["type"])
    return [name for name in names if not re.fullmatch(rf"\+[a-z0-9-]+\.({kinds})\.md|README\.md", name)]


def test_every_change_gets_into_the_changelog() -> None:
    """The files of changelog.d have names that `make changelog` knows."""
    assert misnamed(["+new-page.added.md", "+a.better.md", "b.fixed.md"]) == ["+a.better.md", "b.fixed.md"]
    assert misnamed(path.name for path in (ROOT / "changelog.d").iterdir()) == []


def test_links_become_absolute() -> None:
    """Links and pictures lead to the version's tag in the repository; other links stay as they are."""
    text = "![A picture](docs/a.png) and [a page](docs/b.md#part), [elsewhere](https://site.example/), [here](#see-it)."

    assert with_absolute_links(text, "https://forge.example/us/it/", "v1.2.3") == (
        "![A picture](https://forge.example/us/it/raw/v1.2.3/docs/a.png)"
        " and [a page](https://forge.example/us/it/blob/v1.2.3/docs/b.md#part),"
        " [elsewhere](https://site.example/), [here](#see-it)."
    )


def test_links_without_a_repository_become_words() -> None:
    """While the repository's address is not known, a link is left as words, and a picture is left out."""
    assert with_absolute_links("![A picture](docs/a.png)See [a page](docs/b.md).", "", "v1.2.3") == "See a page."
