"""Python values as source code that makes the same values: for scripts to copy.

Faithful or not at all: a value without a literal is an error, never an approximation.
"""

from __future__ import annotations

import datetime
import ipaddress
import math
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

_LONG = 200
_LONGEST_PATTERN = 64


class NoLiteral(ValueError):  # noqa: N818 - a statement about a value, not a failure of ours
    """No source code makes this value; the message says which type it has."""


Outside = Callable[[Any, set[str]], str | None]


def literal(value: Any, imports: set[str], outside: Outside = lambda *_: None) -> str:
    """Source code for a value; `imports` gets the import statements that it needs.

    `outside` is asked first: it may know types that are none of ours.

    Raises:
        NoLiteral: there is none for a value of this type.
    """
    if (known := outside(value, imports)) is not None:
        return known
    if isinstance(value, Enum):
        return _enum(value, imports)
    kind = type(value)
    if kind in (list, tuple, set, dict):
        return _container(value, lambda item: literal(item, imports, outside))
    if kind in (str, bytes):
        return _repeated(value)
    if kind in (type(None), bool, int):
        return repr(value)
    if kind is float:
        return repr(value) if math.isfinite(value) else f'float("{value}")'
    if kind in (bytearray, memoryview):
        return f"{kind.__name__}({_repeated(bytes(value))})"
    if kind.__module__ == "numpy" and kind.__name__ == "ndarray":
        imports.add("import numpy")
        return f"numpy.array({value.tolist()!r}, dtype=numpy.{value.dtype.name})"
    if kind.__module__ == "numpy":
        imports.add("import numpy")
        return _numpy_scalar(value, lambda item: literal(item, imports))
    if kind in _BY_REPR:
        return _by_repr(value, imports)
    raise NoLiteral(f"a {kind.__qualname__} has no literal")


_BY_REPR: dict[type, str] = {
    Decimal: "from decimal import Decimal",
    UUID: "from uuid import UUID",
    datetime.date: "import datetime",
    datetime.time: "import datetime",
    datetime.datetime: "import datetime",
    datetime.timedelta: "import datetime",
    ipaddress.IPv4Address: "from ipaddress import IPv4Address",
    ipaddress.IPv6Address: "from ipaddress import IPv6Address",
    ipaddress.IPv4Interface: "from ipaddress import IPv4Interface",
    ipaddress.IPv6Interface: "from ipaddress import IPv6Interface",
    ipaddress.IPv4Network: "from ipaddress import IPv4Network",
    ipaddress.IPv6Network: "from ipaddress import IPv6Network",
}
"""Types whose repr is source code, with what it needs."""


def _numpy_scalar(value: Any, inner: Callable[[Any], str]) -> str:
    name = type(value).__name__
    if name in ("datetime64", "timedelta64"):
        number = int(value.astype("int64"))
        return f"numpy.{name}({number}, {value.dtype.str.partition('[')[2][:-1]!r})"
    # Numpy calls its own bool so since version 2.
    return f"numpy.{'bool_' if name == 'bool' else name}({inner(value.item())})"


def _by_repr(value: Any, imports: set[str]) -> str:
    imports.add(_BY_REPR[type(value)])
    text = repr(value)
    if "zoneinfo.ZoneInfo(" in text:
        imports.add("import zoneinfo")
    return text


def _container(value: Any, inner: Callable[[Any], str]) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{inner(k)}: {inner(v)}' for k, v in value.items())}}}"
    items = ", ".join(map(inner, value))
    if isinstance(value, list):
        return f"[{items}]"
    if isinstance(value, set):
        return f"{{{items}}}" if value else "set()"
    return f"({items},)" if len(value) == 1 else f"({items})"


def _enum(value: Enum, imports: set[str]) -> str:
    imports.add("from enum import Enum")
    kind = type(value)
    mixed = ", type=str" if isinstance(value, str) else ""
    members = {member.name: member.value for member in kind}
    made = literal(members, imports)
    return f"Enum({kind.__name__!r}, {made}{mixed})[{value.name!r}]"


def _repeated(value: str | bytes) -> str:
    """A long text that repeats itself as a product: 'x' * 1000000."""
    if len(value) > _LONG:
        for size in range(1, _LONGEST_PATTERN + 1):
            times, rest = divmod(len(value), size)
            if not rest and value == value[:size] * times:
                return f"{value[:size]!r} * {times}"
    return repr(value)
