"""Writes tests/public_api.txt: every public name with its signature, so that no change of one goes unseen.

    python -m tools.public_api

Run it after a change that is meant, and look at the difference: a line that is gone or changed breaks somebody's code.
The code is read, not run: no framework needs to be installed, and every Python finds the same.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "tests" / "public_api.txt"
PACKAGE = "fotoweb_middleware"
MODULES = (
    PACKAGE,
    *(f"{PACKAGE}.{name}" for name in ("client", "errors", "events", "stores", "stores.base", "testing", "wrap")),
    *(f"{PACKAGE}.integrations.{name}" for name in ("django", "fastapi", "flask", "litestar", "quart", "starlette")),
)
"""The modules that users import from. What is public in each is in its ``__all__``."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Found = tuple[str, ast.stmt]
"""The name of a module of ours, and what it defines."""


def page() -> str:
    """Return the whole page."""
    first_names: dict[Found | None, str] = {None: ""}
    lines: list[str] = []
    for public, found in [
        (f"{module}.{name}", definition(module, name)) for module in MODULES for name in names(module)
    ]:
        first = first_names.setdefault(found, public)
        lines += [f"{public} is {first}".removesuffix(" is ")] if first != public else described(public, found)
    return "".join(f"{line}\n" for line in lines)


def described(public: str, found: Found | None) -> list[str]:
    """Return a line for a public name, and where it is a class one for each public member."""
    if found is None:
        return [public]
    module, node = found
    if not isinstance(node, ast.ClassDef):
        return [f"{public}{after_name(node)}"]
    bases = ", ".join(map(ast.unparse, [*node.bases, *node.keywords]))
    return [
        f"{public}: class({bases})",
        *(f"{public}.{line}" for each in members(module, node).values() for line in each),
    ]


def names(module: str) -> list[str]:
    """Return what a module's ``__all__`` holds, in order."""
    for node in tree(module).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return sorted(ast.literal_eval(node.value))
    raise LookupError(f"{module} has no __all__")


def members(module: str, node: ast.ClassDef) -> dict[str, list[str]]:
    """Return the lines for each public member and ``__init__`` of a class, also of its bases in this package.

    In the order of the code: fields of a dataclass are arguments, in this order. A contract's tests are left out.
    """
    lines: dict[str, list[str]] = {}
    for base in reversed(node.bases):
        found = definition(module, ast.unparse(base).partition("[")[0])
        if found is not None and isinstance(found[1], ast.ClassDef):
            lines |= members(found[0], found[1])
    own: dict[str, list[str]] = {}  # Several lines where a name has overloads, or a property a setter.
    for member in node.body:
        name = name_of(member)
        if name in {"__init__", "__call__"} or (name and not name.startswith(("_", "test_"))):
            own.setdefault(name, []).append(f"{name}{after_name(member)}")
    return lines | own


def after_name(node: ast.stmt) -> str:
    """Return what stands behind a name: a signature, or type and value."""
    if isinstance(node, Function):
        marks = "".join(f"@{ast.unparse(mark)} " for mark in node.decorator_list)
        returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
        return f": {marks}{kind}({ast.unparse(node.args)}){returned}"
    if isinstance(node, ast.AnnAssign):
        return f": {ast.unparse(node.annotation)}{value_of(node.value)}"
    return value_of(node.value) if isinstance(node, ast.Assign) else ""


def value_of(node: ast.expr | None) -> str:
    """Return a value, of a call the default that it names: what else a setting says of itself is no interface."""
    if isinstance(node, ast.Call):
        node = next((each.value for each in node.keywords if each.arg == "default"), None)
    return f" = {ast.unparse(node)}" if node else ""


def name_of(node: ast.stmt) -> str:
    """Return the name that a statement defines; "" for any other statement."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return node.name
    target = (
        node.target if isinstance(node, ast.AnnAssign) else node.targets[0] if isinstance(node, ast.Assign) else None
    )
    return target.id if isinstance(target, ast.Name) else ""


def definition(module: str, name: str) -> Found | None:
    """Follow the imports of this package to what ``name`` is; None for what another package defines."""
    for node in tree(module).body:
        if name_of(node) == name:
            return module, node
    for imported in ast.walk(tree(module)):  # Also those for type checkers alone, of what is imported on demand.
        if isinstance(imported, ast.ImportFrom) and (imported.module or "").startswith(PACKAGE):
            for alias in imported.names:
                if (alias.asname or alias.name) == name:
                    return definition(str(imported.module), alias.name)
    return None


@cache
def tree(module: str) -> ast.Module:
    """Return a module of this package as Python reads it."""
    path = ROOT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
