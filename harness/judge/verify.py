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
from harness.core.verdicts import EXACT, Code, Facts, Judgement, Verdict
from harness.judge.recorded import settled
from harness.judge.shown import seen, shorten, show, show_text, wanted_text
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

CANARY = "canary-"
"""How the token begins that must come back after a verification."""
INSUFFICIENT_RESOURCES = "53"
"""The class of SQLSTATEs that say what a server or its machine lacks."""
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


def is_token(answer: Any, token: str) -> bool:
    """Whether a canary's token came back, as whatever type: of a database in SQL_ASCII
    some libraries give text as bytes, and that is no other query's answer."""
    if isinstance(answer, bytes | bytearray | memoryview):
        return bytes(answer) == token.encode()
    return str(answer) == token


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
        told = ("a value without a column", show(value), "no column")
        return _lossy(Code.COLUMN_COUNT, *told, **seen(value))
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
        detail = f"the {format} stream is malformed: {error.reason}"
        return _lossy(Code.MALFORMED, detail, "", "", format=format)
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
    detail = shorten(f"binary values not compared, only NULLs: {names}")
    columns = [table.columns[index] for index in sorted(unknown)]
    return Judgement(Verdict.EXACT, Code.ONLY_NULLS, detail, facts={"columns": columns})


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
        told, should = _count(len(rows), "row"), _count(len(table.rows), "row")
        counts = {"rows": len(rows), "expected_rows": len(table.rows)}
        return _lossy(Code.ROW_COUNT, detail, told, should, **counts)
    width = len(table.types)
    if set(map(len, rows)) <= {width}:
        return None
    number, row = next((n, row) for n, row in enumerate(rows, 1) if len(row) != width)
    detail = f"row {number:,}: {_count(len(row), 'column')} instead of {width:,}"
    counts = {"row": number, "columns": len(row), "expected_columns": width}
    told, should = show(row), _count(width, "column")
    return _lossy(Code.COLUMN_COUNT, detail, told, should, **counts, **seen(row))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _lossy(
    code: Code, detail: str, observed: str, expected: str, **facts: Any
) -> Judgement:
    return Judgement(Verdict.LOSSY, code, shorten(detail), observed, expected, facts)


def _unreadable(what: str, error: BaseException) -> Judgement:
    detail = f"reading {what} raised {type(error).__name__}: {_first_line(str(error))}"
    facts = {"class": class_of(error), "message": _first_line(str(error))}
    return Judgement(Verdict.BROKEN, Code.UNREADABLE, shorten(detail), facts=facts)


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
    detail = shorten(f"column {column.name}: {what}")
    facts = {"column": column.name, "expected_type": column.type.name}
    return Judgement(Verdict.INVALID, Code.HARNESS_FAULT, detail, facts=facts)


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
            return index, _unknown_form(column, index, value, error.reason)
        except NotCanonical as error:
            reason = error.reason
        except _UNREADABLE as error:
            reason = f"{describe_type(value)}: {_first_line(str(error))}"
        except Exception as error:
            return index, _unreadable(f"row {index + 1:,}, column {column.name}", error)
        return index, _lossy_at(column, index, value, reason)
    return None


def _unknown_form(column: _Column, index: int, value: Any, reason: str) -> Judgement:
    facts = {**_place(column, index), **seen(value)}
    return Judgement(Verdict.INVALID, Code.HARNESS_FAULT, reason, show(value), facts=facts)


def _place(column: _Column, index: int) -> Facts:
    return {"row": index + 1, "column": column.name}


def _lossy_at(column: _Column, index: int, value: Any, reason: str) -> Judgement:
    shown, should = show(value), show_text(column.type, column.texts[index])
    detail = f"row {index + 1:,}, column {column.name}: " + (
        reason or f"{shown} instead of {should}"
    )
    should_be = wanted_text(column.type, column.texts[index])
    facts = {**_place(column, index), **seen(value), **should_be}
    return _lossy(Code.WRONG_VALUE, detail, shown, should, **facts)


