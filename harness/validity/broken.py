"""Drivers with one known defect each: what must not be given a time.

All of them are psycopg2 with something spoilt, so that everything else about them is
right and only the defect can be what is found. The folder's entry points are those of no
installed package: the drivers are found only while `trials.findable` has put `plugins/` on
the path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from harness.core.arms import Profile
from harness.core.calls import Call, Target, Terms
from harness.drivers.psycopg2 import Psycopg2, Psycopg2Session
from harness.validity.dose import Op

Rows = list[tuple[Any, ...]]


def spoilt(name: str, session: type[Psycopg2Session]) -> type[Psycopg2]:
    """A driver called `name` whose sessions are of the class `session`."""

    class Spoilt(Psycopg2):
        def open(self, target: Target, profile: Profile) -> Psycopg2Session:
            healthy = super().open(target, profile)
            return session(healthy.connection)

    Spoilt.name = name
    return Spoilt


def changed(change: Callable[[Rows], Rows]) -> type[Psycopg2Session]:
    """A session whose fetched rows go through `change`."""

    class Changed(Psycopg2Session):
        def fetch_all(self, call: Call) -> Op:
            healthy = super().fetch_all(call)
            return lambda: change(healthy())

    return Changed


def _as_bytes(rows: Rows) -> Rows:
    return [(str(first).encode(), *rest) for first, *rest in rows]


RawBytes = spoilt("raw-bytes", changed(_as_bytes))
OneShort = spoilt("one-short", changed(lambda rows: rows[:-1]))


class LazySession(Psycopg2Session):
    """Decodes rows when they are looked at, outside of the op."""

    def fetch_all(self, call: Call) -> Op:
        """Rows as text."""
        healthy = super().fetch_all(call)
        return lambda: [list(map(repr, row)) for row in healthy()]

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """The work that the op left over."""
        return [tuple(eval(text, {"__builtins__": {}}) for text in row) for row in native]


Lazy = spoilt("lazy", LazySession)


class CachedSession(Psycopg2Session):
    """Asks the server once for each parameters and repeats the answers."""

    def fetch_all(self, call: Call) -> Op:
        """Right, but from memory."""
        cycle = max(1, len(call.params))
        healthy, answers, turn = super().fetch_all(call), dict[int, Any](), 0

        def op() -> Any:
            nonlocal turn
            turn = (turn + 1) % cycle
            if turn not in answers:
                answers[turn] = healthy()
            return answers[turn]

        return op


Cached = spoilt("cached", CachedSession)


class NoCommitSession(Psycopg2Session):
    """Works in a transaction that it never commits."""

    def execute(self, call: Call) -> Op:
        """The op of a session that is not in autocommit any more."""
        self.connection.autocommit = False
        return super().execute(call)


NoCommit = spoilt("no-commit", NoCommitSession)


class ExtraBeginSession(Psycopg2Session):
    """Reads inside of a transaction, though its terms say autocommit."""

    def fetch_all(self, call: Call) -> Op:
        """A BEGIN before the first statement, and no end."""
        self.connection.autocommit = False
        return super().fetch_all(call)


ExtraBegin = spoilt("extra-begin", ExtraBeginSession)


class ExtraTransactionSession(Psycopg2Session):
    """Reads in a transaction of its own each time: three round trips instead of one."""

    def fetch_all(self, call: Call) -> Op:
        """BEGIN, the statement, COMMIT."""
        connection, healthy = self.connection, super().fetch_all(call)

        def op() -> Any:
            with connection:
                return healthy()

        return op


ExtraTransaction = spoilt("extra-transaction", ExtraTransactionSession)


class Interpolates(Psycopg2):
    """Puts parameters into the SQL, as psycopg2 does, and denies it."""

    name = "interpolates"

    def terms(self) -> Terms:
        """Those of psycopg2 with one lie."""
        return replace(super().terms(), wire_parameters="text", binds="server")
