"""Old results files stay readable: one function per schema step, applied in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Migration = Callable[[dict[str, Any]], dict[str, Any]]

# schema N → the function that turns a raw record of schema N into one of N + 1.
# Schema 1 is the first; `update_to_2` will stand here when there is a second.
MIGRATIONS: dict[int, Migration] = {}


def migrate(record: dict[str, Any], version: int) -> dict[str, Any]:
    """A raw record of an older schema, lifted to the current one."""
    while version in MIGRATIONS:
        record = MIGRATIONS[version](record)
        version += 1
    return record
