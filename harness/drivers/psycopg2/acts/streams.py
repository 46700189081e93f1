"""Much data with psycopg2: server-side cursors, COPY, large objects."""

from __future__ import annotations

import contextlib
import io
import uuid
from pathlib import Path
from typing import Any

from psycopg2 import sql as composed


def cursor_count(connection: Any, sql: str, itersize: int) -> int:
    """A named cursor with `itersize`, inside the transaction that is open."""
    with connection.cursor("rows") as cursor:
        cursor.itersize = itersize
        cursor.execute(sql)
        return sum(1 for _ in cursor)


def cursor_open(
    connection: Any, sql: str, *, scrollable: bool = False, hold: bool = False
) -> Any:
    """A named cursor."""
    name = f"cursor {uuid.uuid4()}"
    cursor = connection.cursor(name, scrollable=scrollable, withhold=hold)
    cursor.execute(sql)
    return cursor


def cursor_fetch(cursor: Any, count: int) -> list[tuple[Any, ...]]:
    """`cursor.fetchmany`."""
    return list(cursor.fetchmany(count))


def cursor_scroll(cursor: Any, offset: int, absolute: bool = False) -> None:
    """`cursor.scroll`."""
    cursor.scroll(offset, mode="absolute" if absolute else "relative")


def cursor_close(cursor: Any) -> None:
    """`cursor.close`."""
    cursor.close()


def copy_in_text(connection: Any, table: str, data: str) -> None:
    """`cursor.copy_from`."""
    with connection.cursor() as cursor:
        cursor.copy_from(io.StringIO(data), table)


def copy_in_file(connection: Any, table: str, path: str) -> None:
    """`cursor.copy_expert` from a file."""
    query = composed.SQL("copy {} from stdin").format(composed.Identifier(table))
    with connection.cursor() as cursor, Path(path).open("rb") as file:
        cursor.copy_expert(query, file)


def copy_out_file(connection: Any, table: str, path: str) -> None:
    """`cursor.copy_expert` into a file."""
    query = composed.SQL("copy {} to stdout").format(composed.Identifier(table))
    with connection.cursor() as cursor, Path(path).open("wb") as file:
        cursor.copy_expert(query, file)


def copy_abandoned(connection: Any, table: str) -> None:
    """`cursor.copy_from` of a file that breaks."""
    with connection.cursor() as cursor:
        cursor.copy_from(_Broken(), table)


class _Broken:
    """A file that breaks after its first block."""

    begun = False

    def read(self, size: int) -> str:
        if self.begun:
            raise ValueError("in the middle")
        self.begun = True
        return "1\tone\n2\ttwo\n"

    readline = read


def copy_out_abandoned(connection: Any, sql: str) -> int:
    """`cursor.copy_expert` into a file that takes one block and no more."""
    file = _Full()
    query = composed.SQL("copy ({}) to stdout").format(composed.SQL(sql))
    with connection.cursor() as cursor, contextlib.suppress(BufferError):
        cursor.copy_expert(query, file)
    return file.size


class _Full:
    """A file with room for one block."""

    size = 0

    def write(self, data: str) -> None:
        if self.size:
            raise BufferError("one block is enough")
        self.size = len(data)


def lo_open(connection: Any, oid: int, mode: str) -> Any:
    """`connection.lobject`; `b` is for bytes."""
    return connection.lobject(oid, f"{mode}b")


def lo_oid(lob: Any) -> int:
    """`lobject.oid`."""
    return int(lob.oid)


def lo_write(lob: Any, data: bytes) -> int:
    """`lobject.write`."""
    return int(lob.write(data))


def lo_read(lob: Any, size: int = -1) -> bytes:
    """`lobject.read`."""
    return bytes(lob.read(size))


def lo_seek(lob: Any, offset: int, whence: int = 0) -> int:
    """`lobject.seek`."""
    return int(lob.seek(offset, whence))


def lo_tell(lob: Any) -> int:
    """`lobject.tell`."""
    return int(lob.tell())


def lo_truncate(lob: Any, size: int) -> None:
    """`lobject.truncate`."""
    lob.truncate(size)


def lo_export(lob: Any, path: str) -> None:
    """`lobject.export`."""
    lob.export(path)


def lo_import(connection: Any, path: str) -> int:
    """`connection.lobject` with `new_file`."""
    return int(connection.lobject(0, "n", 0, path).oid)


def lo_unlink(lob: Any) -> None:
    """`lobject.unlink`, which closes it."""
    lob.unlink()


def lo_close(lob: Any) -> None:
    """`lobject.close`."""
    lob.close()
