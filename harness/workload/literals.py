"""Literals that stay in a statement: what may be private does not."""

from __future__ import annotations

from collections.abc import Iterator

from pglast import ast

from harness.workload.sorting import Refused
from harness.workload.tree import last, parts

_KEYS = ("->", "->>", "#>", "#>>", "?")
_FUNCTIONS = frozenset(
    ("extract", "date_part", "date_trunc", "to_char", "timezone", "coalesce", "nullif",
     "string_agg", "array_to_string", "concat", "concat_ws", "split_part",
     "json_build_object", "jsonb_build_object", "position", "replace", "trim", "btrim",
     "round", "ts_headline")
)  # fmt: skip
"""Functions whose texts are units, formats, keys and separators."""
_TYPES = ("interval", "regclass", "bool")


def check_literals(tree: ast.Node) -> None:
    """Refuse a statement with a text of which nobody knows whether it is somebody's.

    What is compared with a column is a parameter by now. Units, formats, keys, defaults
    and what a query returns of its own belong to the program.
    """
    for node in _kept(tree):
        if isinstance(node.val, ast.String) and not node.isnull:
            raise Refused(
                "it has a text that may be private, and no column to draw it from"
            )


def _kept(node: ast.Node, *, known: bool = False) -> Iterator[ast.A_Const]:
    if isinstance(node, ast.A_Const):
        if not known:
            yield node
        return
    if isinstance(node, ast.SelectStmt):
        known = False
    inner = _explains(node) or (known and not isinstance(node, _OWN))
    for part in parts(node):
        yield from _kept(part, known=inner)


_OWN = (ast.FuncCall,)
"""What says itself what its literals are for, wherever it stands."""


def _explains(node: ast.Node) -> bool:
    """Whether a node says what the literals below it are for."""
    if isinstance(node, ast.A_Expr):
        return last(node.name) in _KEYS
    if isinstance(node, ast.FuncCall):
        return last(node.funcname) in _FUNCTIONS
    if isinstance(node, ast.TypeCast):
        return node.typeName is not None and last(node.typeName.names) in _TYPES
    return isinstance(node, ast.ResTarget | ast.TypeName | ast.CoalesceExpr | ast.CaseExpr)
