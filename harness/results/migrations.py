"""Old results files stay readable: one function per schema step, applied in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.results import schema_1

Migration = Callable[[dict[str, Any]], dict[str, Any]]

_JUDGED = ("trial", "footprint", "count", "check")
_TEXTS = ("verdict", "detail", "observed", "expected")


def migrate(record: dict[str, Any], version: int) -> dict[str, Any]:
    """A raw record of an older schema, lifted to the current one."""
    while version in MIGRATIONS:
        record = MIGRATIONS[version](record)
        version += 1
    return record


def update_to_2(record: dict[str, Any]) -> dict[str, Any]:
    """A judgement is an object with a code and facts; a digest says how it was made."""
    if record.get("record") == "header":
        return _header_of_2(record)
    if record.get("record") not in _JUDGED or "verdict" not in record:
        return record
    kept = {name: value for name, value in record.items() if name not in _TEXTS}
    texts = {name: str(record[name]) for name in _TEXTS if name in record}
    return {**kept, "judgement": schema_1.judgement(**texts)}


def _header_of_2(record: dict[str, Any]) -> dict[str, Any]:
    arms = list(map(schema_1.arm, record.get("arms", ())))
    digests = ("digest", "work")
    cells = [
        {**cell, **{name: f"1:{cell[name]}" for name in digests if cell.get(name)}}
        for cell in record.get("cells", ())
    ]
    # `schema` stays: it says of the file how its other lines are to be read.
    return {**record, "arms": arms, "cells": cells}


# schema N → the function that turns a raw record of schema N into one of N + 1.
MIGRATIONS: dict[int, Migration] = {1: update_to_2}
