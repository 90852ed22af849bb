"""Takes the Python out of the documentation, so that tests run it and `make lint` type-checks it.

    python -m tools.code_blocks FOLDER

writes a file for each page of `TYPED_PAGES`; the blocks of a page belong together, from top to bottom.
A block whose fence says more than ```python needs a package that is not always there, and has a test of its own.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["HOW_TO", "blocks_of"]

HOW_TO = Path(__file__).parents[1] / "docs" / "how-to"
TYPED_PAGES = (
    "call-the-api.md",
    "fastapi.md",
    "flask.md",
    "fotoweb-api.md",
    "litestar.md",
    "quart.md",
    "read-the-log.md",
    "starlette.md",
    "streams-and-websockets.md",
)
"""The pages whose Python must pass mypy and pyright in strict mode."""

HEADER = "# pyright: strict, reportDuplicateImport=false\n\n"
"""Each block shows the imports that it needs, for readers who copy that one alone."""


def blocks_of(path: Path, language: str = "python") -> list[str]:
    """Return the code on a page whose fence has these words behind it, block by block."""
    pattern = rf"^```{re.escape(language)}\n(.*?)^```$"
    return re.findall(pattern, path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def main() -> None:
    """Write the files into a folder, and remove those of an earlier run."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.py"):
        old.unlink()
    for name in TYPED_PAGES:
        code = HEADER + "\n\n".join(blocks_of(HOW_TO / name))
        code = code.replace("from main import app\n", "")  # A page's test_main.py stands below its main.py here.
        (folder / name.replace("-", "_")).with_suffix(".py").write_text(code, encoding="utf-8")


if __name__ == "__main__":
    main()
