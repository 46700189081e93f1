"""Writing and reading results files: append one line at a time, lose nothing.

A line is written and flushed as it happens, so that whatever ends the process, what
was measured stays readable. Readers are told about truncation, never guess.
"""

from __future__ import annotations

import errno
import os
import stat
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, TypeVar, cast, overload

import msgspec

from harness.core.errors import ResultsError, UsageError
from harness.core.verdicts import Judgement
from harness.results import lines as known
from harness.results import soundness
from harness.results.migrations import migrate
from harness.results.records import (
    SCHEMA,
    AnyRecord,
    Check,
    Footer,
    Header,
    LaneRecord,
    Note,
    Rounds,
    Route,
    Run,
    Slices,
    Trial,
)

R = TypeVar("R", bound=AnyRecord)
S = TypeVar("S", bound=msgspec.Struct)

LONGEST_LINE = 64 << 20
"""No record is as long; without a limit a file without line ends would fill the memory."""

# Invalid UTF-8 is a ValueError, and so is an integer of too many digits.
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


def check_new(path: Path) -> None:
    """Refuse a results file that exists, before anything is measured for it.

    Raises:
        ResultsError: it is there.
    """
    if os.path.lexists(path):
        raise _exists(path)


def _exists(path: Path) -> ResultsError:
    return ResultsError(
        f"{path} exists already",
        hint="results are never overwritten: name another file",
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
            if not os.path.lexists(path):  # what it should lie in is no folder
                raise ResultsError(
                    f"{path} cannot be written: {error.filename} is no folder",
                    hint="name another --out",
                ) from error
            raise _exists(path) from error
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
                f"{self.path} cannot be written to the end: {error.strerror}",
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


class Stored(Sequence[R]):
    """Records of a file that stay there: each is read again when it is asked for.

    A file of a gigabyte holds millions of trials, and memory holds a number or two of
    each of them. To go through all is one pass over the file.
    """

    def __init__(self, path: Path, version: int) -> None:
        self._path, self._version = path, version
        self._places, self._sizes = array("Q"), array("L")

    def append(self, place: int, size: int) -> None:
        """Remember where the next record lies."""
        self._places.append(place)
        self._sizes.append(size)

    def at(self, numbers: Iterable[int]) -> Iterator[R]:
        """The records with these numbers, in this order."""
        places = ((self._places[number], self._sizes[number]) for number in numbers)
        return again(self._path, places, self._version)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[R]:
        return self.at(range(len(self)))

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> list[R]: ...
    def __getitem__(self, index: int | slice) -> R | list[R]:
        if isinstance(index, slice):
            return list(self.at(range(*index.indices(len(self)))))
        return next(self.at([range(len(self))[index]]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self)} records of {self._path}>"


def read(path: Path) -> Run:
    """Read a results file: every line is checked, trials stay in the file.

    Raises:
        ResultsError: not readable, not a results file, or from a newer schema. A last
            line that was cut, or a missing footer, is no error: `Run.truncated` says so.
    """
    found: _Reading | None = None
    for line, record in records(path):
        if found is None:
            found = _Reading(path, cast("Header", record))
        else:
            found.take(line, record)
    assert found is not None  # a file without a header is refused
    return found.run()


def records(path: Path) -> Iterator[tuple[FileLine, AnyRecord | None]]:
    """The lines of a results file, each checked and as a record; the first is the header.
    None is what became of a last line that was cut.

    Raises:
        ResultsError: as `read`.
    """
    with _opened(path) as file:
        lines = _lines(path, file)
        header = _first(path, lines)
        yield header
        for line in lines:
            if not line.whole:
                yield line, None
                return
            yield line, _later(path, line, header[1].schema)


def header_of(path: Path) -> Header:
    """What a results file says of itself; the rest of it is not looked at.

    Raises:
        ResultsError: it is no results file, or one of a newer schema.
    """
    with _opened(path) as file:
        return _first(path, _lines(path, file))[1]


def _first(path: Path, lines: Iterator[FileLine]) -> tuple[FileLine, Header]:
    first = next(lines, FileLine(1, 0, b""))
    if not first.whole:
        hint = "it was cut at its start"
        raise ResultsError(f"{path} holds no complete line", hint=hint)
    return first, _header(path, first.text)


def _later(path: Path, line: FileLine, version: int) -> AnyRecord:
    """The record of a line below the header."""
    record = _record(path, line.number, line.text, version)
    if isinstance(record, Header):
        raise ResultsError(
            f"{path}, line {line.number}: a second header",
            hint="these are several runs in one file: name one file for each",
        )
    return record


def again(path: Path, places: Iterable[tuple[int, int]], version: int) -> Iterator[Any]:
    """Records that were read before, by where their lines begin and how long they are."""
    with _opened(path) as file:
        for place, size in places:
            file.seek(place)  # within its buffer it is no system call
            yield _again(path, file.read(size), version)


def read_each(paths: Sequence[Path]) -> list[Run]:
    """The runs of several files, in their order.

    Raises:
        ResultsError: a file cannot be read.
        UsageError: a run is named twice: by the same path, a link or a copy.
    """
    runs: dict[str, Run] = {}
    for path in paths:
        run = read(path)
        if run.header.run in runs:
            text = f"{path} holds the same run as {runs[run.header.run].path}"
            raise UsageError(text, hint="name each run once")
        runs[run.header.run] = run
    return list(runs.values())


class FileLine(NamedTuple):
    """A line of a file: its number from 1, where it begins, its bytes."""

    number: int
    place: int
    text: bytes

    @property
    def whole(self) -> bool:
        """Whether it was written to its end."""
        return self.text.endswith(b"\n")


class _Reading:
    """A results file while it is read."""

    def __init__(self, path: Path, header: Header) -> None:
        self.path, self.header = path, header
        self.trials: Stored[Trial] = Stored(path, header.schema)
        self.unfolded: list[Trial] = []
        self.others: dict[type, list[Any]] = defaultdict(list)
        self.cut = False
        self._shared: dict[object, Any] = {}

    def take(self, line: FileLine, record: AnyRecord | None) -> None:
        """The next line, with what it says; nothing if it was cut."""
        if record is None:
            self.cut = True
        elif isinstance(record, Trial):
            self.trials.append(line.place, len(line.text))
        elif isinstance(record, Rounds):
            self.unfolded.extend(_unfolded(record))
        else:
            kind = LaneRecord if isinstance(record, LaneRecord) else type(record)
            self.others[kind].append(self._lean(record))

    def _lean(self, record: S) -> S:
        """With equal texts and judgements kept once: most checks share all but one of
        theirs. Facts are no part of a judgement's hash, so those with any are left."""
        for name in record.__struct_fields__:
            value = getattr(record, name)
            plain = type(value) is Judgement and not value.facts
            if type(value) is str or plain:
                same = self._shared.setdefault(value, value)
                msgspec.structs.force_setattr(record, name, same)
        return record

    def run(self) -> Run:
        """What was read."""
        footers: list[Footer] = self.others[Footer]
        truncated = ""
        if not footers:
            truncated = "its last line was cut" if self.cut else "it has no footer"
        return Run(
            path=str(self.path),
            header=self.header,
            trials=[*self.trials, *self.unfolded] if self.unfolded else self.trials,
            checks=self.others[Check],
            notes=self.others[Note],
            footer=footers[0] if footers else None,
            truncated=truncated,
            lane_records=self.others[LaneRecord],
            routes=self.others[Route],
        )


_OPS = 1_000
"""So many ops make a whole number of nanoseconds of a number of picoseconds each."""


def _unfolded(record: Rounds) -> Iterator[Trial]:
    """The trials that a line of a baseline stands for; a single one without times where the
    verdict forbids them."""
    bare = Trial(cell=record.cell, arm=record.arm, round=0, judgement=record.judgement)
    if not record.wall_ps:
        yield bare
    for number, wall_ps in zip(record.rounds, record.wall_ps, strict=True):
        slices = Slices(ops=_OPS, lead=0, wall_ns=[wall_ps], cpu_ns=[])
        yield msgspec.structs.replace(bare, round=number, slices=slices)


def _opened(path: Path) -> BinaryIO:
    """A results file, open; nothing else is opened, for a pipe might never answer."""
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise ResultsError(
                f"{path} cannot be read: it is not a regular file",
                hint="a results file is read more than once: store it first",
            )
        return path.open("rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ResultsError(f"{path} cannot be read: {reason}") from error


def _lines(path: Path, file: BinaryIO) -> Iterator[FileLine]:
    number, place = 1, 0
    while text := file.readline(LONGEST_LINE):
        if len(text) == LONGEST_LINE:
            size = f"{LONGEST_LINE >> 20} MiB"
            raise ResultsError(f"{path}, line {number}: longer than {size}")
        yield FileLine(number, place, text)
        number, place = number + 1, place + len(text)


def _header(path: Path, line: bytes) -> Header:
    raw = _json(path, 1, line)
    version = raw.get("schema")
    if raw.get("record") != "header" or type(version) is not int or version < 1:
        raise ResultsError(
            f"{path} is not a results file of pgdyno: its first line is not a header",
            hint="a run writes one with --out FILE.jsonl",
        )
    if version > SCHEMA:
        raise ResultsError(
            f"{path} has schema {_few(str(version))}; this pgdyno reads up to {SCHEMA}",
            hint="install a newer pgdyno",
        )
    header: Header = _converted(path, 1, raw, version, Header)
    return _sound(path, 1, header)


def _record(path: Path, number: int, line: bytes, version: int) -> AnyRecord:
    if version == SCHEMA:
        try:
            return _sound(path, number, known.decoder().decode(line))
        except _UNREADABLE:
            pass  # the slow way below names what is wrong
    raw = _json(path, number, line)
    record: AnyRecord = _converted(path, number, raw, version, known.union())
    return _sound(path, number, record)


def _again(path: Path, line: bytes, version: int) -> AnyRecord:
    """A record that was read before."""
    if version == SCHEMA:
        try:
            return known.decoder().decode(line)
        except _UNREADABLE as error:
            raise ResultsError(
                f"{path} was changed while it was being read", hint="try again"
            ) from error
    return _record(path, 0, line, version)


def _sound(path: Path, number: int, record: S) -> S:
    if wrong := soundness.problem(record):
        raise ResultsError(f"{path}, line {number}: {wrong}")
    return record


def _converted(
    path: Path, number: int, raw: dict[str, Any], version: int, kind: Any
) -> Any:
    try:
        return msgspec.convert(migrate(raw, version), kind)
    except msgspec.ValidationError as error:
        wrong = f"{path}, line {number}: {_few(str(error))}"
        raise ResultsError(wrong, hint=known.unknown(raw)) from error
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        text = f"it is not as schema {version} has it: {_few(str(error))}"
        raise ResultsError(f"{path}, line {number}: {text}") from error


def _json(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except _UNREADABLE as error:
        text = f"not a JSON object: {_few(str(error))}"
        raise ResultsError(f"{path}, line {number}: {text}") from error


def _few(text: str) -> str:
    """Errors quote what they found, which may be long."""
    return text if len(text) <= 200 else f"{text[:200]}…"
