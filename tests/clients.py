"""Every driver as one client: tests read the same for sync and async."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import psycopg
import pytest
from helpers import no_wheel

from harness.core.calls import Call, ErrorFields, Op, Statement, Target
from harness.plugin import contract as drivers

ARMS = [
    "psycopg",
    "psycopg+binary",
    "psycopg-async",
    "psycopg-async+binary+uvloop",
    "psycopg2",
    "asyncpg",
    "asyncpg+noprepare",
    "asyncpg+uvloop",
    "psqlpy",
    "psqlpy+uvloop",
]

MADE_OF_OTHERS = frozenset({Op.STEPS, Op.MIX})
"""Ops that no driver has a method for."""

SESSION_OPS = frozenset(Op) - MADE_OF_OTHERS - {Op.CONNECT, Op.CONNECT_QUERY, Op.CHECKOUT}
POOL_OPS = {
    Op.CHECKOUT,
    Op.EXECUTE,
    Op.FETCH_ALL,
    Op.FETCH_ONE,
    Op.FETCH_VAL,
    Op.SEQUENTIAL,
    Op.TRANSACTION,
}

NO_METHOD = {
    "psycopg": {Op.BATCH_HELPER},
    "psycopg-async": {Op.BATCH_HELPER},
    "psycopg2": {Op.PIPELINE},
    "asyncpg": {Op.BATCH_HELPER, Op.PIPELINE},
    "psqlpy": {Op.BATCH_HELPER, Op.COPY_OUT},
}

# (source, format) → the drivers that cannot
NO_COPY_IN = {
    ("rows", "text"): {"psycopg2", "asyncpg", "psqlpy"},
    ("rows", "csv"): {"psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy"},
    ("rows", "binary"): {"psycopg2"},
    ("bytes", "text"): {"psqlpy"},
    ("bytes", "csv"): {"psqlpy"},
    ("bytes", "binary"): set(),
}

ROWS = ((1, "one"), (2, "two"), (3, "three"))
STATEMENTS = (
    Statement("insert into items values ($1, $2)", (1, "one")),
    Statement("select name, id from items where id = $1", (1,)),
    Statement("insert into items values (2, 'two') returning id"),
    Statement("update items set name = 'zwei' where id = 2"),
    Statement("select count(*) from items"),
)

needs_server = pytest.mark.skipif(bool(no_wheel()), reason=no_wheel())
every_driver = pytest.mark.parametrize("client", ARMS, indirect=True)


class Client:
    """A driver with its loop: tests read the same for sync and async."""

    def __init__(self, spec: str, profile: Any = "configured") -> None:
        self.arm = drivers.parse_arm(spec, profile)
        self.driver: Any = drivers.load(self.arm)
        self.loop = self.driver.run_loop() if self.driver.kind == "async" else None
        self.opened: list[Any] = []

    def wait(self, value: Any) -> Any:
        return self.loop.run_until_complete(value) if self.loop else value

    def open(self, target: Target) -> Any:
        return self._keep(self.wait(self.driver.open(target, self.arm.profile)))

    def open_pool(self, target: Target, size: int) -> Any:
        return self._keep(self.wait(self.driver.open_pool(target, self.arm.profile, size)))

    def _keep(self, session: Any) -> Any:
        self.opened.append(session)
        return session

    def bind(self, session: Any, op: str, **fields: Any) -> Any:
        return getattr(session, op)(Call(Op(op), **fields))

    def run(self, session: Any, op: str, **fields: Any) -> Any:
        return self.wait(self.bind(session, op, **fields)())

    def error(self, session: Any, op: str, **fields: Any) -> ErrorFields:
        bound = self.bind(session, op, **fields)
        try:
            self.wait(bound())
        except BaseException as error:
            return self.driver.describe_error(error)
        raise AssertionError("no error came")

    def close(self) -> None:
        for session in self.opened:
            self.wait(session.close())
        if self.loop:
            self.loop.close()


def connect(target: Target, **changes: Any) -> psycopg.Connection[Any]:
    target = dataclasses.replace(target, **changes)
    return psycopg.connect(
        host=target.host,
        port=target.port,
        user=target.user,
        password=target.password,
        dbname=target.dbname,
        application_name=target.application_name,
        autocommit=True,
    )


def sessions_of(control, name, wanted):
    """How many sessions the server has; it may take a moment to see one end."""
    query = "select count(*) from pg_stat_activity where application_name = %s"
    deadline = time.monotonic() + 60
    while True:
        (count,) = control.execute(query, [name]).fetchone()
        if count == wanted or time.monotonic() > deadline:
            return count
        time.sleep(0.02)


def skip_without(client: Client, op: Op) -> None:
    if op in NO_METHOD[client.arm.driver]:
        pytest.skip(f"{client.arm.driver} has no {op}")
