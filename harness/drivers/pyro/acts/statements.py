"""Statements, batches, pipelines and blocks of pyro-postgres."""

from __future__ import annotations

from typing import Any

from pyro_postgres.sync import Conn

Rows = list[tuple[Any, ...]]


def execute(connection: Conn, sql: str) -> None:
    """`connection.exec_drop`."""
    connection.exec_drop(sql)


def fetch(connection: Conn, sql: str) -> Rows:
    """`connection.exec`."""
    return list(connection.exec(sql))


def fetch_val(connection: Conn, sql: str) -> Any:
    """`connection.exec_first`."""
    row = connection.exec_first(sql)
    return row[0] if row else None


def fetch_times(connection: Conn, sql: str, times: int) -> Rows:
    """`connection.exec`, again and again."""
    rows: Rows = []
    for _ in range(times):
        rows = list(connection.exec(sql))
    return rows


def row_count(connection: Conn, sql: str) -> int:
    """What `connection.exec_drop` returns."""
    return connection.exec_drop(sql)


def execute_script(connection: Conn, sql: str) -> None:
    """`connection.query_drop`: the simple protocol."""
    connection.query_drop(sql)


def style_positional(connection: Conn, first: Any, second: Any) -> Rows:
    """`$1`, `$2` and a list."""
    return list(connection.exec("select $1::int, $2::int", [first, second]))


def style_numeric(connection: Conn, first: Any, second: Any) -> Rows:
    """`$n` in any order, as often as one likes."""
    rows = connection.exec("select $2::int, $1::int, $2::int", (first, second))
    return list(rows)


def style_tuple(connection: Conn, first: Any, second: Any) -> Rows:
    """A tuple of parameters."""
    return list(connection.exec("select $1::int, $2::int", (first, second)))


def literal_percent(connection: Conn, value: Any) -> Rows:
    """A `%` is nothing special."""
    rows = connection.exec("select 5 % 3, 'bar' like '%a%', $1", (value,))
    return list(rows)


def insert_many(connection: Conn, rows: list[tuple[int, str]]) -> None:
    """`connection.exec_batch`."""
    connection.exec_batch("insert into items (id, name) values ($1, $2)", rows)


def prepare(connection: Conn, sql: str) -> Any:
    """`connection.prepare`; its connection runs it."""
    return connection, connection.prepare(sql)


def run_prepared(statement: Any) -> Rows:
    """`connection.exec` of a prepared statement."""
    connection, prepared = statement
    return list(connection.exec(prepared))


def pipeline(connection: Any, statements: list[str]) -> list[Rows]:
    """`connection.pipeline`, and a ticket for each statement."""
    with connection.pipeline() as pipeline:
        tickets = [pipeline.exec(sql) for sql in statements]
        pipeline.sync()
        return [list(pipeline.claim_collect(ticket)) for ticket in tickets]


def pipeline_outcomes(connection: Conn, statements: list[str]) -> list[Any]:
    """The same; a ticket that is claimed raises what its statement raised."""
    outcomes: list[Any] = []
    with connection.pipeline() as pipeline:
        tickets = [pipeline.exec(sql) for sql in statements]
        pipeline.sync()
        for ticket in tickets:
            try:
                outcomes.append(list(pipeline.claim_collect(ticket)))
            except Exception as error:
                outcomes.append(error)
    return outcomes


def block(connection: Conn, statements: list[str], fails: bool = False) -> None:
    """`with connection.tx()`."""
    with connection.tx():
        for sql in statements:
            connection.exec_drop(sql)
        if fails:
            raise ValueError("the block fails")


def cursor_count(connection: Conn, sql: str, itersize: int) -> int:
    """`connection.exec_iter`, whose callback fetches from a portal."""

    def count(portal: Any) -> int:
        total, more = 0, True
        while more:
            rows, more = portal.fetch(itersize)
            total += len(rows)
        return total

    return connection.exec_iter(sql, (), count)
