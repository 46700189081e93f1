"""Scenario files: TOML → cells, strictly; it may know core, plugin, values and judge.

Parsing has three steps, each of which can only fail with a `ScenarioError` that names
the file, the case and the key: bytes to tables (`reading`, `form`), axes to points
(`axes`), and filled tables to `harness.core.cells.Cell` (`cells`, `steps`, `rules`).
Nothing outside this room sees a file's text. docs/scenario-format.md is the reference.
"""

from harness.scenario.files import (
    Scenario,
    json_schema,
    library,
    load,
    names,
    value_cells,
)
from harness.scenario.reading import check_name
from harness.scenario.select import select, select_cells

__all__ = [
    "Scenario",
    "check_name",
    "json_schema",
    "library",
    "load",
    "names",
    "select",
    "select_cells",
    "value_cells",
]
