"""A library's wrapper types as data: a class, and what it is called with.

Said once, so that an op binds by it and a reproduction prints it. Standard library only,
because workers import this.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.errors import Unsupported

RANGE = ("lower", "upper", "bounds", "empty=isempty")
"""The arguments of most libraries' ranges, as `Wrapper.arguments` has them."""


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A class of a library, `psycopg.types.json:Jsonb`, and the arguments of its call.

    Without `arguments` it takes the value itself. Otherwise each names an attribute of the
    value, as `lower` of a range, or says `keyword=attribute`.
    """

    place: str
    arguments: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the class."""
        return self.place.partition(":")[2]

    @property
    def statement(self) -> str:
        """The import of the class."""
        module, _, name = self.place.partition(":")
        return f"from {module} import {name}"

    @property
    def installed(self) -> bool:
        """Whether its package is there: pgvector's may not be."""
        return (
            importlib.util.find_spec(self.place.partition(".")[0].partition(":")[0])
            is not None
        )

    def given(self, value: Any) -> tuple[list[Any], dict[str, Any]]:
        """The arguments for a value, by position and by name."""
        if not self.arguments:
            return [value], {}
        pairs = [argument.rpartition("=") for argument in self.arguments]
        return (
            [getattr(value, name) for key, _, name in pairs if not key],
            {key: getattr(value, name) for key, _, name in pairs if key},
        )

    def wrap(self, value: Any) -> Any:
        """The value as an object of the class."""
        module, _, name = self.place.partition(":")
        args, keywords = self.given(value)
        return getattr(importlib.import_module(module), name)(*args, **keywords)


def wrapped(library: str, wrappers: Mapping[str, Wrapper], kind: str, value: Any) -> Any:
    """A value in its library's wrapper for a kind: `jsonb`, `vector`, `int4range`, ….

    Raises:
        Unsupported: the library has none, or its package is not installed.
    """
    wrapper = wrappers.get(kind)
    if wrapper is None or not wrapper.installed:
        raise Unsupported(f"{library} has no wrapper for '{kind}' here")
    return wrapper.wrap(value)
