"""Hidden columns: their values are not among what a statement returns."""

from __future__ import annotations

from collections.abc import Iterator

from pglast import ast

from harness.workload.relations import Hidden
from harness.workload.scope import Origin, Scope, hidden_origin
from harness.workload.sorting import Refused
from harness.workload.tree import below, column, expression, names, walk, written

_TEXTS = ("text", "character varying", "character", "citext")


def touches(scope: Scope, node: ast.Node, hidden: Hidden) -> bool:
    """Whether an expression computes with a hidden column."""
    if not isinstance(node, ast.A_Expr | ast.FuncCall | ast.CoalesceExpr | ast.CaseExpr):
        return False
    return any(_hides(scope, ref, hidden) for ref in _refs(node))


def _refs(node: ast.Node) -> Iterator[ast.ColumnRef]:
    return (part for part in below(node) if isinstance(part, ast.ColumnRef))


def _hides(scope: Scope, ref: ast.ColumnRef, hidden: Hidden) -> bool:
    """Whether a reference is to a hidden column, or to a row that has one."""
    if hidden_origin(scope, ref, hidden):
        return True
    if scope.origin(ref):
        return False
    return any(hidden.of(place.relation) for _, place in scope.covered(ref))


def masked(scope: Scope, hidden: Hidden) -> dict[int, tuple[ast.Node, ...]]:
    """What to put in place of the columns that a query returns and nobody may see.

    Raises:
        Refused: it returns something made of one.
    """
    found: dict[int, tuple[ast.Node, ...]] = {}
    for target in scope.query.targetList or () if hidden.columns else ():
        bare = target.val
        if not any(
            isinstance(part, ast.ColumnRef) and _hides(scope, part, hidden)
            for part in walk(target)
        ):
            continue
        if not isinstance(bare, ast.ColumnRef):
            raise Refused("it returns what it makes of a hidden column")
        found[id(target)] = tuple(_targets(scope, target, bare, hidden))
    return found


def _targets(
    scope: Scope, target: ast.ResTarget, ref: ast.ColumnRef, hidden: Hidden
) -> Iterator[ast.Node]:
    if names(ref)[-1] != "*":
        origin = hidden_origin(scope, ref, hidden)
        if origin is None:
            raise Refused("it returns a whole row with a hidden column")
        yield _mask(origin, ref, target.name or origin.column)
        return
    if (
        any(
            isinstance(node, ast.JoinExpr) and (node.usingClause or node.isNatural)
            for node in walk(scope.query)
        )
        or None in scope.places.values()
    ):
        raise Refused("its * has a hidden column, and what else is not simple to say")
    for name, place in scope.covered(ref):
        for other in place.relation.columns:
            path = column(name, other)
            if hidden.has(place.relation, other):
                yield _mask(Origin(place, other), path, other)
            else:
                yield ast.ResTarget(val=path)


def _mask(origin: Origin, ref: ast.ColumnRef, name: str) -> ast.ResTarget:
    """A text of the same length; of any other type nothing."""
    kind = origin.place.relation.columns[origin.column]
    if kind.partition("(")[0] in _TEXTS:
        value = f"repeat(chr(120), length({written(ref)}))::{kind}"
    else:
        value = f"null::{kind}"
    return ast.ResTarget(name=name, val=expression(value))
