"""Writing and reading results files: append one line at a time, lose nothing.

A line is written and flushed as it happens, so that whatever ends the process, what
was measured stays readable. Readers are told about truncation, never guess.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from harness.core.errors import ResultsError
from harness.results import lines
from harness.results.migrations import migrate
from harness.results.records import (
    SCHEMA,
    AnyRecord,
    Check,
    Footer,
    Header,
    LaneRecord,
    Note,
    Run,
    Trial,
)


class Writer:
    """An open results file. Use as a context manager; every `write` reaches the system."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trials = 0
        self.checks = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: a line is in the file or it is not, nothing waits to fail later.
            self._file = path.open("xb", buffering=0)
        except FileExistsError as error:
            raise ResultsError(
                f"{path} exists already",
                hint="results are never overwritten: name another file",
            ) from error
        except OSError as error:
            raise ResultsError(
                f"{path} cannot be written: {error.strerror}", hint="name another --out"
            ) from error

    def write(self, record: AnyRecord) -> None:
        """Append one record.

        Raises:
            ResultsError: the line did not reach the file (a full disk, say); the lines
                before it are whole.
        """
        end = self._file.tell()
        line = msgspec.json.encode(record) + b"\n"
        try:
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            os.ftruncate(self._file.fileno(), end)  # half a line would hide the rest
            self._file.seek(end)  # else what is written next follows a gap of zeros
            raise ResultsError(
                f"{self.path} cannot be written further: {error.strerror}",
                hint="what was measured before is kept; free some space and run again",
            ) from error
        self.trials += isinstance(record, Trial | LaneRecord)
        self.checks += isinstance(record, Check)

    def close(self) -> None:
        """Close the file; harmless when called twice."""
        self._file.close()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read(path: Path) -> Run:
    """Read a results file.

    Raises:
        ResultsError: not readable, not a results file, or from a newer schema. A last
            line that was cut, or a missing footer, is no error: `Run.truncated` says so.
    """
    try:
        whole = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror}") from error
    complete, rest = whole[:-1], whole[-1]
    if not complete:
        raise ResultsError(f"{path} holds no complete line", hint="it was cut at its start")
    header = _header(path, complete[0])
    version = header.schema
    records = [
        _record(path, number, line, version) for number, line in enumerate(complete[1:], 2)
    ]
    footer = next((one for one in records if isinstance(one, Footer)), None)
    truncated = ""
    if footer is None:
        truncated = "its last line was cut" if rest else "it has no footer"
    return Run(
        path=str(path),
        header=header,
        trials=[one for one in records if isinstance(one, Trial)],
        checks=[one for one in records if isinstance(one, Check)],
        notes=[one for one in records if isinstance(one, Note)],
        footer=footer,
        truncated=truncated,
        lane_records=[one for one in records if isinstance(one, LaneRecord)],
    )


def _header(path: Path, line: bytes) -> Header:
    raw = _json(path, 1, line)
    if raw.get("record") != "header" or not isinstance(raw.get("schema"), int):
        raise ResultsError(
            f"{path} is not a results file of pgdyno: its first line is no header",
            hint="a run writes one with --out FILE.jsonl",
        )
    if raw["schema"] > SCHEMA:
        raise ResultsError(
            f"{path} has schema {raw['schema']}; this pgdyno reads up to {SCHEMA}",
            hint="install a newer pgdyno",
        )
    try:
        return msgspec.convert(migrate(raw, raw["schema"]), Header)
    except msgspec.ValidationError as error:
        raise ResultsError(f"{path}, line 1: {error}") from error


def _record(path: Path, number: int, line: bytes, version: int) -> AnyRecord:
    if version == SCHEMA:
        try:
            return lines.decoder().decode(line)
        except msgspec.MsgspecError:
            pass  # the slow way below names what is wrong
    raw = migrate(_json(path, number, line), version)
    try:
        record: AnyRecord = msgspec.convert(raw, lines.union())
    except msgspec.ValidationError as error:
        hint = lines.unknown(raw)
        raise ResultsError(f"{path}, line {number}: {error}", hint=hint) from error
    return record


def _json(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ResultsError(f"{path}, line {number}: not a JSON object: {error}") from error
