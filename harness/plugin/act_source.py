"""The source of acts, complete in itself: what a reproduction of steps begins with.

Read from the loaded functions: the imports, constants and private helpers that they
mention come along. Standard library only, because workers import this.
"""

from __future__ import annotations

import ast
import dis
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import CodeType, ModuleType
from typing import Any

_REMARK = re.compile(r" +# (?:type: ignore|noqa)[^\n]*")
"""What is said to our own tools, not to a reader."""


@dataclass(slots=True)
class Source:
    """Import lines and definitions, in the order in which they must stand."""

    imports: set[str] = field(default_factory=set)
    definitions: dict[str, str] = field(default_factory=dict)


def source_of(functions: Iterable[Callable[..., Any]]) -> Source:
    """The functions with all that they need of their modules."""
    source = Source()
    for function in functions:
        _add(function, source)
    return source


def _add(function: Any, source: Source) -> None:
    if function.__name__ in source.definitions:
        return
    source.definitions[function.__name__] = ""  # it may call itself
    for name in names_of(inspect.unwrap(function).__code__):
        if name in function.__globals__:
            mention(name, function.__globals__[name], function, source)
    text = _REMARK.sub("", textwrap.dedent(inspect.getsource(function)).strip())
    source.definitions.pop(function.__name__)  # what it needs stands before it
    source.definitions[function.__name__] = text


def mention(name: str, value: Any, function: Any, source: Source) -> None:
    """Add what a function means by a global name: an import, or a definition."""
    home = function.__module__.partition(".")[0]  # acts may stand in several modules
    if isinstance(value, ModuleType):
        whole = value.__name__
        plain = name in (whole, whole.partition(".")[0])
        source.imports.add(f"import {whole}" if plain else f"import {whole} as {name}")
        if plain:
            source.imports |= _submodules(value, function)
    elif inspect.isroutine(value) or inspect.isclass(value):
        if value.__module__.partition(".")[0] != home:
            alias = "" if name == value.__name__ else f" as {name}"
            source.imports.add(f"from {value.__module__} import {value.__name__}{alias}")
        elif inspect.isfunction(value):
            _add(value, source)
        else:
            source.definitions[name] = textwrap.dedent(inspect.getsource(value)).strip()
    else:
        text = _assignment(name, function, source)
        source.definitions[name] = text or f"{name} = {value!r}"


def _assignment(name: str, function: Any, source: Source) -> str:
    """A constant as its module writes it: it may have been filled since, as a dict is."""
    module = inspect.getsource(sys.modules[function.__module__])
    for node in ast.parse(module).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if name in (target.id for target in targets if isinstance(target, ast.Name)):
                for inner in ast.walk(node.value):
                    key = inner.id if isinstance(inner, ast.Name) else ""
                    if key in function.__globals__:
                        mention(key, function.__globals__[key], function, source)
                return ast.get_source_segment(module, node) or ""
    return ""


def _submodules(module: ModuleType, function: Any) -> set[str]:
    """`psycopg2.extras` is used through `psycopg2`, and must be imported by itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    used = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    inner = [path.removeprefix(f"{module.__name__}.") for path in used]
    return {
        f"import {module.__name__}.{name}"
        for name, path in zip(inner, used, strict=True)
        if name != path and isinstance(getattr(module, name, None), ModuleType)
    }


def names_of(code: CodeType) -> list[str]:
    """Every global name that a function mentions, those inside it included."""
    own = [
        instruction.argval
        for instruction in dis.get_instructions(code)
        if instruction.opname == "LOAD_GLOBAL"
    ]
    nested = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return [*own, *(name for inner in nested for name in names_of(inner))]
