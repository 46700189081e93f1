"""`log FILE`: statements in PostgreSQL's log, in any of its three formats.

They are there with `log_statement` or `log_min_duration_statement`. A log may be larger
than memory: it is read line by line, and only counted forms are kept. The parameters in it
are private, so they are not read.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from harness.core.errors import UsageError
from harness.workload.observed import TEXT_CHARS, Observations, StatementTally

_FIRST = 65_536
_LINE_BYTES = 1_000_000
"""A longer line is cut: what is longer is no statement to repeat."""
_CSV_DATABASE, _CSV_SEVERITY, _CSV_MESSAGE = 2, 11, 13
_ENTRY = re.compile(
    r"(?P<prefix>.*?)\b(?P<kind>LOG|DETAIL|STATEMENT|ERROR|HINT|CONTEXT|FATAL|PANIC|WARNING"
    r"|NOTICE|INFO|QUERY|LOCATION|DEBUG\d?):  (?P<message>.*)",
    re.DOTALL,
)
_AT_DATABASE = re.compile(r"[\w-]+@([\w-]+)(?=[\s:,\[\]]|$)|\bdb=([\w-]+)")
_SAID = re.compile(
    r"(?:duration: (?P<ms>[\d.]+) ms  )?"
    r"(?P<kind>statement|execute(?: fetch from)? [^:\n]*|parse [^:\n]*|bind [^:\n]*): "
    r"(?P<text>.*)",
    re.DOTALL,
)
_HINT = (
    "a log of PostgreSQL (stderr, csvlog or jsonlog) with log_statement = 'all' or "
    "log_min_duration_statement = 0 is meant, in English"
)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of a log with its continuations: of which database, and what it says."""

    database: str
    message: str


def observations(file: Path, database: str) -> Observations:
    """The statements that a log has of one database, or of all where it does not say.

    Raises:
        UsageError: it cannot be read, is no log, or has no statement.
    """
    found = Observations(f"the log {file.name}")
    tally = StatementTally(found)
    entries = others = 0
    for entry in _entries(file):
        entries += 1
        said = _SAID.match(entry.message)
        if said is None or said["kind"].startswith(("parse", "bind")):
            continue
        if entry.database not in ("", database):
            others += 1
        elif said["kind"].startswith("execute fetch"):
            found.miss("it works on a cursor")
        else:
            tally.add(said["text"].strip(), 1, float(said["ms"] or 0))
    if not (found.statements or found.unseen):
        raise _nothing(file, entries, others, database)
    if others:
        found.miss("statements of other databases", others)
    return found


def _nothing(file: Path, entries: int, others: int, database: str) -> UsageError:
    if not entries:
        return UsageError(f"{file} is no log that pgdyno can read", hint=_HINT)
    if others:
        return UsageError(
            f"{file} has {others:,} statements, none of the database '{database}'",
            hint="name another --database",
        )
    return UsageError(
        f"{file} has {entries:,} entries, none of which is a statement", hint=_HINT
    )


def _entries(file: Path) -> Iterator[LogEntry]:
    """The entries of a log, whatever its format is."""
    try:
        with file.open("rb") as stream:
            first = stream.read(_FIRST)
            if not first.strip():
                raise UsageError(f"{file} is empty", hint=_HINT)
            if b"\0" in first:
                raise UsageError(f"{file} is no text: it has bytes of value 0", hint=_HINT)
            stream.seek(0)
            yield from _format(first)(stream)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    except csv.Error as error:
        raise UsageError(f"{file} is no csvlog to its end: {error}", hint=_HINT) from None


def _format(first: bytes) -> Callable[[BinaryIO], Iterator[LogEntry]]:
    """How to read a log, by its beginning."""
    if first.lstrip().startswith(b"{"):
        return _json
    line = first.decode(errors="replace").splitlines()[0]
    fields = next(csv.reader([line]), [])
    return (
        _csv if len(fields) > _CSV_MESSAGE and fields[_CSV_SEVERITY].isupper() else _stderr
    )


def _lines(stream: BinaryIO) -> Iterator[str]:
    """Lines, none longer than memory allows; what is no UTF-8 is replaced."""
    whole = True
    while line := stream.readline(_LINE_BYTES):
        if whole:
            yield line.decode(errors="replace").rstrip("\r\n")
        whole = line.endswith(b"\n")


def _json(stream: BinaryIO) -> Iterator[LogEntry]:
    for line in _lines(stream):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("error_severity") == "LOG":
            yield LogEntry(str(entry.get("dbname") or ""), str(entry.get("message") or ""))


def _csv(stream: BinaryIO) -> Iterator[LogEntry]:
    before = csv.field_size_limit(100 * _LINE_BYTES)  # of the whole process
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
    try:
        for fields in csv.reader(text):
            if len(fields) > _CSV_MESSAGE and fields[_CSV_SEVERITY] == "LOG":
                yield LogEntry(fields[_CSV_DATABASE], fields[_CSV_MESSAGE])
    finally:
        csv.field_size_limit(before)
        text.detach()  # whoever opened the file closes it


def _stderr(stream: BinaryIO) -> Iterator[LogEntry]:
    """An entry begins with a prefix and its kind; lines that follow begin with a tab."""
    prefix, kind, message, size = "", "", list[str](), 0
    for line in _lines(stream):
        if line.startswith("\t"):
            size += len(line)
            message += [line[1:]] if size <= 2 * TEXT_CHARS else []
        elif begun := _ENTRY.match(line):
            yield from _stated(prefix, kind, message)
            prefix, kind, message = begun["prefix"], begun["kind"], [begun["message"]]
            size = len(line)
    yield from _stated(prefix, kind, message)


def _stated(prefix: str, kind: str, message: Iterable[str]) -> Iterator[LogEntry]:
    if kind == "LOG":
        at = _AT_DATABASE.search(prefix.rstrip())
        yield LogEntry((at[1] or at[2]) if at else "", "\n".join(message))
