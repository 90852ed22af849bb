"""The changes that a mutant may make to one node of the syntax tree."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

MOST_TIMES = re.compile(r"\{[0-9]+,([0-9]+)\}")
"""How often at most, in a regular expression."""

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
"""The boundary moved, and the answer turned round."""

CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


@dataclass(frozen=True)
class Change:
    """A node that takes the place of another, and the sort of change."""

    new: ast.AST
    kind: str


def changes_of(node: ast.AST, *, is_at_import: bool) -> list[Change]:
    """Return every change of a node."""
    if isinstance(node, ast.stmt):
        return statement_changes(node, is_at_import=is_at_import)
    if isinstance(node, ast.expr):
        return [*operator_changes(node), *condition_changes(node), *constant_changes(node)]
    return other_changes(node)


def statement_changes(node: ast.stmt, *, is_at_import: bool) -> list[Change]:
    """Leave a statement out, or spoil what it returns or assigns."""
    match node:
        case ast.Raise():
            new: list[tuple[ast.AST, str]] = [(ast.Pass(), "statement")]
        case ast.Expr() if not is_at_import:
            new = [(ast.Pass(), "statement")]
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            new = [(ast.Return(ast.Constant(None)), "return")]
        case ast.Assign() | ast.AnnAssign(value=ast.expr()) if not is_at_import:
            new = [(changed, "assignment") for changed in nothing_assigned(node)]
        case ast.AugAssign():
            swapped = ast.AugAssign(node.target, CALCULATED[type(node.op)](), node.value)
            new = [(ast.Pass(), "statement"), (swapped, "arithmetic")]
        case ast.Continue() | ast.Break():
            new = [(ast.Break() if isinstance(node, ast.Continue) else ast.Continue(), "statement")]
        case ast.If() | ast.While() if is_plain_condition(node.test):
            new = [(type(node)(negated(node.test), node.body, node.orelse), "condition")]
        case _:
            new = []
    return [Change(*each) for each in new]


def nothing_assigned(node: ast.Assign | ast.AnnAssign) -> list[ast.stmt]:
    """Return the assignment of None instead; constants are changed by ``constant_changes``."""
    if isinstance(node.value, ast.Constant):
        return []
    targets: list[ast.expr] = [*node.targets] if isinstance(node, ast.Assign) else [node.target]
    return [ast.Assign(targets, ast.Constant(None), None, lineno=node.lineno)]


def operator_changes(node: ast.expr) -> list[Change]:
    """Swap an operator for its neighbour."""
    match node:
        case ast.Compare(ops=ops):
            return [
                Change(
                    ast.Compare(node.left, [*ops[:number], new(), *ops[number + 1 :]], node.comparators), "comparison"
                )
                for number, op in enumerate(ops)
                for new in COMPARED[type(op)]
            ]
        case ast.BinOp(op=op) if type(op) in CALCULATED:
            return [Change(ast.BinOp(node.left, CALCULATED[type(op)](), node.right), "arithmetic")]
        case ast.BoolOp(op=op, values=values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            fewer = [values[:number] + values[number + 1 :] for number in range(len(values))]
            left = [some[0] if len(some) == 1 else ast.BoolOp(op, some) for some in fewer]
            return [Change(ast.BoolOp(other, values), "and/or"), *(Change(some, "left out") for some in left)]
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            return [Change(operand, "not" if isinstance(node.op, ast.Not) else "arithmetic")]
        case _:
            return []


def condition_changes(node: ast.expr) -> list[Change]:
    """Turn the condition of ``a if b else c`` and of comprehensions round."""
    match node:
        case ast.IfExp(test=test) if is_plain_condition(test):
            return [Change(ast.IfExp(negated(test), node.body, node.orelse), "condition")]
        case _:
            return []


def constant_changes(node: ast.expr) -> list[Change]:
    """Replace a constant by one that is near it."""
    match node:
        case ast.Constant(value=bool(value)):
            return [Change(ast.Constant(not value), "constant")]
        case ast.Constant(value=int(value) | float(value)):
            return [Change(ast.Constant(value + 1), "constant")]
        case ast.Constant(value=str(value)):
            return [
                Change(ast.Constant(spoilt(value)), "text"),
                *(Change(ast.Constant(longer), "pattern") for longer in longer_patterns(value)),
            ]
        case ast.Constant(value=bytes(value)):
            return [Change(ast.Constant(value[1:] if value else b"XX"), "text")]
        case _:
            return []


def spoilt(value: str) -> str:
    """Return another text: of a set of signs one less, else something around it."""
    is_signs = len(value) > 1 and not any(sign.isalnum() for sign in value)
    return value[1:] if is_signs else f"XX{value}XX" if value else "XX"


def longer_patterns(value: str) -> list[str]:
    """Return a regular expression with each of its ``{1,64}`` taking one more."""
    return [
        f"{value[: found.start(1)]}{int(found[1]) + 1}{value[found.end(1) :]}" for found in MOST_TIMES.finditer(value)
    ]


def other_changes(node: ast.AST) -> list[Change]:
    """Turn the conditions of comprehensions and of ``case`` round."""
    match node:
        case ast.comprehension(ifs=[ast.expr()]):
            return [Change(ast.comprehension(node.target, node.iter, [], node.is_async), "left out")]
        case ast.match_case(guard=ast.expr() as guard):
            return [Change(ast.match_case(node.pattern, negated(guard), node.body), "condition")]
        case ast.MatchSingleton(value=bool(value)):
            return [Change(ast.MatchSingleton(not value), "constant")]
        case _:
            return []


def is_plain_condition(node: ast.expr) -> bool:
    """Return whether no other change turns the condition round."""
    return not isinstance(node, ast.Compare) and not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))


def negated(node: ast.expr) -> ast.expr:
    """Return the condition turned round."""
    return ast.UnaryOp(ast.Not(), node)
