"""What a cell asks, as a short text: equal where the work is equal.

Hashed is canonical JSON: each field by its name, and only those that are not at their
default. So a field that is added later, with a default, changes no digest. `VERSION`
stands in front; it counts up when equal work would get another digest, as when a field is
renamed, and digests of two versions cannot be compared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any

VERSION = 2

_AS_IT_IS = (str, int, bool, type(None))


def digest(value: Any, leave_out: Mapping[str, Collection[str]]) -> str:
    """`2:0123456789abcdef` of a dataclass; `leave_out` has the fields, by the name of
    their class, that are no part of the work."""
    document = json.dumps(
        _canonical(value, leave_out), sort_keys=True, separators=(",", ":")
    )
    return f"{VERSION}:{hashlib.sha256(document.encode()).hexdigest()[:16]}"


def version_of(digest: str) -> str:
    """The version of a digest; empty for one without."""
    version, colon, _ = digest.partition(":")
    return version if colon else ""


def _canonical(value: Any, leave_out: Mapping[str, Collection[str]]) -> Any:
    """The same for JSON; what JSON cannot say, by its type and its repr."""
    if type(value) in _AS_IT_IS:
        return value
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, list | tuple):
        return [_canonical(item, leave_out) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _canonical(item, leave_out) for name, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        out = leave_out.get(type(value).__name__, ())
        return {
            name: _canonical(item, leave_out)
            for name, default in _fields(type(value))
            if name not in out and (item := getattr(value, name)) != default
        }
    return {"py": type(value).__name__, "repr": repr(value)}


@cache
def _fields(kind: type) -> tuple[tuple[str, Any], ...]:
    """The fields of a dataclass, each with its default; `MISSING` equals nothing."""
    return tuple(
        (
            field.name,
            field.default if field.default_factory is MISSING else field.default_factory(),
        )
        for field in fields(kind)
    )
