# Made from acts_async/transactions.py by tools/psycopg_sync.py: change that, not this.
"""Acts of psycopg: transactions, of one phase and of two."""

from __future__ import annotations

from contextlib import suppress

from psycopg import Connection, IsolationLevel

_STATUS = {"INTRANS": "in transaction", "INERROR": "in error"}


def begin(
    connection: Connection,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
) -> None:
    """Autocommit off: the next statement begins, with the connection's attributes."""
    connection.autocommit = False
    level = IsolationLevel[isolation.upper()] if isolation else None
    connection.isolation_level = level
    connection.read_only = read_only
    connection.deferrable = deferrable


def commit(connection: Connection) -> None:
    """`connection.commit`."""
    connection.commit()


def rollback(connection: Connection) -> None:
    """`connection.rollback`."""
    connection.rollback()


def set_autocommit(connection: Connection, on: bool) -> None:
    """The attribute `autocommit`."""
    connection.autocommit = on


def transaction_status(connection: Connection) -> str:
    """`connection.info.transaction_status`, an enum."""
    name = connection.info.transaction_status.name
    return _STATUS.get(name, name.lower())


def block(connection: Connection, statements: list[str], fails: bool = False) -> None:
    """`with connection.transaction()`."""
    with connection.transaction():
        for statement in statements:
            connection.execute(statement)
        if fails:
            raise ValueError("the block fails")


def nested_block(connection: Connection, outer: str, inner: str, fails: bool) -> None:
    """`connection.transaction()` inside another one is a savepoint."""
    with connection.transaction():
        connection.execute(outer)
        with suppress(ValueError):
            with connection.transaction():
                connection.execute(inner)
                if fails:
                    raise ValueError("the inner block fails")


def tpc_begin(connection: Connection, gid: str) -> None:
    """`connection.tpc_begin`, which refuses in autocommit."""
    connection.autocommit = False
    connection.tpc_begin(gid)


def tpc_prepare(connection: Connection) -> None:
    """`connection.tpc_prepare`."""
    connection.tpc_prepare()


def tpc_commit(connection: Connection, gid: str = "") -> None:
    """`connection.tpc_commit`."""
    connection.tpc_commit(gid or None)


def tpc_rollback(connection: Connection, gid: str = "") -> None:
    """`connection.tpc_rollback`."""
    connection.tpc_rollback(gid or None)


def tpc_recover(connection: Connection) -> list[str]:
    """`connection.tpc_recover`; an `Xid` that psycopg did not make is the text itself."""
    return [str(transaction) for transaction in connection.tpc_recover()]
