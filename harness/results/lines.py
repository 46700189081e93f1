"""Which lines a results file may hold: those of every run, and those of lanes."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any, Union

import msgspec

from harness import lanes
from harness.results.records import (
    AnyRecord,
    Check,
    Footer,
    Header,
    Note,
    Record,
    Rounds,
    Route,
    Trial,
)


@functools.cache
def kinds() -> tuple[type[Record], ...]:
    """The types of all lines, of the lanes that are installed, too."""
    found = [lane for lane in lanes.known().values() if lane.has("record")]
    of_lanes = (kind for lane in found for kind in lane.part("record").RECORDS)
    return (Header, Trial, Rounds, Check, Route, Note, Footer, *of_lanes)


@functools.cache
def union() -> Any:
    """Any of them, told apart by `record`: what msgspec decodes and converts."""
    return Union[kinds()]  # noqa: UP007 - they are known at run time only


@functools.cache
def decoder() -> msgspec.json.Decoder[AnyRecord]:
    """Reads a line."""
    return msgspec.json.Decoder(union())


def encoded(records: Iterable[AnyRecord]) -> bytes:
    """Records as the lines of a results file."""
    return b"".join(msgspec.json.encode(record) + b"\n" for record in records)


def unknown(raw: Mapping[str, Any]) -> str:
    """What to do about a record that nobody here knows; empty if it is known."""
    tags = {str(kind.__struct_config__.tag) for kind in kinds()}
    name = str(raw.get("record", ""))[:40]
    if not name or name in tags:
        return ""
    return f"install the lane that records '{name}', or a newer pgdyno"
