"""From a task's texts to the Python objects of a `Call`. Standard library only.

The server wrote every input; here it becomes what a user's program would hold. The
same texts make the same objects in every worker, whatever its driver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from harness import values
from harness.core.calls import Call, Statement
from harness.core.errors import Unsupported
from harness.core.tables import PgType, Table
from harness.core.tasks import Task

Wrapper = Callable[[str, Any], Any]
Form = Callable[[Any], Any]

# A form that is given once for all columns means the types that have several forms.
_FORMABLE = frozenset({"json", "jsonb", "vector", "halfvec", "sparsevec"})


def _formable(pg_type: PgType) -> bool:
    return pg_type.name in _FORMABLE or pg_type.kind == "range"


def bind_call(task: Task, wrapper: Wrapper | None, offset: int) -> Call:
    """What a session binds its op to.

    Args:
        task: the cell, with inputs as the server wrote them.
        wrapper: the session's own, where the library has wrapper types.
        offset: where this client starts in the cycle of parameters.

    Raises:
        Unsupported: the task asks for a wrapper that the library does not have.
    """
    column_types = task.rows.types if task.rows else ()
    as_bytes = task.source == "bytes"
    return Call(
        op=task.op,
        sql=task.sql,
        params=_own(_params(task, wrapper), offset)
        if task.apart
        else _params(task, wrapper),
        statements=_statements(task, wrapper, offset),
        table=task.table,
        columns=task.columns,
        types=tuple(column_type.name for column_type in column_types),
        rows=() if as_bytes else _rows(task, wrapper),
        data=task.data,
        format=task.format,
        offset=offset,
        adk=task.adk,
        names=task.params.columns if task.adk and task.params else (),
    )


def _own(rows: Sequence[tuple[Any, ...]], client: int) -> tuple[tuple[Any, ...], ...]:
    """The only parameters of a client that stays apart from the others."""
    return (rows[client % len(rows)],)


def _params(task: Task, wrapper: Wrapper | None) -> tuple[tuple[Any, ...], ...]:
    if task.args:
        return (_made(task.args),)
    return _objects(task.params, task.forms, wrapper)


def _rows(task: Task, wrapper: Wrapper | None) -> tuple[tuple[Any, ...], ...]:
    if task.args_rows:
        return tuple(map(_made, task.args_rows))
    return _objects(task.rows, task.forms, wrapper)


def _made(specs: Iterable[Mapping[str, Any]]) -> tuple[Any, ...]:
    try:
        return tuple(map(values.construct, specs))
    except ImportError as error:
        raise Unsupported(f"an argument cannot be made here: {error}") from error


def _statements(task: Task, wrapper: Wrapper | None, offset: int) -> tuple[Statement, ...]:
    if task.takes:
        (own,) = _own(_params(task, wrapper), offset)
        return tuple(
            Statement(sql, tuple(own[number] for number in numbers))
            for (sql, _), numbers in zip(task.statements, task.takes, strict=True)
        )
    made = []
    for sql, table in task.statements:
        rows = _objects(table, task.forms, wrapper)
        made.append(Statement(sql, rows[0] if rows else ()))
    return tuple(made)


def _objects(
    table: Table | None, forms: tuple[str, ...], wrapper: Wrapper | None
) -> tuple[tuple[Any, ...], ...]:
    if table is None:
        return ()
    columns = [
        _column(table, index, _form_of(index, pg_type, forms), wrapper)
        for index, pg_type in enumerate(table.types)
    ]
    return tuple(zip(*columns, strict=True))


def _column(table: Table, index: int, form: str, wrapper: Wrapper | None) -> list[Any]:
    pg_type = table.types[index]
    texts = [row[index] for row in table.rows]
    if form == "text":
        return list(texts)
    objects = [None if text is None else values.parse(pg_type, text) for text in texts]
    if form == "wrapper":
        # By the text: JSON's null is None too, and a wrapper can hold it.
        return [
            None if text is None else _wrapped(pg_type, value, wrapper)
            for text, value in zip(texts, objects, strict=True)
        ]
    return objects


def _wrapped(pg_type: PgType, value: Any, wrapper: Wrapper | None) -> Any:
    if wrapper is None:
        raise Unsupported("the library has no wrapper types")
    return wrapper(pg_type.name, value)


def _form_of(index: int, pg_type: PgType, forms: tuple[str, ...]) -> str:
    if len(forms) == 1:
        return forms[0] if _formable(pg_type) else ""
    return forms[index] if index < len(forms) else ""
