"""COPY with pg8000's native API: `stream` is a file, or an iterable of lines."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

from pg8000.native import Connection
from pg8000.native import identifier as quoted


def copy_in_text(connection: Connection, table: str, data: str) -> None:
    """`connection.run` from a StringIO."""
    connection.run(f"copy {quoted(table)} from stdin", stream=io.StringIO(data))


def copy_in_file(connection: Connection, table: str, path: str) -> None:
    """`connection.run` from a file."""
    with Path(path).open("rb") as file:
        connection.run(f"copy {quoted(table)} from stdin", stream=file)


def copy_out_file(connection: Connection, table: str, path: str) -> None:
    """`connection.run` into a file."""
    with Path(path).open("wb") as file:
        connection.run(f"copy {quoted(table)} to stdout", stream=file)


def copy_abandoned(connection: Connection, table: str) -> None:
    """`connection.run` from a generator of lines that breaks."""
    connection.run(f"copy {quoted(table)} from stdin", stream=_broken())


def _broken() -> Iterator[str]:
    yield "1\tone\n"
    yield "2\ttwo\n"
    raise ValueError("in the middle")


def copy_out_abandoned(connection: Connection, sql: str) -> int:
    """`connection.run` into a file that takes one block and no more."""
    file = _Full()
    with contextlib.suppress(BufferError):
        connection.run(f"copy ({sql}) to stdout", stream=file)
    return file.size


class _Full:
    """A file with room for one block."""

    size = 0

    def write(self, data: bytes) -> None:
        if self.size:
            raise BufferError("one block is enough")
        self.size = len(data)
