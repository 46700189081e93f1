"""Connections that answer from memory: what a null reference puts under a layer.

A statement runs once on the driver's real connection, when it is bound and verified.
Whoever asks the same again, with the same parameters, gets the answer that was kept, so the
layer does all its work and no server is asked. What is not known here is left to the real
connection. To find an answer costs a microsecond or two, a little more where a parameter is
no plain value.

Here are PEP 249 connections, also awaited ones; `replay_native` has the others.
"""

from __future__ import annotations

import contextlib
import datetime
import pickle
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import NoneType
from typing import Any
from uuid import UUID

PLAIN = frozenset(
    {
        int, float, bool, str, bytes, NoneType, Decimal, UUID, datetime.date,
        datetime.datetime, datetime.time, datetime.timedelta,
    }
)  # fmt: skip
"""Types of parameters that are equal only if they mean the same."""


def key_of(how: str, statement: Any, params: Any) -> Hashable:
    """Equal where the same was asked: a statement with its parameters."""
    values = tuple(params.values() if isinstance(params, Mapping) else params or ())
    for value in values:
        if type(value) not in PLAIN:
            return how, statement, _frozen(values)
    return how, statement, values


def _frozen(values: tuple[Any, ...]) -> Hashable:
    """Values that cannot be looked up by themselves: lists, and a library's wrappers."""
    try:
        return pickle.dumps(values)
    except Exception:  # a library's object may refuse in any way
        return repr(values)


@dataclass(slots=True)
class Kept:
    """What a cursor had after a statement; `cursor` is the real one, for the rest."""

    cursor: Any
    description: Any
    rowcount: int
    rows: Sequence[Any]


class FromMemory:
    """A real object, but for what a subclass has itself; `tape` is what was answered."""

    _own = frozenset({"_real", "_tape", "_asked"})

    def __init__(self, real: Any, tape: dict[Hashable, Any] | None = None) -> None:
        self._real = real
        self._tape: dict[Hashable, Any] = {} if tape is None else tape
        self._asked = False  # whether the real one has something to commit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._own:
            object.__setattr__(self, name, value)
        else:
            setattr(self._real, name, value)


class _Cursor:
    """The answer to the last statement, read as a cursor is."""

    __slots__ = ("_answer", "_at", "_connection", "_make", "arraysize")

    def __init__(self, connection: Any, make: Callable[[], Any]) -> None:
        self._connection = connection
        self._make = make
        self._answer: Kept | None = None
        self._at = 0
        self.arraysize = 1

    def __getattr__(self, name: str) -> Any:
        answer = self._answer
        return getattr(answer.cursor if answer else self._make(), name)

    @property
    def connection(self) -> Any:
        """The connection that answers from memory."""
        return self._connection

    @property
    def description(self) -> Any:
        """The columns of the answer."""
        return self._answer.description if self._answer else None

    @property
    def rowcount(self) -> int:
        """As the real cursor told."""
        return self._answer.rowcount if self._answer else -1

    def _take(self, answer: Kept) -> None:
        self._answer, self._at = answer, 0

    def _rest(self, most: int | None = None) -> list[Any]:
        rows, start = self._answer.rows if self._answer else (), self._at
        end = len(rows) if most is None else min(len(rows), start + most)
        self._at = end
        return list(rows[start:end])

    def _next(self) -> Any:
        rows, at = self._answer.rows if self._answer else (), self._at
        if at >= len(rows):
            return None
        self._at = at + 1
        return rows[at]


class Cursor(_Cursor):
    """A cursor of PEP 249."""

    __slots__ = ()

    def execute(self, statement: Any, params: Any = None, **how: Any) -> Cursor:
        """Answer from memory, or ask and keep the answer."""
        key = key_of("execute", statement, params)
        answer = self._connection._tape.get(key)
        if answer is None:
            answer = self._ask(key, lambda cursor: cursor.execute(statement, params, **how))
        self._take(answer)
        return self

    def executemany(self, statement: Any, rows: Sequence[Any], **how: Any) -> None:
        """The same for many rows, which are told apart by their number."""
        key = ("executemany", statement, len(rows))
        answer = self._connection._tape.get(key)
        if answer is None:
            answer = self._ask(
                key, lambda cursor: cursor.executemany(statement, rows, **how)
            )
        self._take(answer)

    def _ask(self, key: Hashable, ask: Callable[[Any], Any]) -> Kept:
        cursor = self._make()
        ask(cursor)
        rows = cursor.fetchall() if cursor.description else ()
        answer = Kept(cursor, cursor.description, cursor.rowcount, rows)
        self._connection._tape[key] = answer
        self._connection._asked = True
        return answer

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        return self._rest()

    def fetchmany(self, size: int = 0) -> list[Any]:
        """The next rows."""
        return self._rest(size or self.arraysize)

    def fetchone(self) -> Any:
        """The next row, None after the last one."""
        return self._next()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rest())

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *error: object) -> None:
        pass


