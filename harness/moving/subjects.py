"""What a cell is about, read from its id: a type and a direction, or a scenario."""

from __future__ import annotations

import re

_DIRECTIONS = {
    "array-read": "read in an array",
    "array-write": "written in an array",
    "array-null": "read in an array with NULL",
    "copy-text": "written by COPY (text)",
    "copy": "written by COPY",
    "read": "read",
    "write": "written",
}
_VALUE = re.compile(
    rf"(?P<type>.+?)-(?P<direction>{'|'.join(_DIRECTIONS)})@value=(?P<v>.*)"
)
_TELLING_CASES = ("types", "parameters", "errors")


def subject_of(cell: str) -> str:
    """The type that a cell is about, or its scenario: `numeric`, `errors/server`."""
    scenario, _, case = cell.partition("#")
    found = _VALUE.fullmatch(case)
    return found["type"] if found else scenario


def shown_subject(cell: str) -> str:
    """A subject for a list: where the names of cases tell more than their scenario's."""
    if direction_of(cell) or cell.partition("/")[0] not in _TELLING_CASES:
        return subject_of(cell)
    return cell.partition("#")[2].partition("@")[0] or cell


def direction_of(cell: str) -> str:
    """`read in an array`, for a cell of a `[[value]]`; else empty."""
    found = _VALUE.fullmatch(cell.partition("#")[2])
    return _DIRECTIONS[found["direction"]] if found else ""


def value_of(cell: str) -> str:
    """The literal of a cell of a `[[value]]`; else empty."""
    found = _VALUE.fullmatch(cell.partition("#")[2])
    return found["v"].replace("_", " ") if found else ""
