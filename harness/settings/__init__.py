"""What a project has decided for itself: `pgdyno.toml` or `[tool.pgdyno]`.

The nearest file counts, from the current folder upwards; in one folder `pgdyno.toml` comes
before `pyproject.toml`. Whatever is wrong in it is an error that names the file and the
key: a gate whose margins were not read would pass what it should not.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from harness.core.errors import UsageError

FILES = ("pgdyno.toml", "pyproject.toml")


class Settings(msgspec.Struct, frozen=True):
    """The file's keys; docs/compare.md says what they mean.

    `margin` and `margins` are shares, `margin` is None where the file leaves it open.
    `path` is the file, empty where there is none.
    """

    margin: float | None = None
    margins: dict[str, float] = {}
    gate: tuple[str, ...] = ()
    control: tuple[str, ...] = ()
    path: str = ""


class _Written(msgspec.Struct, frozen=True):
    """The keys as people write them; a share is `"3%"` or `0.03`."""

    margin: Any = None
    margins: dict[str, Any] = {}
    gate: list[str] = []
    control: list[str] = []


def share(written: object) -> float:
    """`3%`, `0.03` or 0.03 → 0.03.

    Raises:
        ValueError: it is no number, or not between 0 and 100 %.
    """
    text = str(written).strip()
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise ValueError(f"'{text}' is neither 3% nor 0.03") from None
    if not 0 < value < 1:
        raise ValueError(f"'{text}' must lie between 0 and 100 %")
    return value


def load(folder: Path) -> Settings:
    """What holds in a folder; nothing is decided where no file above it says anything.

    Raises:
        UsageError: the nearest file is wrong.
    """
    for place in (folder, *folder.parents):
        for name in FILES:
            table = _table(place / name)
            if table is not None:
                return _checked(place / name, table)
    return Settings()


def _table(file: Path) -> dict[str, Any] | None:
    """What a file says to pgdyno; None where it says nothing, or there is none."""
    if not file.is_file():
        return None
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
    if file.name == FILES[0]:
        return raw
    tool = raw.get("tool", {})
    table = tool.get("pgdyno") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{file}: tool.pgdyno is not a table")
    return table


def _checked(file: Path, table: dict[str, Any]) -> Settings:
    known = [field.encode_name for field in msgspec.structs.fields(_Written)]
    if unknown := [key for key in table if key not in known]:
        near = difflib.get_close_matches(unknown[0], known, 1)
        raise UsageError(
            f"{file}: unknown key `{unknown[0]}`"
            + (f"; did you mean `{near[0]}`?" if near else ""),
            hint=f"it may have: {', '.join(known)}",
        )
    try:
        written = msgspec.convert(table, _Written)
    except msgspec.ValidationError as error:
        raise UsageError(f"{file}: {_place(str(error))}") from error
    margin = None if written.margin is None else _share(file, "margin", written.margin)
    return Settings(
        margin=margin,
        margins={
            pattern: _share(file, f'margins."{pattern}"', value)
            for pattern, value in written.margins.items()
        },
        gate=tuple(_patterns(file, "gate", written.gate)),
        control=tuple(_patterns(file, "control", written.control)),
        path=str(file),
    )


def _share(file: Path, key: str, written: object) -> float:
    try:
        return share(written)
    except ValueError as error:
        raise UsageError(f"{file}: {key}: {error}") from None


def _patterns(file: Path, key: str, written: list[str]) -> Iterator[str]:
    for pattern in written:
        if not pattern.strip():
            raise UsageError(f"{file}: {key} holds an empty pattern")
        yield pattern.strip()


def _place(message: str) -> str:
    """`Expected `str | float`, got `bool` - at `$.margin`` with the key first."""
    what, _, where = message.partition(" - at `$.")
    return f"{where.rstrip('`')}: {what}" if where else what
