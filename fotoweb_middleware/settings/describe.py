"""Every setting in a list: for ``fotoweb-middleware config``, and as the table of the reference page.

    python -m fotoweb_middleware.settings.describe docs/reference/settings.md

writes the table into that page, below the text. A test says when this is due.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
from pathlib import Path
from typing import Any

from fotoweb_middleware.settings import DECLARED, Settings
from fotoweb_middleware.settings.reading import variable_of
from fotoweb_middleware.settings.rules import Secret, mask_cache_address


def describe(settings: Settings) -> list[tuple[str, str, str]]:
    """Return variable, value and origin of every setting: ``FOTOWEB_PKCE``, ``false``, ``environment``. No secrets."""
    return [(variable_of(name), _shown(name, getattr(settings, name)), settings.origins[name]) for name in DECLARED]


def _shown(name: str, value: Any) -> str:
    """Return a value as one would write it into a variable, or in brackets what holds where there is none."""
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        value = ",".join(value)
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    elif name == "cache":
        value = mask_cache_address(value)
    return f"({DECLARED[name].unset or 'not set'})" if value in {None, ""} else str(value)


def reference_table() -> str:
    """Return the table of docs/reference/settings.md."""
    texts = meanings()
    rows = [("variable", "default", "takes", "what it does"), ("---",) * 4]
    for name, declared in DECLARED.items():
        variable = f"`{variable_of(name)}`" + (" or `_FILE`" if declared.secret else "")
        default = _shown(name, declared.default)
        default = default.strip("()") if default.startswith("(") else f"`{default}`"
        rows.append((variable, "required" if declared.required else default, declared.expects, texts[name]))
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)


def meanings() -> dict[str, str]:
    """Return what each setting does: the text below its field in ``Settings``, where editors look for it too.

    Python keeps no such text, so the source is read: here alone, for a page that is made where the source is.
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
