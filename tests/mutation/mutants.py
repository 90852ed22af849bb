"""Mutants: small changes of a module's source, each of which some test should notice."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.changes import changes_of

UNTOUCHED_NAMES = frozenset({"__all__", "__slots__"})
"""Module and class variables that no request sees."""

UNTOUCHED_KEYWORDS = frozenset({"frozen", "slots", "noqa"})
"""Of ``dataclass``: mypy holds what they promise, and ``slots`` saves memory."""


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    Attributes:
        file: The module's file.
        node: Where the changed node stands in ``ast.walk``.
        choice: Which of the node's changes.
        kind: The sort of change.
        line: Of the changed node.
        lines: Which lines must have been reached for a test to count.
        function: The outermost function's qualified name; "" where the code runs at import.
        owner: The name that the statement binds, for code that runs at import.
        key: What tells this mutant from others, whatever lines are added elsewhere in the file.
    """

    file: str
    node: int
    choice: int
    kind: str
    line: int
    lines: tuple[int, int]
    function: str
    owner: str
    key: str


@dataclass(frozen=True)
class Place:
    """Where a node stands."""

    function: str = ""
    owner: str = ""
    scope: str = ""
    lines: tuple[int, int] = (0, 0)


def mutants_of(root: Path, file: str) -> list[Mutant]:
    """Return all mutants of a module."""
    tree = ast.parse((root / file).read_text(encoding="utf-8"))
    numbers = {id(node): number for number, node in enumerate(ast.walk(tree))}
    module = file.removeprefix("fotoweb_middleware/")
    found = []
    seen: Counter[str] = Counter()
    for node, place in walk(tree, Place()):
        for choice, change in enumerate(changes_of(node, is_at_import=not place.function)):
            key = f"{module}:{place.function or place.owner}: {short(node)}  ->  {short(change.new)}"
            seen[key] += 1
            key = f"{key}  #{seen[key]}" if seen[key] > 1 else key
            line = getattr(node, "lineno", place.lines[0])
            number = numbers[id(node)]
            found.append(Mutant(file, number, choice, change.kind, line, place.lines, place.function, place.owner, key))
    return found


def mutated(root: Path, mutant: Mutant) -> ast.Module:
    """Return the module's tree with the change."""
    tree = ast.parse((root / mutant.file).read_text(encoding="utf-8"))
    old = list(ast.walk(tree))[mutant.node]
    new = changes_of(old, is_at_import=not mutant.function)[mutant.choice].new
    Swap(old, ast.copy_location(copy.deepcopy(new), old)).generic_visit(tree)
    return ast.fix_missing_locations(tree)


class Swap(ast.NodeTransformer):
    """Puts one node in the place of another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        """Return the new node for the old one."""
        return self.new if node is self.old else self.generic_visit(node)


def walk(node: ast.AST, place: Place) -> Iterator[tuple[ast.AST, Place]]:
    """Yield every node whose change counts, with its place."""
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not is_untouched(node, name, child):
                inner = place_of(node, name, child, place)
                yield child, inner
                yield from walk(child, inner)


def place_of(parent: ast.AST, field: str, child: ast.AST, place: Place) -> Place:
    """Return the place of a child node."""
    function, owner, scope, lines = place.function, place.owner, place.scope, place.lines
    if isinstance(parent, ast.FunctionDef | ast.ClassDef) and field == "body":
        scope = f"{scope}.{parent.name}" if scope else parent.name
        if isinstance(parent, ast.FunctionDef) and not function:
            function = scope
    if isinstance(child, ast.stmt):
        lines = lines_of(child)
        owner = "" if function else bound_by(child) or owner
    if isinstance(child, ast.match_case):
        lines = (child.pattern.lineno, child.pattern.end_lineno or child.pattern.lineno)
    return Place(function, owner, scope, lines)


def lines_of(statement: ast.stmt) -> tuple[int, int]:
    """Return the lines of a statement, without those of its body."""
    body = getattr(statement, "body", None)
    if isinstance(body, list) and body and not isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return statement.lineno, max(statement.lineno, body[0].lineno - 1)
    return statement.lineno, statement.end_lineno or statement.lineno


def bound_by(statement: ast.stmt) -> str:
    """Return the name that a statement at import binds."""
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case _:
            return ""


def is_untouched(parent: ast.AST, field: str, child: ast.AST) -> bool:
    """Return whether a change there says nothing: annotations, texts for the reader, lists of names."""
    match child:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id="assert_never"))):
            return True
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            is_alias = isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr)
            return name in UNTOUCHED_NAMES or is_alias
        case ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
            return True
        case ast.keyword(arg=name):
            return name in UNTOUCHED_KEYWORDS
        case _:
            return field in {"annotation", "returns"}


def short(node: ast.AST) -> str:
    """Return a node's code in one short line."""
    if isinstance(node, ast.If | ast.While):
        node = node.test
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:70]} … {text[-18:]}"
