"""Comparisons: which literals and parameters stand against which expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pglast import ast
from pglast.enums import A_Expr_Kind as Kind

from harness.workload.tree import last

How = Literal["value", "array", "pattern", "key"]

_COMPARES = frozenset(
    ("=", "<>", "!=", "<", ">", "<=", ">=", "@>", "<@", "&&", "@@", "<->", "<#>", "<=>")
)
_PATTERNS = frozenset(("~~", "!~~", "~~*", "!~~*", "~", "~*", "!~", "!~*"))
_LOOKUPS = ("->", "->>")
_SHIFTS = ("+", "-")
_FOLDS = ("lower", "upper", "btrim", "ltrim", "rtrim")


@dataclass(frozen=True, slots=True)
class Against:
    """A literal or parameter (`slot`), and what it is compared with (`subject`).

    `number` counts the members of a list, which should not all be the same. A `key` is
    looked up in the subject, which is a document.
    """

    slot: ast.ParamRef | ast.A_Const
    subject: ast.Node
    how: How = "value"
    number: int = 0


def compared(node: ast.Node) -> Iterator[Against]:
    """The literals and parameters of a comparison, or the key of a lookup."""
    if not isinstance(node, ast.A_Expr):
        return
    name, left = last(node.name), node.lexpr
    if isinstance(node.rexpr, tuple):
        members = node.kind == Kind.AEXPR_IN  # BETWEEN has two, of one row
        for number, item in enumerate(node.rexpr):
            yield from _against(item, left, "value", number if members else 0)
    elif node.kind in (Kind.AEXPR_OP_ANY, Kind.AEXPR_OP_ALL):
        yield from _array(node.rexpr, left)
    elif node.kind in (Kind.AEXPR_LIKE, Kind.AEXPR_ILIKE) or name in _PATTERNS:
        yield from _against(node.rexpr, left, "pattern", 0)
    elif name in _COMPARES:
        yield from _both(left, node.rexpr)
    elif name in _LOOKUPS and isinstance(node.rexpr, ast.ParamRef) and left is not None:
        yield Against(node.rexpr, left, "key")


def _both(left: ast.Node | None, right: ast.Node | None) -> Iterator[Against]:
    if isinstance(left, ast.RowExpr) and isinstance(right, ast.RowExpr):
        for its, others in zip(left.args or (), right.args or (), strict=False):
            yield from _both(its, others)
        return
    yield from _against(right, left, "value", 0)
    yield from _against(left, right, "value", 0)


def _array(right: ast.Node | None, subject: ast.Node | None) -> Iterator[Against]:
    bare = uncast(right)
    if isinstance(bare, ast.A_ArrayExpr):
        for number, item in enumerate(bare.elements or ()):
            yield from _against(item, subject, "value", number)
    else:
        yield from _against(right, subject, "array", 0)


def _against(
    slot: ast.Node | None, subject: ast.Node | None, how: How, number: int
) -> Iterator[Against]:
    bare = _bare(slot)
    if subject is not None and isinstance(bare, ast.ParamRef | ast.A_Const):
        yield Against(bare, subject, how, number)


def _bare(node: ast.Node | None) -> ast.Node | None:
    """What is compared inside of casts, of `lower(…)`, and before `+ interval '1 day'`."""
    node = uncast(node)
    if isinstance(node, ast.A_Expr) and last(node.name) in _SHIFTS:
        return _bare(node.lexpr)
    if isinstance(node, ast.FuncCall) and last(node.funcname) in _FOLDS:
        return _bare(node.args[0] if node.args else None)
    return node


def uncast(node: ast.Node | None) -> ast.Node | None:
    """What is inside of casts."""
    while isinstance(node, ast.TypeCast):
        node = node.arg
    return node
