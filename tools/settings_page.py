"""The table of all settings in their reference page.

    python tools/settings_page.py docs/reference/settings.md

writes it into that page, below the text. A test says when this is due.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
from pathlib import Path

from fotoweb_middleware.settings import DECLARED, Settings
from fotoweb_middleware.settings.describe import shown
from fotoweb_middleware.settings.reading import variable_of


def reference_table() -> str:
    """Return the table of docs/reference/settings.md."""
    texts = meanings()
    rows = [("variable", "default", "takes", "what it does"), ("---",) * 4]
    for name, declared in DECLARED.items():
        variable = f"`{variable_of(name)}`" + (" or `_FILE`" if declared.secret else "")
        default = shown(name, declared.default)
        default = default.strip("()") if default.startswith("(") else f"`{default}`"
        rows.append((variable, "required" if declared.required else default, declared.expects, texts[name]))
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)


def meanings() -> dict[str, str]:
    """Return what each setting does: the text below its field in ``Settings``, where editors look for it too.

    Python keeps no such text, so the source is read.
    """
    (cls,) = ast.parse(inspect.getsource(Settings)).body
    found = {}
    for declaration, below in itertools.pairwise(ast.iter_child_nodes(cls)):
        match declaration, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found


if __name__ == "__main__":
    page = Path(sys.argv[1])
    words, _, _ = page.read_text(encoding="utf-8").partition("| variable |")
    page.write_text(words + reference_table(), encoding="utf-8")
