"""What a strategy of `bulk_insert` sends: the statement that it makes, its parameters."""

from __future__ import annotations

from harness.core.cells import Cell
from harness.core.errors import OracleError
from harness.core.sql import array_literal, quote
from harness.core.tables import PgType, Table

# A statement can carry at most this many parameters: the protocol counts in 16 bits.
MAX_PARAMETERS = 65_535


def insert_sql(cell: Cell) -> str:
    """A single-row insert into the cell's table."""
    places = ", ".join(f"${n}" for n in range(1, len(cell.columns) + 1))
    return f"insert into {cell.table} ({', '.join(cell.columns)}) values ({places})"


def statement_of(cell: Cell, rows: Table | None) -> str:
    """The statement of the op; a strategy of bulk_insert makes its own."""
    if not cell.strategy or rows is None:
        return cell.sql
    if cell.strategy == "values":
        return _values_sql(cell, len(rows.rows))
    if cell.strategy == "unnest":
        return _unnest_sql(cell, rows)
    return insert_sql(cell)


def _values_sql(cell: Cell, count: int) -> str:
    width = len(cell.columns)
    if count * width > MAX_PARAMETERS:
        raise OracleError(
            f"{count} rows × {width} columns are more than {MAX_PARAMETERS} parameters"
        )
    groups = (
        "(" + ", ".join(f"${row * width + col + 1}" for col in range(width)) + ")"
        for row in range(count)
    )
    return (
        f"insert into {cell.table} ({', '.join(cell.columns)}) values {', '.join(groups)}"
    )


def _unnest_sql(cell: Cell, rows: Table) -> str:
    arrays = ", ".join(f"${n}::{quote(of.name)}[]" for n, of in enumerate(rows.types, 1))
    columns = ", ".join(cell.columns)
    return f"insert into {cell.table} ({columns}) select * from unnest({arrays})"


def parameters_of(cell: Cell, params: Table | None, rows: Table | None) -> Table | None:
    """The parameters of the op: all rows as one call's, or each column as an array."""
    if rows is None or cell.strategy not in ("values", "unnest"):
        return params
    if cell.strategy == "values":
        flat = tuple(value for row in rows.rows for value in row)
        return Table(rows.columns * len(rows.rows), rows.types * len(rows.rows), (flat,))
    return _as_arrays(rows)


def _as_arrays(rows: Table) -> Table:
    """Each column as one array: the parameters of unnest."""
    types = tuple(PgType(f"_{of.name}", "array", of) for of in rows.types)
    columns = zip(*rows.rows, strict=True)
    return Table(rows.columns, types, (tuple(map(array_literal, columns)),))
