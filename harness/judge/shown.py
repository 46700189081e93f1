"""How a value stands in a record: for people as a short text, for programs as facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harness.core.tables import PgType
from harness.core.verdicts import Facts
from harness.judge.recorded import bare, settled
from harness.values import describe_type

_SHORT = 200
_NOT_JSON = object()
_LARGEST_INT = 2**63
_LONGEST_VALUE = 1_000


def shorten(text: str) -> str:
    """At most 200 characters, the end replaced by an ellipsis."""
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def show(value: Any) -> str:
    """A value with its Python type, short enough for a record."""
    return shorten(": ".join(_described(value)))


def show_text(pg_type: PgType, text: str | None) -> str:
    """What the server has, with its type there."""
    return shorten(": ".join(_described_text(pg_type, text)))


def seen(value: Any) -> Facts:
    """What came: its `type`, its `repr`, and itself as `value` where JSON can say it."""
    kind, whole = _described(value)
    facts: Facts = {"type": kind, "repr": _fitting(kind, whole)}
    plain = _plain(value) if len(whole) <= _LONGEST_VALUE else _NOT_JSON
    return facts if plain is _NOT_JSON else {**facts, "value": plain}


def wanted(value: Any) -> Facts:
    """What a case wants to come: a Python value."""
    return _wanted(*_described(value))


def wanted_text(pg_type: PgType, text: str | None) -> Facts:
    """What the server has: its type there, and its text quoted, or NULL."""
    return _wanted(*_described_text(pg_type, text))


def _wanted(kind: str, whole: str) -> Facts:
    return {"expected_type": kind, "expected_repr": _fitting(kind, whole)}


def _described(value: Any) -> tuple[str, str]:
    try:
        # A slice first: the repr of a 50 MB string would be as long.
        sliced = value[:_SHORT] if isinstance(value, (str, bytes, list)) else value
        shown = bytes(value[:_SHORT]) if isinstance(value, memoryview) else bare(sliced)
        return describe_type(value), settled(repr(shown))
    except Exception as error:
        return type(value).__name__, f"unreadable, {type(error).__name__}"


def _described_text(pg_type: PgType, text: str | None) -> tuple[str, str]:
    return pg_type.name, "NULL" if text is None else repr(text[:_SHORT])


def _fitting(kind: str, whole: str) -> str:
    """As much of a repr as stands behind its type in a record's text."""
    return shorten(f"{kind}: {whole}")[len(kind) + 2 :]


def _plain(value: Any) -> Any:
    """The same for JSON, or a mark that JSON cannot say it without a change."""
    if value is None or type(value) is bool:
        return value
    if type(value) is int:
        return value if abs(value) < _LARGEST_INT else _NOT_JSON
    if type(value) is str:
        short = len(value) <= _LONGEST_VALUE and value.isprintable()
        return value if short else _NOT_JSON
    if type(value) is list:
        return _all_plain(value) if len(value) <= _SHORT else _NOT_JSON
    if type(value) is dict and all(type(name) is str for name in value):
        plain = _all_plain(value.values())
        return plain if plain is _NOT_JSON else dict(zip(value, plain, strict=True))
    return _NOT_JSON


def _all_plain(values: Iterable[Any]) -> Any:
    plain = [_plain(value) for value in values]
    return _NOT_JSON if any(value is _NOT_JSON for value in plain) else plain