def _judge_types(
    column: _Column, habit: Habit, got: Sequence[Any], accept: tuple[str, ...]
) -> Judgement:
    # The last value of each Python type stands for all of them where that is enough.
    samples: Iterable[Any] = dict(zip(map(type, got), got, strict=True)).values()
    for value in samples if habit.per_type else got:
        if not (value is None or habit.fits(value) or describe_type(value) in accept):
            return _differs(column, habit, got, value)
    for value in got if habit.written else ():
        if not (value is None or habit.accepts(value) or describe_type(value) in accept):
            return _differs(column, habit, got, value)
    return EXACT


def _differs(column: _Column, habit: Habit, got: Sequence[Any], value: Any) -> Judgement:
    index = next(index for index, item in enumerate(got) if item is value)
    should = show_text(column.type, column.texts[index])
    usual = _usual(habit, value)
    what = f"{describe_type(value)} instead of {' or '.join(habit.names)}"
    if usual:
        what = f"{show(value)} is the same value, written otherwise than {should}"
    facts = {
        **_place(column, index),
        **seen(value),
        **wanted_text(column.type, column.texts[index]),
        "usual_types": [*habit.names],
    }
    code = Code.WRONG_FORM if usual else Code.WRONG_TYPE
    told = (shorten(f"column {column.name}: {what}"), show(value), should)
    return Judgement(Verdict.DIFFERS, code, *told, facts)


def _usual(habit: Habit, value: Any) -> bool:
    """Whether the type is the usual one, so that it is written in another form."""
    kind = describe_type(value)
    flat = re.sub(r"^(list\[)+(.*?)\]+$", r"list[\2]", kind)
    return flat in habit.names or kind in habit.names


# -- errors --------------------------------------------------------------------------


def judge_error(
    expected: ExpectedError | None,
    rejected: bool,
    fields: ErrorFields,
    error: BaseException,
) -> Judgement:
    """What an exception means: the expected one, a clear refusal, or a panic."""
    told = shorten(_told(fields, error))
    facts = error_facts(fields, error)
    if not isinstance(error, Exception):
        detail = shorten(f"no Exception: {_told(fields, error)}")
        return Judgement(Verdict.BROKEN, Code.PANIC, detail, told, facts=facts)
    lacking = _is_lacking(fields)
    if expected is not None and (expected.sqlstate == fields.sqlstate or not lacking):
        return _judge_expected(expected, fields, error)
    if rejected:
        return EXACT
    if lacking:
        detail = shorten(f"the server lacks it: {_told(fields, error)}")
        return Judgement(Verdict.SKIPPED, Code.SERVER_LACKS, detail, facts=facts)
    return Judgement(Verdict.REJECTED, Code.ERROR, told, told, facts=facts)


def _is_lacking(fields: ErrorFields) -> bool:
    """Whether the server has run out of something: sessions, memory, disk."""
    return fields.sqlstate.startswith(INSUFFICIENT_RESOURCES)


def judge_no_error(expected: ExpectedError | None, came: Any = None) -> Judgement:
    """No error came where one had to: the driver accepted in silence. `came` is what it
    gave instead, None where that is nothing."""
    should = _wanted_state(expected) if expected else "an error"
    facts: dict[str, Any] = {"expected_sqlstate": expected.sqlstate} if expected else {}
    if came is None:
        detail = f"no error came, expected {should}"
        return _lossy(Code.NO_ERROR, detail, "no error", should, **facts)
    shown, facts = show(came), {**facts, **seen(came)}
    detail = f"no error came but {shown}; expected {should}"
    return _lossy(Code.NO_ERROR, detail, f"no error: {shown}", should, **facts)


def desync(answer: Any, token: str, where: str = "") -> Judgement:
    """Another answer than the canary: the connection is out of step."""
    told = (f"{where}another query's answer came back", repr(answer), repr(token))
    return Judgement(Verdict.BROKEN, Code.DESYNC, *told, seen(answer))


def observe(value: Any) -> Judgement:
    """A trait: what came is written down, and is neither right nor wrong."""
    return observed(show(value), seen(value))


