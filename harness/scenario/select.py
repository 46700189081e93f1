"""Paths of a command line → scenarios and cells: names, families, files and cases."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.core.cells import Cell
from harness.core.conditions import asked
from harness.core.errors import ScenarioError
from harness.scenario.files import Scenario, library, load
from harness.scenario.slips import label, nearest, shown

Identity = tuple[int, int] | str
"""Of a file: a link to it is the same file."""


def select(paths: list[str]) -> list[Scenario]:
    """Scenarios by name (`copy/in`), family (`copy`) or TOML file; all when empty.

    Raises:
        ScenarioError: a path names nothing, or a file is wrong.
    """
    files: dict[Identity, Path] = {}
    for path in paths or _families():
        for file in _files(path):
            files.setdefault(_identity(file), file)
    return [load(file) for file in files.values()]


def select_cells(paths: list[str]) -> tuple[list[Scenario], list[Cell]]:
    """Like `select`, where a path may also end in `#case` or `#case@axis=value,…`, which is
    all points with these values, and a condition may stand behind each: `[via=tls]`."""
    scenarios: dict[Identity, Scenario] = {}
    cells: dict[str, Cell] = {}
    for path in paths or _families():
        plain, condition = asked(path)
        for scenario, chosen in _chosen(plain):
            known = scenarios.setdefault(_identity(Path(scenario.path)), scenario)
            _no_namesakes(known, scenarios.values())
            # Through a link the same file may have another name: the first one holds.
            wanted = {_local(cell) for cell in chosen}
            for cell in known.cells:
                if _local(cell) in wanted:
                    (meant,) = cell.under([condition])
                    cells[meant.id] = meant
    return list(scenarios.values()), list(cells.values())


def _chosen(path: str) -> list[tuple[Scenario, list[Cell]]]:
    """The scenarios that one path names, with those of their cells that it means."""
    file, _, case = path.partition("#")
    found = [
        (scenario, [cell for cell in scenario.cells if not case or _is_called(cell, case)])
        for scenario in select([file])
    ]
    if not any(cells for _, cells in found):
        raise _no_case(
            path, case, [cell for scenario, _ in found for cell in scenario.cells]
        )
    return found


def _no_case(path: str, case: str, cells: Iterable[Cell]) -> ScenarioError:
    """Which case was probably meant, or which points there are of it."""
    name = case.partition("@")[0]
    points = [f"#{_local(cell)}" for cell in cells if cell.case == name]
    if points:
        return ScenarioError(
            f"{path} is no sweep point of '{name}'",
            hint=nearest(f"#{case}", points, "its points").replace("`", ""),
        )
    return ScenarioError(
        f"no case is called {path}",
        hint=_near(case, [cell.case for cell in cells], "pgdyno list cases"),
    )


def _near(name: str, known: Iterable[str], otherwise: str) -> str:
    """The nearest name as advice, or what shows all of them."""
    hint = nearest(name, list(known)).replace("`", "")
    return hint if hint.startswith("did") else otherwise


def _is_called(cell: Cell, case: str) -> bool:
    """Whether a cell is meant: by its case, its own name, or some values of its axes."""
    if case in (cell.case, _local(cell)):
        return True
    name, _, values = case.partition("@")
    point = {f"{axis}={value}" for axis, value in cell.point}
    return cell.case == name and bool(values) and point.issuperset(values.split(","))


def _local(cell: Cell) -> str:
    """A cell's name within its file."""
    return cell.id.partition("#")[2]


def _identity(file: Path) -> Identity:
    try:
        found = file.stat()
    except (OSError, ValueError):
        return str(file)  # reading it will say what is the matter
    return found.st_dev, found.st_ino


def _families() -> list[str]:
    root = library()
    return sorted({file.relative_to(root).parts[0] for file in root.rglob("*.toml")})


def _files(path: str) -> list[Path]:
    """The files that a path names, existing ones only.

    Raises:
        ScenarioError: none, with the nearest name.
    """
    if not path or "\0" in path:
        raise ScenarioError(
            f"{shown(path)} is not a scenario", hint="pgdyno list scenarios"
        )
    try:
        return _found(path)
    except OSError as error:
        raise ScenarioError(f"{label(path)} cannot be read: {error.strerror}") from None


def _found(path: str) -> list[Path]:
    root, own = library(), Path(path)
    if own.suffix == ".toml" and not own.is_dir():
        if not own.exists():
            raise ScenarioError(f"{label(path)}: there is no such file")
        return [own]
    if (root / f"{path}.toml").is_file():
        return [root / f"{path}.toml"]
    for folder in (root / path, own):
        if folder.is_dir() and (files := sorted(folder.rglob("*.toml"))):
            return files
    if own.is_dir():
        raise ScenarioError(f"the folder {label(path)} has no TOML file")
    names = [str(file.relative_to(root).with_suffix("")) for file in root.rglob("*.toml")]
    known = [*names, *{name.split("/")[0] for name in names}]
    raise ScenarioError(
        f"{shown(path)} is not a scenario, a family or a TOML file",
        hint=_near(path, known, "pgdyno list scenarios"),
    )


def _no_namesakes(scenario: Scenario, scenarios: Iterable[Scenario]) -> None:
    """Results know a scenario by its name, and a file outside by its stem only."""
    for other in scenarios:
        if other is not scenario and other.name == scenario.name:
            raise ScenarioError(
                f"{other.path} and {scenario.path} are both called '{scenario.name}'",
                hint="rename one",
            )
