"""The one cell that a command line names, wherever its file is."""

from __future__ import annotations

import argparse
import glob
from collections.abc import Mapping
from pathlib import Path

from harness.cli import options
from harness.core.cells import Cell


def only_cell(path: str) -> Cell:
    """The one cell that a path names.

    Raises:
        UsageError: it names several.
        ScenarioError: it names none.
    """
    from harness.core.errors import UsageError
    from harness.scenario import select_cells

    scenarios, cells = select_cells([_with_its_file(path)])
    if len(cells) == 1:
        return cells[0]
    files = {
        scenario.name: scenario.path for scenario in scenarios if "/" not in scenario.name
    }
    some = ", ".join(_asked_for(cell, files) for cell in cells[:3])
    raise UsageError(f"{path} names {len(cells)} cells", hint=f"name one: {some}, …")


def under_condition(args: argparse.Namespace, cell: Cell) -> Cell:
    """The cell as it is to be reached.

    Raises:
        UsageError: in several ways, or it is one of steps, which connect by themselves.
    """
    from harness.core.errors import UsageError

    found = options.checked_under_conditions(args, [cell])
    if not found:
        raise UsageError("a case of steps connects by itself", hint="no --via, no --rtt")
    if len(found) > 1:
        ids = ", ".join(each.id for each in found[:3])
        raise UsageError(f"{len(found)} conditions, one can be shown", hint=f"name: {ids}")
    return found[0]


def _asked_for(cell: Cell, files: Mapping[str, str]) -> str:
    """What `only_cell` takes for a cell, wherever its file is."""
    file = files.get(cell.scenario, cell.scenario)
    return f"{file}#{cell.id.partition('#')[2]}"


def _with_its_file(path: str) -> str:
    """A cell of a file of one's own is called by the file's stem; with the file, if it is
    here or up to two folders below."""
    from harness import scenario
    from harness.core.errors import ScenarioError, UsageError

    name, _, case = path.partition("#")
    try:
        scenario.select([name])
    except ScenarioError as error:
        if "/" in name or not name or name.endswith(".toml"):
            raise
        pattern = f"{glob.escape(name)}.toml"
        found = [
            file for above in ("", "*/", "*/*/") for file in Path().glob(above + pattern)
        ]
        if not found:
            error.hint = f"a file of your own is named by its path: {_path_of(name, case)}"
            raise
        if len(found) > 1:
            files = ", ".join(map(str, found[:3]))
            raise UsageError(
                f"several files are called {name}.toml: {files}",
                hint=f"name one by its path: {found[0]}#{case}",
            ) from None
        return f"{found[0]}#{case}"
    return path


def _path_of(name: str, case: str) -> str:
    """How a cell of a file of one's own is named for certain."""
    return f"pgdyno show PATH/{name}.toml#{case or 'CASE'}"
