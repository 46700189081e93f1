"""What a statement wants for its placeholders, against what a query gives. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.errors import UsageError
from harness.core.tables import PgType

_INTEGERS = frozenset({"int2", "int4", "int8", "oid"})
_TEXTS = frozenset({"text", "varchar", "bpchar", "name", "unknown"})
_TAKES = {
    **dict.fromkeys(_INTEGERS, _INTEGERS),
    **dict.fromkeys(_TEXTS, _TEXTS),
    "numeric": _INTEGERS | {"numeric"},
    "float4": _INTEGERS | {"float4", "float8"},
    "float8": _INTEGERS | {"float4", "float8"},
}
"""Type of a placeholder → the types whose Python objects every driver may send for it."""


def check_parameters(
    wanted: Sequence[PgType], given: Sequence[PgType], columns: Sequence[str]
) -> None:
    """Whether there is a column for each placeholder, of a type that fits.

    Raises:
        UsageError: it says which placeholder, and what to write.
    """
    if len(given) < len(wanted):
        raise UsageError(
            f"${len(given) + 1} has no value: --params gives {_columns(len(given))}, "
            f"the statement has {len(wanted)} placeholders",
            hint="the columns of --params are $1, $2, … in this order",
        )
    if len(given) > len(wanted):
        raise UsageError(
            f"--params gives {_columns(len(given))}, the statement has "
            f"{len(wanted)} placeholder{'' if len(wanted) == 1 else 's'}",
            hint="the columns of --params are $1, $2, … in this order",
        )
    for number, (kind, came) in enumerate(zip(wanted, given, strict=True), 1):
        if not fits(kind, came):
            raise UsageError(
                f"${number} is of type {shown(kind)}, and --params gives {shown(came)} "
                f"(column {columns[number - 1]})",
                hint=f"cast it in --params: ::{shown(kind)}",
            )


def fits(wanted: PgType, given: PgType) -> bool:
    """Whether a value of one type may be sent where the other is wanted."""
    wanted, given = _plain(wanted), _plain(given)
    if wanted.kind == "enum":
        return given == wanted or given.name in _TEXTS
    if wanted.kind == given.kind == "array" and wanted.element and given.element:
        return fits(wanted.element, given.element)
    return given.name == wanted.name or given.name in _TAKES.get(wanted.name, ())


def shown(kind: PgType) -> str:
    """A type as it is written in SQL: `int4[]`."""
    if kind.kind == "array" and kind.element:
        return f"{shown(kind.element)}[]"
    return kind.name


def _plain(kind: PgType) -> PgType:
    while kind.kind == "domain" and kind.element:
        kind = kind.element
    return kind


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"
