"""What is wrong with an answer, in words for somebody who never saw a scenario.

A judgement has a code and facts; its own text is written for whoever works on the scenario
(`step 7, join of_a: list[list[int]]: [[44]] instead of list[list[int]]: [[42]]`). Here, and
nowhere else, code and facts become the words of a report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.core.verdicts import Code
from harness.report import format as fmt
from harness.results.records import Check

_VALUE, _MESSAGE = 80, 160
Facts = Mapping[str, Any]


def reason(checks: Sequence[Check]) -> str:
    """What checks of one cause have in common: only facts that all of them share are told,
    and of errors that differ in their text one as an example."""
    first = checks[0]
    shared = {
        name: value
        for name, value in first.facts.items()
        if all(check.facts.get(name) == value for check in checks)
    }
    told = _told(first.code, shared)
    if told and first.code is Code.ERROR and "message" not in shared:
        return f"{told}, as in “{_clipped(_message(first.facts), _MESSAGE)}”"
    if told:
        return told
    if len({_plain_detail(check) for check in checks}) == 1:
        return _plain_detail(first)
    return ": ".join([first.code.sentence.rstrip("."), *_kinds(shared)])


def said(check: Check) -> str:
    """What was wrong with an answer and where: `answers [[44]] instead of [[42]], in
    step 7 (waiting for of_a)`."""
    told = _told(check.code, check.facts) or _plain_detail(check)
    where = _place(check.facts)
    return f"{told}, {where}" if told and where else told


def came(check: Check) -> str:
    """What came. A value that names its type itself does not need it twice."""
    return re.sub(r"^(\w+): (?=(?:\w+\.)*\1\()", "", unmarked(check.observed))


def due(check: Check) -> str:
    """What had to come. Where only the type is wrong, that is the type that is usual: the
    text of the value is the same on both sides, and tells nothing apart."""
    usual, text = check.facts.get("usual_types"), check.facts.get("expected_repr")
    if check.code is Code.WRONG_TYPE and usual and text:
        return unmarked(f"{_either(usual)}: {text}")
    return unmarked(check.expected)


def unmarked(text: str) -> str:
    """A name that is another in every run, as a reader writes such a thing: a scenario's
    `@{channel}_first` as `<channel>_first`."""
    return re.sub(r"@\{(\w+)\}", r"<\1>", text)


# --- a code with its facts --------------------------------------------------------------


def _type(facts: Facts) -> str:
    if not facts.get("usual_types") or "type" not in facts:
        return ""
    return (
        f"comes as {python_type(facts['type'])} instead of {_either(facts['usual_types'])}"
    )


def python_type(name: str) -> str:
    """`list[tuple | Point]` as `a list of tuple or Point`."""
    inner = re.fullmatch(r"list\[(.+)\]", name, re.DOTALL)
    if inner:
        return f"a list of {_inside(inner[1])}"
    return name


def _inside(name: str) -> str:
    """What is in a list: one of several kinds, or lists again."""
    return _either(re.split(r" \| (?![^\[]*\])", name))


def _either(names: Sequence[str]) -> str:
    *before, last = map(python_type, names)
    return f"{', '.join(before)} or {last}" if before else last


def _form(facts: Facts) -> str:
    told = f": {_clipped(facts['repr'])}" if "repr" in facts else ""
    return f"the same value, written otherwise{told}"


def _value(facts: Facts) -> str:
    got, wanted = facts.get("type", ""), facts.get("expected_type", "")
    about = f"{facts['entry']}: " if "entry" in facts else "answers "
    if "repr" in facts and "expected_repr" in facts:
        kinds = ("", "") if got == wanted else (f"{got} ", f"{wanted} ")
        came = f"{kinds[0]}{_clipped(facts['repr'])}"
        return f"{about}{came} instead of {kinds[1]}{_clipped(facts['expected_repr'])}"
    kinds_told = f": {got} for {wanted}" if got and wanted else ""
    return f"{about}another value than the server’s, without an error{kinds_told}"


def _no_error(facts: Facts) -> str:
    came = f", but {_clipped(facts['repr'])}" if "repr" in facts else ""
    return f"no error where one is due{came}"


def _error(facts: Facts) -> str:
    if "class" not in facts:
        return ""
    sqlstate = f" [{facts['sqlstate']}]" if facts.get("sqlstate") else ""
    told = f": {_clipped(_message(facts), _MESSAGE)}" if facts.get("message") else ""
    return f"raises {facts['class']}{sqlstate}{told}"


def _panic(facts: Facts) -> str:
    told = f": {_clipped(_message(facts), _MESSAGE)}" if facts.get("message") else ""
    return f"panics, which no “except Exception” catches{told}"


_OWNERS = {"diagnose": "an error", "info": "the connection"}
_ENTRIES = {
    "sqlstate": "SQLSTATE",
    "ssl": "use of TLS",
    "dbname": "database",
    "backend_pid": "backend’s process id",
}


def _not_told(facts: Facts) -> str:
    """`the connection does not tell its server version`."""
    if "entry" not in facts:
        return ""
    owner = _OWNERS.get(facts.get("act", ""), "the library")
    entry = str(facts["entry"])
    return f"{owner} does not tell its {_ENTRIES.get(entry, entry.replace('_', ' '))}"


def _no_sqlstate(facts: Facts) -> str:
    wanted = f" {facts['expected_sqlstate']}" if "expected_sqlstate" in facts else ""
    return f"an error of the server comes without its SQLSTATE{wanted}"


def _wrong_sqlstate(facts: Facts) -> str:
    if not {"sqlstate", "expected_sqlstate"} <= facts.keys():
        return "an error comes with another SQLSTATE than the server’s"
    return f"SQLSTATE {facts['sqlstate']} instead of {facts['expected_sqlstate']}"


def _count(noun: str, key: str) -> Callable[[Facts], str]:
    def told(facts: Facts) -> str:
        if not {key, f"expected_{key}"} <= facts.keys():
            return f"another number of {noun}s than the server’s"
        return f"{fmt.plural(facts[key], noun)} instead of {facts[f'expected_{key}']:,}"

    return told


def _late(facts: Facts) -> str:
    if "took_ms" in facts and "within_ms" in facts:
        return (
            f"takes {facts['took_ms']:,} ms, where {facts['within_ms']:,} ms are the most"
        )
    limit = f" of {facts['within_ms']:,} ms" if "within_ms" in facts else ""
    return f"does not answer within its time{limit}"


def _waiting(facts: Facts) -> str:
    waited = (
        f": still waiting after {facts['waited_ms']:,} ms" if "waited_ms" in facts else ""
    )
    return f"does not come back{waited}"


_WORDS: Mapping[Code, Callable[[Facts], str]] = {
    Code.WRONG_TYPE: _type,
    Code.WRONG_FORM: _form,
    Code.WRONG_VALUE: _value,
    Code.NO_ERROR: _no_error,
    Code.ERROR: _error,
    Code.PANIC: _panic,
    Code.NOT_TOLD: _not_told,
    Code.NO_SQLSTATE: _no_sqlstate,
    Code.WRONG_SQLSTATE: _wrong_sqlstate,
    Code.ROW_COUNT: _count("row", "rows"),
    Code.COLUMN_COUNT: _count("column", "columns"),
    Code.LATE: _late,
    Code.WAITING: _waiting,
}


def _told(code: Code, facts: Facts) -> str:
    """In words; nothing where the facts are too few for that."""
    words = _WORDS.get(code)
    return words(facts) if words and facts else ""


def _kinds(facts: Facts) -> list[str]:
    """The facts that say of what kind something without words of its own is."""
    return [str(facts[name]) for name in ("entry", "field", "act") if facts.get(name)]


def _message(facts: Facts) -> str:
    """The first line of what an exception says."""
    return str(facts.get("message", "")).strip().partition("\n")[0]


def _clipped(text: str, limit: int = _VALUE) -> str:
    return fmt.shorten(" ".join(unmarked(str(text)).split()), limit)


# --- where ------------------------------------------------------------------------------


def _step(facts: Facts) -> str:
    """`in step 7 (waiting for of_a)`: what a step of a scenario did."""
    label = str(facts.get("label", ""))
    if not facts.get("step") or not label:
        return ""
    told = label.removeprefix("join ")
    doing = f"waiting for {told}" if told != label else told
    return f"in step {facts['step']} ({doing})"


def _place(facts: Facts) -> str:
    """The step, or the column of a row, and under what load."""
    column = f"in column {facts['column']}" if facts.get("column", "v") != "v" else ""
    row = f"of row {facts['row']}" if column and facts.get("row", 1) != 1 else ""
    parts = (_step(facts), column, row, str(facts.get("when", "")))
    return " ".join(filter(None, parts))


def _plain_detail(check: Check) -> str:
    """A judgement's own words, without the step with which they begin."""
    start = f"step {check.facts.get('step')}, {check.facts.get('label')}: "
    return unmarked((check.detail or check.drift).removeprefix(start))
