"""The source of a bound op as a function of its own, for reproductions.

An op is a closure: what its method prepared stands in its cells. Here it becomes a function
of the connection and of one call's parameters. A bound method of the connection is written
as that, what the library brings is imported, and all other objects are left by name, for
the caller to write down. Standard library only, because workers import this.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.core.errors import Unsupported
from harness.plugin.act_source import Source, mention, names_of

_INLINE = (type(None), bool)


@dataclass(slots=True)
class OpSource:
    """A function's text, what it needs, and the objects that it was bound with.

    `params` is the iterator that it takes its parameters from, if it takes any.
    """

    text: str
    arguments: tuple[str, ...]
    values: Mapping[str, Any]
    params: Iterator[Any] | None
    needs: Source


@dataclass(slots=True)
class _Binding(ast.NodeTransformer):
    """Rewrites an op's code: each name by what it stands for."""

    op: Callable[..., Any]
    connection: Any
    taken: Collection[str]
    needs: Source = field(default_factory=Source)
    values: dict[str, Any] = field(default_factory=dict)
    params: Iterator[Any] | None = None
    connected: bool = False
    names: dict[str, ast.expr] = field(default_factory=dict)

    def bind(self) -> None:
        """Decide for each name that comes from outside what stands for it."""
        cells = (cell.cell_contents for cell in self.op.__closure__ or ())
        for name, value in zip(self.op.__code__.co_freevars, cells, strict=True):
            self.names[name] = self._written(name, value)
        for name in names_of(self.op.__code__):
            if name in self.op.__globals__:
                mention(name, self.op.__globals__[name], self.op, self.needs)

    def _written(self, name: str, value: Any) -> ast.expr:
        owner = getattr(value, "__self__", None)
        if value is self.connection and value is not None:
            return self._of_connection()
        if callable(value) and owner is not None and owner is self.connection:
            # compiled by mypyc, a method's name begins with its class
            method = value.__name__.rpartition(".")[2]
            return ast.Attribute(self._of_connection(), method)
        if callable(value) and inspect.isclass(owner):
            self.needs.imports.add(f"from {owner.__module__} import {owner.__name__}")
            return ast.Attribute(ast.Name(owner.__name__), value.__name__)
        if owner is not None and not inspect.ismodule(owner):
            kind = type(owner).__name__
            raise Unsupported(f"its op works on a {kind} that was made while binding")
        if "<locals>" in getattr(value, "__qualname__", ""):
            raise Unsupported(f"its op is made of another function, `{name}`")
        if inspect.isroutine(value) or inspect.isclass(value):
            mention(value.__name__, value, self.op, self.needs)
            return ast.Name(value.__name__)
        if isinstance(value, Iterator):
            self.params = value
            return ast.Name("params")
        if isinstance(value, _INLINE):
            return ast.Constant(value)
        free = f"{name}_" if name in self.taken else name
        self.values[free] = value
        return ast.Name(free)

    def _of_connection(self) -> ast.expr:
        self.connected = True
        return ast.Name("connection")

    # --- rewriting ------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A name that comes from outside."""
        return self.names.get(node.id, node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """`next(params)` is one call's parameters: `params`."""
        node = self.generic_visit(node)  # type: ignore[assignment]
        if ast.unparse(node) == "next(params)":
            return node.args[0]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        """Types of variables are for us, not for a reader of the reproduction."""
        node = self.generic_visit(node)  # type: ignore[assignment]
        return ast.Assign([node.target], node.value) if node.value else ast.Pass()


def op_source(
    op: Callable[..., Any],
    connection: Any,
    name: str = "op",
    *,
    asynchronous: bool = False,
    arguments: tuple[str, ...] = (),
    taken: Collection[str] = (),
) -> OpSource:
    """The source of an op, as a function called `name`.

    Args:
        op: what a session's or a driver's method bound.
        connection: the library's connection that it works on, if there is one.
        name: what the function is called.
        asynchronous: whether the op is awaited.
        arguments: objects that the function takes as arguments instead, by their names.
        taken: names that mean something else where the function will stand.

    Raises:
        Unsupported: the op is not made of the library and of plain values.
    """
    binding = _Binding(op, connection, taken)
    binding.bind()
    body = [binding.visit(statement) for statement in _body(op, asynchronous)]
    given = [*arguments]
    given += ["connection"] * binding.connected + ["params"] * (binding.params is not None)
    made = ast.AsyncFunctionDef if asynchronous else ast.FunctionDef
    signature = ast.arguments(
        [], [ast.arg(argument) for argument in given], None, [], [], None, []
    )
    function = made(name, signature, body, [])
    return OpSource(
        text=ast.unparse(ast.fix_missing_locations(function)),
        arguments=tuple(given),
        values=binding.values,
        params=binding.params,
        needs=binding.needs,
    )


def _body(op: Callable[..., Any], asynchronous: bool) -> list[ast.stmt]:
    """The statements of an op; of a lambda that gives an awaitable, awaited."""
    node = _node(op)
    if not isinstance(node, ast.Lambda):
        return node.body
    value = ast.Await(node.body) if asynchronous else node.body
    return [ast.Return(value)]


def _node(op: Callable[..., Any]) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda:
    """Where an op is written: the one function that begins in its first line."""
    code = op.__code__
    tree = ast.parse(inspect.getsource(sys.modules[op.__module__]))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            and node.lineno == code.co_firstlineno
            and getattr(node, "name", "<lambda>") == code.co_name
        ):
            return node
    raise ValueError(f"the source of {op.__qualname__} cannot be found")
