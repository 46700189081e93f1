"""Constructors in a file: values that can be made, and that fit into a field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.core.errors import ScenarioError
from harness.core.limits import VALUE_BYTES
from harness.scenario.slips import shown, whole
from harness.values.constructors import check_spec


def specs(value: Any) -> Iterator[Mapping[str, Any]]:
    """The constructors in a structure of tables and lists, outermost ones only."""
    if isinstance(value, dict):  # a file has no other mapping
        if "py" in value:
            yield value
            return
        value = value.values()
    elif not isinstance(value, list | tuple):
        return
    for inner in value:
        yield from specs(inner)


def check_made(spec: Mapping[str, Any], where: str) -> None:
    """Whether a value can be made; raises `ScenarioError`."""
    _check_size(spec, where)
    try:
        check_spec(spec)
    except ValueError as error:
        raise ScenarioError(f"{where}: {_on_one_line(error)}") from None


def _on_one_line(error: ValueError) -> str:
    text = str(error)
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= 200 else f"{text[:200]}…"


def _check_size(spec: Mapping[str, Any], where: str) -> None:
    """A value may be repeated up to what a field of PostgreSQL can hold."""
    times = spec.get("times", 1)
    if not isinstance(times, int | str):
        raise ScenarioError(f"{where}: times = {shown(times)} is not a number")
    part = spec.get("hex", spec.get("value", spec.get("items", "")))
    size = len(part) if isinstance(part, str | list) else len(str(part))
    size = size // 2 if "hex" in spec else size
    if whole(times, "times", where) * max(1, size) > VALUE_BYTES:
        raise ScenarioError(
            f"{where}: {shown(spec['py'])} would have more than {VALUE_BYTES >> 20:,} MB",
            hint="fewer `times`: a field of PostgreSQL holds no more",
        )
