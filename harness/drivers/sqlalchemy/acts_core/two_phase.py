"""Acts of SQLAlchemy Core: two-phase commit, which only its sync API has."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection


def tpc_begin(connection: Connection, gid: str) -> None:
    """`connection.begin_twophase`, out of AUTOCOMMIT."""
    connection.commit()
    connection.execution_options(isolation_level="READ COMMITTED")
    connection.begin_twophase(gid)


def tpc_prepare(connection: Connection) -> None:
    """`prepare` of the connection's transaction."""
    transaction: Any = connection.get_transaction()
    transaction.prepare()


def tpc_commit(connection: Connection, gid: str = "") -> None:
    """`connection.commit`; `commit_prepared` for one of another connection."""
    if gid:
        connection.commit_prepared(gid, recover=True)
    else:
        connection.commit()


def tpc_rollback(connection: Connection, gid: str = "") -> None:
    """`connection.rollback`; `rollback_prepared` for one of another connection."""
    if gid:
        connection.rollback_prepared(gid, recover=True)
    else:
        connection.rollback()


def tpc_recover(connection: Connection) -> list[str]:
    """`connection.recover_twophase`."""
    return connection.recover_twophase()
