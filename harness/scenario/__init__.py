"""Scenario files: TOML → cells, strictly. docs/scenario-format.md is the reference.

Parsing has three steps, each of which can only fail with a `ScenarioError` that names
the file and the key: TOML to tables (an unknown key is an error that knows the nearest
key), axes to points, and filled tables to `harness.core.cells.Cell`. Nothing outside this
package sees a file's text.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import msgspec

from harness.core.calls import Op
from harness.core.cells import Cell
from harness.core.errors import ScenarioError
from harness.scenario.axes import expand
from harness.scenario.cells import make
from harness.scenario.literals import cases
from harness.scenario.tables import (
    CaseTable,
    FixtureTable,
    ScenarioFile,
    ValueTable,
    convert,
    json_schema,
)

__all__ = [
    "Scenario",
    "json_schema",
    "library",
    "load",
    "select",
    "select_cells",
    "value_cells",
]


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


def select(paths: list[str]) -> list[Scenario]:
    """Scenarios by name (`copy/in`), family (`copy`) or TOML file; all when empty.

    Raises:
        ScenarioError: a path names nothing, or a file is wrong.
    """
    named = paths or _families()
    files = {file.resolve(): file for path in named for file in _files(path)}
    return [load(file) for file in files.values()]


def select_cells(paths: list[str]) -> tuple[list[Scenario], list[Cell]]:
    """Like `select`, where a path may also end in `#case` or `#case@axis=value,…`."""
    scenarios: dict[str, Scenario] = {}
    cells: dict[tuple[str, str], Cell] = {}
    for path in paths or _families():
        for scenario, chosen in _chosen(path):
            file = str(Path(scenario.path).resolve())
            scenarios.setdefault(file, scenario)
            cells.update({(file, cell.id): cell for cell in chosen})
    _no_namesakes(scenarios.values())
    return list(scenarios.values()), list(cells.values())


def _chosen(path: str) -> list[tuple[Scenario, list[Cell]]]:
    """The scenarios that one path names, with those of their cells that it means."""
    file, _, case = path.partition("#")
    found = [
        (scenario, [cell for cell in scenario.cells if not case or _is_called(cell, case)])
        for scenario in select([file])
    ]
    if not any(cells for _, cells in found):
        raise ScenarioError(f"no case is called {path}", hint="pgdyno list cases")
    return found


def _is_called(cell: Cell, case: str) -> bool:
    return case in (cell.case, cell.id.partition("#")[2])


def _families() -> list[str]:
    root = library()
    return sorted({file.relative_to(root).parts[0] for file in root.rglob("*.toml")})


def _files(path: str) -> list[Path]:
    root = library()
    own = Path(path)
    if own.suffix == ".toml":
        if not own.is_file():
            raise ScenarioError(f"{path}: there is no such file")
        return [own]
    if (root / f"{path}.toml").is_file():
        return [root / f"{path}.toml"]
    if path and (root / path).is_dir():
        return sorted((root / path).rglob("*.toml"))
    if path and own.is_dir() and (files := sorted(own.rglob("*.toml"))):
        return files
    names = [str(file.relative_to(root).with_suffix("")) for file in root.rglob("*.toml")]
    near = difflib.get_close_matches(path, [*names, *{n.split("/")[0] for n in names}], 3)
    raise ScenarioError(
        f"'{path}' is not a scenario, a family or a TOML file",
        hint=f"did you mean {', '.join(near)}?" if near else "pgdyno list scenarios",
    )


def load(file: Path) -> Scenario:
    """Read and expand one scenario file; raises `ScenarioError`."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{file} cannot be read: {error}") from error
    return _expanded(file, text)


@cache
def _expanded(file: Path, text: str) -> Scenario:
    """A command looks at its own scenarios and at the whole library: once is enough."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{file}: not TOML: {error}") from error
    parsed = convert(raw, ScenarioFile, str(file))
    name = _name(file)
    written = tuple(
        cell
        for index, case in enumerate(parsed.case)
        for cell in expand(
            parsed, case, raw["case"][index], name, f"{file}, case '{case.name}'"
        )
    )
    _no_duplicates(file, [case.name for case in parsed.case])
    values = tuple(_round_trips(parsed, name, str(file)))
    _no_duplicates(file, [cell.id for cell in values])
    if not written and not values:
        raise ScenarioError(f"{file}: it has neither a [[case]] nor a [[value]]")
    return Scenario(
        name=name,
        title=parsed.title,
        why=parsed.why.strip(),
        path=str(file),
        cells=written + values,
    )


def value_cells(value: ValueTable, scenario: str) -> tuple[Cell, ...]:
    """The cells of one `[[value]]` that stands in no file."""
    alone = ScenarioFile(schema=1, title=value.type, why=value.type, value=[value])
    return tuple(_round_trips(alone, scenario, scenario))


def _round_trips(parsed: ScenarioFile, name: str, where: str) -> Iterator[Cell]:
    """The cells of the `[[value]]` tables; COPY needs a table of its own."""
    fixture = parsed.fixture or FixtureTable(sql="")
    for value in parsed.value:
        for literal, raw in cases(value):
            copies = raw["op"] == Op.COPY_IN
            table = f";\ncreate table v (v {value.type})" if copies else ""
            own = {"sql": fixture.sql.rstrip().rstrip(";") + table, "scope": fixture.scope}
            if copies:
                own |= {"scope": "trial", "reset": "truncate v"}
            case = convert(raw, CaseTable, f"{where}, value {value.type}")
            point = (("value", literal),)
            yield make(parsed, case, name, point, own, f"{where}, value {value.type}")


def _name(file: Path) -> str:
    try:
        return file.resolve().relative_to(library().resolve()).with_suffix("").as_posix()
    except ValueError:
        return file.stem


def _no_namesakes(scenarios: Iterable[Scenario]) -> None:
    """Results know a scenario by its name, and a file outside by its stem only."""
    by_name: dict[str, Scenario] = {}
    for one in scenarios:
        other = by_name.setdefault(one.name, one)
        if other is not one:
            raise ScenarioError(
                f"{other.path} and {one.path} are both called '{one.name}'",
                hint="rename one",
            )


def _no_duplicates(file: Path, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ScenarioError(f"{file}: two cases are called '{name}'", hint="rename one")
