"""An Arrow table × the server's answer → a verdict. Pure, and without Arrow itself.

What is asked of a table is what `pyarrow.Table` has: `schema`, fields with `name` and
`type`, and `columns` with `to_pylist`. Its values are judged as those of rows are. Their
Python types are not, because Arrow makes these up when somebody looks: the types of the
columns are judged in their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.core.tables import PgType, Table
from harness.core.verdicts import EXACT, Code, Judgement, Verdict
from harness.judge import verify
from harness.judge.shown import shorten
from harness.values.arrow import plain_arrow, usual_arrow

Schema = list[tuple[str, str]]
"""The name and the Arrow type of each column."""


def judge_arrow(table: Table, native: Any, accept: tuple[str, ...] = ()) -> Judgement:
    """Columns, then values, then types; without rows there are columns and types only.

    `accept` lists Arrow types, as Arrow names them, that a case allows.
    """
    schema = schema_of(native)
    names = [name for name, _ in schema]
    if names != list(table.columns):
        return _other_columns(table, names)
    judged = verify.judge_rows(table, rows_of(native))
    if judged.verdict not in (Verdict.EXACT, Verdict.DIFFERS):
        return judged
    return verify.worst(
        _judge_type(name, found, pg_type, accept)
        for (name, found), pg_type in zip(schema, table.types, strict=True)
    )


def schema_of(native: Any) -> Schema:
    """What a table says of its columns."""
    return [(field.name, str(field.type)) for field in native.schema]


def rows_of(native: Any) -> list[tuple[Any, ...]]:
    """The rows of a table as tuples of Python objects."""
    if not native.columns:
        return [()] * native.num_rows
    return list(zip(*map(_values, native.columns), strict=True))


def _values(column: Any) -> Sequence[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except (OverflowError, ValueError):  # Python has no such date: what is stored, then
        values = [_stored(scalar) for scalar in column]
    return values


def _stored(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (OverflowError, ValueError) as error:
        return getattr(scalar, "value", f"unreadable: {error}")


def _other_columns(table: Table, names: list[str]) -> Judgement:
    found, wanted = _listed(names), _listed(table.columns)
    detail = shorten(f"the Arrow table has the columns {found} instead of {wanted}")
    facts = {"names": names, "expected_names": list(table.columns)}
    told = (detail, shorten(found), shorten(wanted))
    return Judgement(Verdict.LOSSY, Code.WRONG_COLUMNS, *told, facts)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _judge_type(
    name: str, found: str, pg_type: PgType, accept: tuple[str, ...]
) -> Judgement:
    usual = usual_arrow(pg_type)
    if not usual or plain_arrow(found) in usual or found in accept:
        return EXACT
    wanted = " or ".join(usual)
    detail = shorten(f"column {name}: {found} instead of {wanted}")
    facts = {
        "column": name,
        "type": found,
        "expected_type": pg_type.name,
        "usual_types": list(usual),
    }
    told = (detail, shorten(found), wanted)
    return Judgement(Verdict.DIFFERS, Code.WRONG_ARROW_TYPE, *told, facts)
