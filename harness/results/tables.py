"""Strict tables of a TOML file: what is written by people beside a driver.

Every error names the file, the table and the key, and says what to write.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from harness.core.errors import DriverError

Table = TypeVar("Table", bound=msgspec.Struct)
Kinds = Mapping[str, type[msgspec.Struct]]
Found = dict[str, list[tuple[str, Any]]]

_WORDS = {"str": "a text", "int": "a number", "float": "a number", "bool": "true or false",
          "array": "a list", "object": "a table"}  # fmt: skip


def read(file: Path, kinds: Kinds) -> Found:
    """The tables of a file by their name, each with where it stands.

    Args:
        file: what is read.
        kinds: the name of each table, `[[fix]]`, and the struct that it becomes.

    Raises:
        DriverError: the file cannot be read, or something in it is wrong.
    """
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DriverError(f"{file} cannot be read: {error}") from error
    place = f"{file.parent.name}/{file.name}"
    for name, tables in raw.items():
        if name not in kinds or not isinstance(tables, list):
            known = ", ".join(f"[[{kind}]]" for kind in kinds)
            raise DriverError(
                f"{place}: `{name}` does not belong here", hint=f"only {known}"
            )
    return {
        name: [
            (where, made(table, kind, where))
            for number, table in enumerate(raw.get(name, ()), 1)
            for where in [f"{place}, {name} {number}"]
        ]
        for name, kind in kinds.items()
    }


def made(table: Any, kind: type[Table], where: str) -> Table:
    """One table as its struct; raises `DriverError`."""
    if not isinstance(table, dict):
        raise DriverError(f"{where}: it is not a table", hint="write [[…]] above its keys")
    fields = _fields(kind)
    known = [field.encode_name for field in fields]
    if unknown := [key for key in table if key not in known]:
        near = difflib.get_close_matches(unknown[0], known, 1)
        raise DriverError(
            f"{where}: unknown key `{unknown[0]}`"
            + (f"; did you mean `{near[0]}`?" if near else ""),
            hint=f"it has: {', '.join(known)}",
        )
    if missing := [
        field.encode_name
        for field in fields
        if field.required and not table.get(field.encode_name)
    ]:
        raise DriverError(f"{where}: `{missing[0]}` is missing")
    for key, value in table.items():
        field = fields[known.index(key)]
        try:
            msgspec.convert(value, field.type)
        except msgspec.ValidationError as error:
            raise DriverError(f"{where}: `{key}` must be {_wanted(str(error))}") from error
    return msgspec.convert(table, kind)


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The fields of a struct; msgspec evaluates every annotation whenever it is asked."""
    return msgspec.structs.fields(kind)


def _wanted(message: str) -> str:
    """`Expected `array | str`, got …` in plain words."""
    if message.startswith("Invalid enum value"):
        return (
            f"one that there is, not {message.partition('value ')[2].partition(' - ')[0]}"
        )
    kinds = message.partition("`")[2].partition("`")[0].split(" | ")
    return " or ".join(dict.fromkeys(_WORDS.get(kind, kind) for kind in kinds))
