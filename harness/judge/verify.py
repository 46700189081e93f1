"""What a driver gave × what is right → a verdict. Pure; runs in the worker.

Values are compared as canonical text, column by column, and only then is asked whether
their Python types are the field's habit: a wrong value is never merely `differs`, a
right value of another type never `lossy`. Rows are counted from 1 in what people read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.core.calls import ErrorFields
from harness.core.expect import ExpectedError
from harness.core.tables import PgType, Table
from harness.core.verdicts import Judgement, Verdict
from harness.values import (
    Canonical,
    Codec,
    Habit,
    NotCanonical,
    UnknownForm,
    describe_type,
    readings,
    text_column,
    value_column,
)
from harness.values.copystream import Stream, read_stream

EXACT = Judgement(Verdict.EXACT)
CANARY = "canary-"
INSUFFICIENT_RESOURCES = "53"
"""The class of SQLSTATEs that say what a server or its machine lacks."""
"""How the token begins that must come back after a verification."""
_SHORT = 200
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_SCHEMA = re.compile(r"\bpgdyno_[0-9a-f]{7}_\d+\.")
_UNREADABLE = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError)


def worst(judgements: Iterable[Judgement]) -> Judgement:
    """The first of the worst; `exact` if there is none. Our own fault hides all others."""
    result: Judgement | None = None
    for judgement in judgements:
        if judgement.verdict is Verdict.INVALID:
            return judgement
        if result is None or judgement.verdict.severity > result.verdict.severity:
            result = judgement
    return result or EXACT


def shorten(text: str) -> str:
    """At most 200 characters, the end replaced by an ellipsis."""
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def show(value: Any) -> str:
    """A value with its Python type, short enough for a record."""
    try:
        # A slice first: the repr of a 50 MB string would be as long.
        sliced = value[:_SHORT] if isinstance(value, (str, bytes, list)) else value
        shown = bytes(value[:_SHORT]) if isinstance(value, memoryview) else sliced
        # Addresses would make two runs' records differ.
        return shorten(f"{describe_type(value)}: {_ADDRESS.sub('', repr(shown))}")
    except Exception as error:
        return f"{type(value).__name__}: unreadable, {type(error).__name__}"


def _show_text(pg_type: PgType, text: str | None) -> str:
    return shorten(f"{pg_type.name}: {'NULL' if text is None else repr(text[:_SHORT])}")


# -- rows ----------------------------------------------------------------------------


def judge_rows(
    table: Table, rows: Sequence[Sequence[Any]], accept: tuple[str, ...] = ()
) -> Judgement:
    """All rows in order against the server's; the worst over all columns.

    `accept` lists Python types (as `describe_type` names them) that a case allows.
    """
    try:
        found = [tuple(row) for row in rows]
    except Exception as error:
        return _unreadable("the rows", error)
    if wrong := _wrong_shape(table, found):
        return wrong
    return worst(
        _judge_column(_column(table, index), [row[index] for row in found], accept)
        for index in range(len(table.types))
    )


@dataclass(frozen=True, slots=True)
class _Column:
    """What the server says of one column, and the readings in which it may be right."""

    name: str
    type: PgType
    texts: Sequence[str | None]
    readings: tuple[Codec, ...]


def _column(table: Table, index: int) -> _Column:
    name, pg_type = table.columns[index], table.types[index]
    return _Column(name, pg_type, [row[index] for row in table.rows], readings(pg_type))


def judge_value(table: Table, value: Any, accept: tuple[str, ...] = ()) -> Judgement:
    """The one value of a `fetch_val`: first column of the first row, None without a row."""
    if not table.types:
        return _lossy("a value without a column", show(value), "no column")
    first = Table(table.columns, table.types, table.rows[:1] or ((None,),))
    return _judge_column(_column(first, 0), (value,), accept)


def judge_bytes(table: Table, stream: Stream, format: str = "text") -> Judgement:
    """A COPY TO stream against the server's rows.

    Text and CSV carry server text, so there is no Python type to judge. Binary values
    of types without a known wire form are judged by NULL or not, and `detail` says so.
    """
    try:
        rows, unknown = read_stream(stream, format, table.types)
    except NotCanonical as error:
        return _lossy(f"the {format} stream is malformed: {error.reason}", "", "")
    except Exception as error:
        return _unreadable(f"the {format} stream", error)
    if wrong := _wrong_shape(table, rows):
        return wrong
    compared = [index for index in range(len(table.types)) if index not in unknown]
    judged = [_judge_field_texts(table, index, rows) for index in compared]
    judged += [_judge_nulls(table, index, rows) for index in sorted(unknown)]
    result = worst(judged)
    if result.verdict is not Verdict.EXACT or not unknown:
        return result
    names = ", ".join(table.columns[index] for index in sorted(unknown))
    return Judgement(
        Verdict.EXACT, shorten(f"binary values not compared, only NULLs: {names}")
    )


def _judge_field_texts(
    table: Table, index: int, rows: Sequence[Sequence[Any]]
) -> Judgement:
    column = _column(table, index)
    # A stream is not decoded: a JSON field is the document, and its null is no NULL.
    undecoded = replace(column, readings=column.readings[-1:])
    judged = _judge_column(undecoded, [row[index] for row in rows], ())
    return EXACT if judged.verdict is Verdict.DIFFERS else judged


def _judge_nulls(table: Table, index: int, rows: Sequence[Sequence[Any]]) -> Judgement:
    column = _column(table, index)
    for number, (text, row) in enumerate(zip(column.texts, rows, strict=True)):
        if (text is None) is not (row[index] is None):
            return _lossy_at(column, number, row[index], "")
    return EXACT


def _wrong_shape(table: Table, rows: Sequence[Sequence[Any]]) -> Judgement | None:
    if len(rows) != len(table.rows):
        detail = f"{_count(len(rows), 'row')} instead of {len(table.rows):,}"
        return _lossy(detail, _count(len(rows), "row"), _count(len(table.rows), "row"))
    width = len(table.types)
    if set(map(len, rows)) <= {width}:
        return None
    number, row = next((n, row) for n, row in enumerate(rows, 1) if len(row) != width)
    detail = f"row {number:,}: {_count(len(row), 'column')} instead of {width:,}"
    return _lossy(detail, show(row), _count(width, "column"))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _lossy(detail: str, observed: str, expected: str) -> Judgement:
    return Judgement(Verdict.LOSSY, shorten(detail), observed, expected)


def _unreadable(what: str, error: BaseException) -> Judgement:
    detail = f"reading {what} raised {type(error).__name__}: {_first_line(str(error))}"
    return Judgement(Verdict.BROKEN, shorten(detail))


# -- one column ----------------------------------------------------------------------


def _judge_column(
    column: _Column, got: Sequence[Any], accept: tuple[str, ...]
) -> Judgement:
    furthest, result = -1, EXACT
    for codec in column.readings:
        try:
            wanted = text_column(codec, column.texts)
        except Exception as error:
            return _invalid(column, error)
        difference = None
        if not _equal(codec, wanted, got):
            difference = _first_difference(column, codec, wanted, got)
        if difference is None:
            return _judge_types(column, codec.habit, got, accept)
        # Of two readings, the one that goes wrong later is the one that was meant.
        if difference[0] > furthest:
            furthest, result = difference
    return result


def _invalid(column: _Column, error: Exception) -> Judgement:
    what = f"pgdyno cannot read the server's {column.type.name}: {error}"
    return Judgement(Verdict.INVALID, shorten(f"column {column.name}: {what}"))


def _equal(codec: Codec, wanted: list[Canonical], got: Sequence[Any]) -> bool:
    try:
        return value_column(codec, got) == wanted
    except Exception:
        # Which value it was, and whether it matters, is found value by value.
        return False


def _first_difference(
    column: _Column, codec: Codec, wanted: list[Canonical], got: Sequence[Any]
) -> tuple[int, Judgement] | None:
    for index, (right, value) in enumerate(zip(wanted, got, strict=True)):
        try:
            if (None if value is None else codec.value(value)) == right:
                continue
            reason = ""
        except UnknownForm as error:
            return index, Judgement(Verdict.INVALID, error.reason, show(value))
        except NotCanonical as error:
            reason = error.reason
        except _UNREADABLE as error:
            reason = f"{describe_type(value)}: {_first_line(str(error))}"
        except Exception as error:
            return index, _unreadable(f"row {index + 1:,}, column {column.name}", error)
        return index, _lossy_at(column, index, value, reason)
    return None


def _lossy_at(column: _Column, index: int, value: Any, reason: str) -> Judgement:
    shown, should = show(value), _show_text(column.type, column.texts[index])
    detail = reason or f"{shown} instead of {should}"
    return _lossy(f"row {index + 1:,}, column {column.name}: {detail}", shown, should)


def _judge_types(
    column: _Column, habit: Habit, got: Sequence[Any], accept: tuple[str, ...]
) -> Judgement:
    # The last value of each Python type stands for all of them where that is enough.
    samples: Iterable[Any] = dict(zip(map(type, got), got, strict=True)).values()
    for value in samples if habit.per_type else got:
        if value is None or habit.fits(value) or describe_type(value) in accept:
            continue
        usual = " or ".join(habit.names)
        detail = f"column {column.name}: {describe_type(value)} instead of {usual}"
        index = next(index for index, item in enumerate(got) if item is value)
        should = _show_text(column.type, column.texts[index])
        return Judgement(Verdict.DIFFERS, shorten(detail), show(value), should)
    return EXACT


# -- errors --------------------------------------------------------------------------


def judge_error(
    expected: ExpectedError | None,
    rejected: bool,
    fields: ErrorFields,
    error: BaseException,
) -> Judgement:
    """What an exception means: the expected one, a clear refusal, or a panic."""
    told = _told(fields, error)
    if not isinstance(error, Exception):
        return Judgement(Verdict.BROKEN, shorten(f"no Exception: {told}"), shorten(told))
    if expected is not None and (
        expected.sqlstate == fields.sqlstate or not _is_lacking(fields)
    ):
        return _judge_expected(expected, fields, told)
    if rejected:
        return EXACT
    if _is_lacking(fields):
        return Judgement(Verdict.SKIPPED, shorten(f"the server lacks it: {told}"))
    return Judgement(Verdict.REJECTED, shorten(told), shorten(told))


def _is_lacking(fields: ErrorFields) -> bool:
    """Whether the server has run out of something: sessions, memory, disk."""
    return fields.sqlstate.startswith(INSUFFICIENT_RESOURCES)


def judge_no_error(expected: ExpectedError | None) -> Judgement:
    """No error came where one had to: the driver accepted in silence."""
    should = _wanted_state(expected) if expected else "a clear error"
    return _lossy(f"no error came, expected {should}", "no error", should)


def observe(value: Any) -> Judgement:
    """A trait: what came is written down, and is neither right nor wrong."""
    shown = show(value)
    return Judgement(Verdict.EXACT, shown, shown)


def observe_error(fields: ErrorFields, error: BaseException) -> Judgement:
    """A trait that is an error: its class and SQLSTATE, not its wording."""
    if not isinstance(error, Exception) or _is_lacking(fields):
        return judge_error(None, False, fields, error)
    shown = shorten(f"raised {_error_name(fields, error)}")
    return Judgement(Verdict.EXACT, shown, shown)


def _wanted_state(expected: ExpectedError) -> str:
    return f"SQLSTATE {expected.sqlstate}" if expected.sqlstate else "an error"


def _judge_expected(expected: ExpectedError, fields: ErrorFields, told: str) -> Judgement:
    should = _wanted_state(expected)
    if expected.sqlstate and fields.sqlstate != expected.sqlstate:
        got = f"SQLSTATE {fields.sqlstate}" if fields.sqlstate else "no SQLSTATE"
        detail = f"{got} instead of {expected.sqlstate}: {told}"
        return Judgement(Verdict.REJECTED, shorten(detail), shorten(told), should)
    return worst(
        _judge_field(name, getattr(fields, name), getattr(expected, name), told)
        for name in ("constraint", "table", "column")
    )


def _judge_field(name: str, got: str, expected: str, told: str) -> Judgement:
    if not expected or got == expected:
        return EXACT
    # Told less is not told wrong: the error itself is the right one.
    verdict = Verdict.LOSSY if got else Verdict.DIFFERS
    detail = (
        f"the error names {f'{name} {got!r}' if got else f'no {name}'}, not {expected!r}"
    )
    return Judgement(verdict, shorten(detail), shorten(told), f"{name} {expected}")


def _told(fields: ErrorFields, error: BaseException) -> str:
    # Our schemas' names would make two runs' records differ.
    message = _SCHEMA.sub("", _first_line(fields.message or _text_of(error)))
    return f"{_error_name(fields, error)}: {message}".rstrip(": ")


def class_of(error: BaseException) -> str:
    """An exception's class with its module, as a traceback names it."""
    kind = type(error)
    own = kind.__module__ in ("builtins", "__main__")
    return kind.__qualname__ if own else f"{kind.__module__}.{kind.__qualname__}"


def _error_name(fields: ErrorFields, error: BaseException) -> str:
    name = class_of(error)
    return f"{name} [{fields.sqlstate}]" if fields.sqlstate else name


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
