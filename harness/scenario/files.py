"""One file → a scenario: its question and all of its cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec

from harness.core.calls import Op
from harness.core.cells import Cell
from harness.core.errors import ScenarioError
from harness.core.limits import CELLS
from harness.scenario.axes import expand
from harness.scenario.cells import make
from harness.scenario.form import convert
from harness.scenario.mixes import expand_mix
from harness.scenario.reading import check_name, parse, read
from harness.scenario.round_trips import cases
from harness.scenario.slips import label
from harness.scenario.tables import CaseTable, FixtureTable, ScenarioFile, ValueTable


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario, expanded: its name, its question and its cells."""

    name: str
    title: str
    why: str
    path: str
    cells: tuple[Cell, ...]


def library() -> Path:
    """The folder of the scenarios that come with pgdyno, installed or in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "_scenarios"
    return installed if installed.is_dir() else package.parent / "scenarios"


@cache
def _library() -> Path:
    """The folder, free of links."""
    return library().resolve()


def names() -> frozenset[str]:
    """The names of the library's scenarios, none of which is read."""
    root = library()
    files = root.rglob("*.toml")
    return frozenset(file.relative_to(root).with_suffix("").as_posix() for file in files)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, for editors."""
    schema = msgspec.json.schema(ScenarioFile)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "pgdyno scenario"
    return schema


def load(file: Path) -> Scenario:
    """Read and expand one scenario file; raises `ScenarioError`."""
    return _expanded(file, read(file))


@cache
def _expanded(file: Path, data: bytes) -> Scenario:
    """A command looks at its own scenarios and at the whole library: once is enough."""
    where = label(file)
    raw = parse(data, where)
    parsed = convert(raw, ScenarioFile, where)
    name = _name(file, where)
    if not parsed.case and not parsed.value:
        raise ScenarioError(f"{where}: it has neither a [[case]] nor a [[value]]")
    _no_duplicates(where, parsed.case)
    written = list(islice(_written(parsed, raw, name, where), CELLS + 1))
    mixed = _mixed(parsed, raw, written, where)
    cells = chain(written, _round_trips(parsed, name, where), mixed)
    return Scenario(
        name=name,
        title=parsed.title or name,
        why=parsed.why.strip(),
        path=str(file),
        cells=_bounded(where, cells),
    )


def _bounded(where: str, cells: Iterator[Cell]) -> tuple[Cell, ...]:
    """The cells of a file: not too many, and no two of one name."""
    made = list(islice(cells, CELLS + 1))
    if len(made) > CELLS:
        raise ScenarioError(
            f"{where}: it has more than {CELLS:,} cells", hint="make several files of it"
        )
    for name, count in Counter(cell.id for cell in made).items():
        if count > 1:
            raise ScenarioError(
                f"{where}: two cases are called '{name}'", hint="rename one"
            )
    return tuple(made)


def _no_duplicates(where: str, cases: list[CaseTable]) -> None:
    """A case may stand in several tables, each with points of its own of the same axes."""
    axes: dict[str, list[str]] = {}
    for case in cases:
        if case.name in axes and (axes[case.name] != list(case.axes) or not case.axes):
            raise ScenarioError(
                f"{where}: two cases are called '{case.name}'",
                hint="rename one, or give both the same axes, with other values",
            )
        axes[case.name] = list(case.axes)


def _written(
    parsed: ScenarioFile, raw: dict[str, Any], name: str, where: str
) -> Iterator[Cell]:
    """The cells of the `[[case]]` tables."""
    for case, table in zip(parsed.case, raw.get("case", []), strict=True):
        yield from expand(parsed, case, table, name, f"{where}, case '{case.name}'")


def _mixed(
    parsed: ScenarioFile, raw: dict[str, Any], cells: list[Cell], where: str
) -> Iterator[Cell]:
    """The cells of the `[[mix]]` tables."""
    for mix, table in zip(parsed.mix, raw.get("mix", []), strict=True):
        yield from expand_mix(parsed, mix, table, cells, f"{where}, mix '{mix.name}'")


def value_cells(value: ValueTable, scenario: str) -> tuple[Cell, ...]:
    """The cells of one `[[value]]` that stands in no file."""
    alone = ScenarioFile(schema=1, title=value.type, value=[value])
    return tuple(_round_trips(alone, scenario, scenario))


def _round_trips(parsed: ScenarioFile, name: str, where: str) -> Iterator[Cell]:
    """The cells of the `[[value]]` tables; COPY needs a table of its own."""
    fixture = parsed.fixture or FixtureTable(sql="")
    for value in parsed.value:
        here = f"{where}, value '{value.name or value.type}'"
        for literal, raw in cases(value):
            copies = raw["op"] == Op.COPY_IN
            table = f";\ncreate table v (v {value.type})" if copies else ""
            own = {"sql": fixture.sql.rstrip().rstrip(";") + table, "scope": fixture.scope}
            if copies:
                own |= {"scope": "trial", "reset": "truncate v"}
            case = convert(raw, CaseTable, here)
            point = (("value", literal),)
            yield make(parsed, case, name, point, own, here, round_trip=True)


def _name(file: Path, where: str) -> str:
    try:
        return file.resolve().relative_to(_library()).with_suffix("").as_posix()
    except ValueError:
        return check_name(file.stem, where)
