"""Takes the Python out of the documentation, so that tests run it and `make lint` type-checks it.

    python -m tools.code_blocks FOLDER

writes a file for each page of `TYPED_PAGES`; the blocks of a page belong together, from top to bottom.
A block whose fence says more than ```python needs a package that is not always there, or that pyright can't see
through: mypy alone checks it, and it has a test of its own.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["DOCS", "HOW_TO", "ROOT", "blocks_of", "named_files"]

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
HOW_TO = DOCS / "how-to"
TYPED_PAGES = (
    "call-the-api.md",
    "choose-who-may-enter.md",
    "fastapi.md",
    "first-login.md",
    "flask.md",
    "fotoweb-api.md",
    "jobs.md",
    "litestar.md",
    "quart.md",
    "read-the-log.md",
    "starlette.md",
    "streams-and-websockets.md",
    "test-your-app.md",
    "watch-events.md",
    "write-your-own-store.md",
)
"""The how-to pages whose Python must pass mypy and pyright in strict mode, besides those of the README, the tutorial
and errors.md.

Not here: real-apps.md, whose packages ``make real-apps`` installs.
"""
DJANGO = HOW_TO / "django.md"
"""A project's files, of which ``manage.py startproject`` wrote the beginning."""
LOOSE_HEADER = """\
# mypy: disable-error-code="no-any-return,untyped-decorator,unused-ignore"
# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false

"""
"""For packages without types, or with half of them: pyright's guesses from their code are wrong."""
DJANGO_SETTINGS = """\
from pathlib import Path

BASE_DIR = Path()
INSTALLED_APPS: list[str] = []
MIDDLEWARE: list[str] = []
"""

HEADER = "# pyright: strict, reportDuplicateImport=false\n\n"
"""Each block shows the imports that it needs, for readers who copy that one alone."""


def blocks_of(path: Path, language: str = "python") -> list[str]:
    """Return the code on a page whose fence has these words behind it, block by block."""
    pattern = rf"^```{re.escape(language)}\n(.*?)^```$"
    return re.findall(pattern, path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def named_files(page: Path) -> list[tuple[str, str]]:
    """Return the files that a page shows, with the text of each; the name stands in a comment above the text."""
    pattern = r"^```\w.*\n(?:# |<!-- )(\w[\w/]*\.\w+.*?)(?: -->)?\n((?s:.*?))^```$"
    return re.findall(pattern, page.read_text(encoding="utf-8"), re.MULTILINE)


def files_of(page: Path) -> dict[str, str]:
    """Return the code of a page by module: its files (``# main.py``) each in one, and all other blocks in another."""
    name = page.stem.replace("-", "_").lower()
    files: dict[str, str] = {}
    for block in blocks_of(page):
        found = re.match(r"# (\w+)\.py$", block, re.MULTILINE)
        module = f"{name}__{found[1]}" if found else name
        files[module] = f"{files[module]}\n\n{block}" if module in files else block
    for module in files:  # What one of them imports from another is found under its name here.
        imported, found_in = module.partition("__")[2], f"build.code_blocks.{module}"
        if imported:
            pattern = rf"^from {imported} import "
            files = {
                other: re.sub(pattern, f"from {found_in} import ", code, flags=re.MULTILINE)
                for other, code in files.items()
            }
    return files


def django_files() -> dict[str, str]:
    """Return the Python of Django's page by module."""
    files = {}
    for name, code in named_files(DJANGO):
        path, _, remark = name.partition(", ")
        if path.endswith(".py"):
            module = f"django__{Path(path).stem}{'_example' if remark else ''}"
            before = DJANGO_SETTINGS if module == "django__settings" else ""
            files[module] = before + code.replace("from mysite import ", "from build.code_blocks import django__")
    files["django__urls"] = files["django__urls"].replace("django__views", "django__views as views", 1)
    return files


def loose_blocks() -> dict[str, str]:
    """Return the blocks by module whose packages pyright can't see through."""
    (quart,) = blocks_of(HOW_TO / "quart.md", "python untyped")
    (flask,) = blocks_of(HOW_TO / "flask.md", "python flask-login")
    (prometheus,) = blocks_of(HOW_TO / "watch-events.md", "python opentelemetry-exporter-prometheus")
    return {
        "quart__test_app": quart.replace("from app import", "from build.code_blocks.quart__app import"),
        "flask__flask_login": f"from build.code_blocks.flask__app import app\n{flask}",
        "watch_events__prometheus": prometheus,
    }


def main() -> None:
    """Write the files into a folder, and remove those of an earlier run."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.py"):
        old.unlink()
    files = {f"readme_{number}": block for number, block in enumerate(blocks_of(ROOT / "README.md"))}
    for page in (DOCS / "tutorial.md", DOCS / "reference/errors.md", *(HOW_TO / name for name in TYPED_PAGES)):
        files |= files_of(page)
    for name, code in files.items():
        (folder / f"{name}.py").write_text(HEADER + code, encoding="utf-8")
    for name, code in (django_files() | loose_blocks()).items():
        (folder / f"{name}.py").write_text(LOOSE_HEADER + code, encoding="utf-8")


if __name__ == "__main__":
    main()