class Connection(FromMemory):
    """A connection of PEP 249, with psycopg's `execute` and `transaction`."""

    def cursor(self, *args: Any, **how: Any) -> Cursor:
        """A cursor that answers from memory."""
        return Cursor(self, lambda: self._real.cursor(*args, **how))

    def execute(self, statement: Any, params: Any = None, **how: Any) -> Cursor:
        """`cursor().execute`."""
        return self.cursor().execute(statement, params, **how)

    def commit(self) -> None:
        """Only where something was asked."""
        if self._asked:
            self._real.commit()
            self._asked = False

    def rollback(self) -> None:
        """Only where something was asked."""
        if self._asked:
            self._real.rollback()
            self._asked = False

    def transaction(self, *args: Any, **how: Any) -> Any:
        """A block that begins nothing: in autocommit, what is asked in it stands."""
        del args, how
        return contextlib.nullcontext()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *error: object) -> None:
        self.commit()


class AsyncCursor(_Cursor):
    """A cursor like PEP 249's, awaited."""

    __slots__ = ()

    async def execute(self, statement: Any, params: Any = None, **how: Any) -> AsyncCursor:
        """Answer from memory, or ask and keep the answer."""
        key = key_of("execute", statement, params)
        answer = self._connection._tape.get(key)
        if answer is None:
            answer = await self._ask(
                key, lambda cursor: cursor.execute(statement, params, **how)
            )
        self._take(answer)
        return self

    async def executemany(self, statement: Any, rows: Sequence[Any], **how: Any) -> None:
        """The same for many rows, which are told apart by their number."""
        key = ("executemany", statement, len(rows))
        answer = self._connection._tape.get(key)
        if answer is None:
            answer = await self._ask(
                key, lambda cursor: cursor.executemany(statement, rows, **how)
            )
        self._take(answer)

    async def _ask(self, key: Hashable, ask: Callable[[Any], Any]) -> Kept:
        cursor = self._make()
        await ask(cursor)
        rows = await cursor.fetchall() if cursor.description else ()
        answer = Kept(cursor, cursor.description, cursor.rowcount, rows)
        self._connection._tape[key] = answer
        self._connection._asked = True
        return answer

    async def fetchall(self) -> list[Any]:
        """The rows that are left."""
        return self._rest()

    async def fetchmany(self, size: int = 0) -> list[Any]:
        """The next rows."""
        return self._rest(size or self.arraysize)

    async def fetchone(self) -> Any:
        """The next row, None after the last one."""
        return self._next()

    async def close(self) -> None:
        """Nothing is open."""

    def _close(self) -> None:
        """The same for SQLAlchemy, which ends psycopg's cursors without waiting: the real
        one has to keep what it told."""

    async def __aenter__(self) -> AsyncCursor:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass


class AsyncConnection(FromMemory):
    """psycopg's asynchronous connection."""

    def cursor(self, *args: Any, **how: Any) -> AsyncCursor:
        """A cursor that answers from memory."""
        return AsyncCursor(self, lambda: self._real.cursor(*args, **how))

    async def execute(self, statement: Any, params: Any = None, **how: Any) -> AsyncCursor:
        """`cursor().execute`."""
        return await self.cursor().execute(statement, params, **how)

    async def commit(self) -> None:
        """Only where something was asked."""
        if self._asked:
            await self._real.commit()
            self._asked = False

    async def rollback(self) -> None:
        """Only where something was asked."""
        if self._asked:
            await self._real.rollback()
            self._asked = False

    def transaction(self, *args: Any, **how: Any) -> Any:
        """A block that begins nothing: in autocommit, what is asked in it stands."""
        del args, how
        return contextlib.nullcontext()