def observe_error(fields: ErrorFields, error: BaseException) -> Judgement:
    """A trait that is an error: its class and SQLSTATE; its wording is for people only.

    Drift is watched by what was observed, and another version words it otherwise.
    """
    if not isinstance(error, Exception) or _is_lacking(fields):
        return judge_error(None, False, fields, error)
    told = shorten(f"raised {_told(fields, error)}")
    shown = shorten(f"raised {_error_name(fields, error)}")
    facts = {"class": class_of(error), "sqlstate": fields.sqlstate}
    return Judgement(Verdict.EXACT, Code.OBSERVED, told, shown, facts=facts)


def observed(shown: str, facts: Facts) -> Judgement:
    """A fact without right or wrong."""
    return Judgement(Verdict.EXACT, Code.OBSERVED, shown, shown, facts=facts)


def error_facts(fields: ErrorFields, error: BaseException) -> Facts:
    """What an exception tells: its class, its SQLSTATE, its message."""
    told = {"class": class_of(error), "sqlstate": fields.sqlstate}
    if fields.on:
        told["on"] = fields.on
    return {**told, "message": shorten(message_of(fields, error))}


def _wanted_state(expected: ExpectedError) -> str:
    return f"SQLSTATE {expected.sqlstate}" if expected.sqlstate else "an error"


def _judge_expected(
    expected: ExpectedError, fields: ErrorFields, error: BaseException
) -> Judgement:
    told = _told(fields, error)
    facts = {**error_facts(fields, error), "expected_sqlstate": expected.sqlstate}
    if expected.sqlstate and fields.sqlstate != expected.sqlstate:
        got = f"SQLSTATE {fields.sqlstate}" if fields.sqlstate else "no SQLSTATE"
        detail = shorten(f"{got} instead of {expected.sqlstate}: {told}")
        code = Code.WRONG_SQLSTATE if fields.sqlstate else Code.NO_SQLSTATE
        shown = (detail, shorten(told), _wanted_state(expected))
        return Judgement(Verdict.REJECTED, code, *shown, facts)
    judged = worst(
        _judge_field(name, getattr(fields, name), getattr(expected, name), told, facts)
        for name in ("constraint", "table", "column")
    )
    return judged if judged is not EXACT else _found_on(fields)


def _found_on(fields: ErrorFields) -> Judgement:
    """The expected error, which may tell what it is only on an exception inside."""
    if not fields.on:
        return EXACT
    detail = f"the exception has its SQLSTATE on `{fields.on}`"
    return Judgement(Verdict.EXACT, Code.RIGHT, detail, facts={"on": fields.on})


def _judge_field(name: str, got: str, expected: str, told: str, facts: Facts) -> Judgement:
    if not expected or got == expected:
        return EXACT
    # Told less is not told wrong: the error itself is the right one.
    verdict, code = Verdict.DIFFERS, Code.NOT_TOLD
    if got:
        verdict, code = Verdict.LOSSY, Code.WRONG_FIELD
    named = f"{name} {got!r}" if got else f"no {name}"
    detail = shorten(f"the error names {named}, not {expected!r}")
    facts = {**facts, "field": name, "named": got, "expected_name": expected}
    return Judgement(verdict, code, detail, shorten(told), f"{name} {expected}", facts)


def _told(fields: ErrorFields, error: BaseException) -> str:
    return f"{_error_name(fields, error)}: {message_of(fields, error)}".rstrip(": ")


def message_of(fields: ErrorFields, error: BaseException) -> str:
    """The first line of what an exception says, without the names that a run makes up,
    which would make two runs' records differ."""
    return settled(_SCHEMA.sub("", _first_line(fields.message or _text_of(error))))


def class_of(error: BaseException) -> str:
    """An exception's class with its module, as a traceback names it."""
    kind = type(error)
    own = kind.__module__ in ("builtins", "__main__")
    return kind.__qualname__ if own else f"{kind.__module__}.{kind.__qualname__}"


def _error_name(fields: ErrorFields, error: BaseException) -> str:
    name = class_of(error)
    where = f" on {fields.on}" if fields.on else ""
    return f"{name} [{fields.sqlstate}{where}]" if fields.sqlstate else name


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
