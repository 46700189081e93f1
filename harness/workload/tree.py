"""The parse tree of a statement: look at it, change it, write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pglast import ast, parse_sql
from pglast.stream import RawStream


def parts(node: object) -> Iterator[ast.Node]:
    """The nodes right below a node."""
    values = node if isinstance(node, tuple) else (getattr(node, at) for at in slots(node))
    for value in values:
        if isinstance(value, ast.Node):
            yield value
        elif isinstance(value, tuple):
            yield from parts(value)


def slots(node: object) -> tuple[str, ...]:
    """The names of a node's attributes."""
    return tuple(getattr(node, "__slots__", ()))


def walk(
    node: ast.Node, enter: Callable[[ast.Node], bool] = lambda _: True
) -> Iterator[ast.Node]:
    """A node and all below it; below what is not to be entered nothing."""
    yield node
    for part in parts(node) if enter(node) else ():
        yield from walk(part, enter)


def below(node: ast.Node) -> Iterator[ast.Node]:
    """All nodes of one query, the queries inside it as such, not what they are made of."""
    for part in parts(node):
        yield from walk(part, lambda inner: not isinstance(inner, ast.SelectStmt))


def substitute(node: ast.Node, others: Mapping[int, Any]) -> None:
    """Put other nodes in place of those with these `id`s; a tuple of nodes into a list."""
    for slot in slots(node):
        value = getattr(node, slot)
        if isinstance(value, ast.Node):
            setattr(node, slot, _other(value, others))
        elif isinstance(value, tuple):
            setattr(node, slot, _others(value, others))


def _other(node: ast.Node, others: Mapping[int, Any]) -> Any:
    substitute(node, others)
    return others.get(id(node), node)


def _others(values: tuple[Any, ...], others: Mapping[int, Any]) -> tuple[Any, ...]:
    made: list[Any] = []
    for value in values:
        if isinstance(value, tuple):
            made.append(_others(value, others))
        elif isinstance(value, ast.Node):
            other = _other(value, others)
            made += other if isinstance(other, tuple) else (other,)
        else:
            made.append(value)
    return tuple(made)


def written(node: ast.Node) -> str:
    """The SQL of a node, without comments, in one line."""
    return str(RawStream()(node))


def last(names: tuple[Any, ...] | None) -> str:
    """What something is called: a function, an operator, a type, without its schema."""
    return str(names[-1].sval) if names else ""


def expression(text: str) -> ast.Node:
    """The node of an expression."""
    query: Any = parse_sql(f"select {text}")[0].stmt
    node: ast.Node = query.targetList[0].val
    return node


def names(node: ast.ColumnRef) -> list[str]:
    """The parts of a column's name; a `*` is one."""
    fields = node.fields or ()
    return [str(part.sval) if isinstance(part, ast.String) else "*" for part in fields]


def column(*path: str) -> ast.ColumnRef:
    """A reference to a column by the parts of its name."""
    return ast.ColumnRef(fields=tuple(ast.String(sval=name) for name in path))
