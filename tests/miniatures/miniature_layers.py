"""A layer on psycopg that turns rows into dicts, and the reference that shows its cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.core.arms import Arm
from harness.plugin import Call, ErrorFields, Kind, Profile, Target, Terms, contract
from harness.plugin.isolated import isolated
from harness.plugin.replay import Connection

LOOPS = 2_000
"""Turns of an empty loop per op, so that the layer costs much beside its noise."""


class Session:
    """A psycopg connection, rows as dicts."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.connection = session.connection

    def rows(self, native: Any) -> Any:
        return [tuple(row.values()) for row in native]

    def fetch_all(self, call: Call) -> Any:
        query = call.sql.replace("$1", "%s")
        params = call.cycle()

        def op() -> Any:
            for _ in range(LOOPS):
                pass
            cursor = self.connection.cursor()
            cursor.execute(query, next(params))
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        return op

    def execute(self, call: Call) -> Any:
        params = call.cycle()
        query = call.sql.replace("$1", "%s")

        def op() -> None:
            self.connection.cursor().execute(query, next(params))

        return op

    def close(self) -> None:
        self.session.close()


class DictPsycopg:
    """The layer."""

    name = "dict-psycopg"
    wraps = "psycopg"
    kind: Kind = "sync"
    options: Mapping[str, str] = {}
    capabilities = frozenset[Any]()

    def __init__(self, options: frozenset[str]) -> None:
        self.below = contract.load(Arm("psycopg"))

    def terms(self) -> Terms:
        return Terms(
            "dicts", "1.0", "Python", "", "", "", "dict", "%s", "", "set", "", "none"
        )

    def describe_error(self, error: BaseException) -> ErrorFields:
        return self.below.describe_error(error)

    def open(self, target: Target, profile: Profile) -> Session:
        return Session(self.below.open(target, profile))


def _put_under(session: Session) -> None:
    session.connection = Connection(session.connection)


DictAlone = isolated(DictPsycopg, _put_under)


class Garrulous(DictPsycopg):
    """A layer whose reference asks the server each time."""

    name = "garrulous-psycopg"


GarrulousAlone = isolated(Garrulous, lambda session: None)


class Absent(DictPsycopg):
    """A layer whose library moved its API."""

    name = "moved-psycopg"

    def terms(self) -> Terms:
        raise AttributeError("module 'dicts' has no attribute 'connect'")
