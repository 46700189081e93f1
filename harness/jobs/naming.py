"""Cells as paths: these alone, short where a whole case, scenario or family is meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.core.cells import Cell
from harness.jobs.packing import grouped
from harness.scenario import Scenario, names


class Paths:
    """What paths there are to the cells of some scenarios, of those that a verb takes."""

    def __init__(self, scenarios: Sequence[Scenario], taken: Iterable[Cell]) -> None:
        """`taken` are all cells that the verb would take of these scenarios."""
        self._files = {scenario.name: scenario.path for scenario in scenarios}
        nothing: dict[str, list[Cell]] = {scenario.name: [] for scenario in scenarios}
        self._taken = nothing | grouped(taken, lambda cell: cell.scenario)
        self._families: dict[str, set[str]] = {}
        for name in names():
            self._families.setdefault(name.partition("/")[0], set()).add(name)

    def to(self, cells: Sequence[Cell]) -> dict[str, list[Cell]]:
        """The fewest paths that name just these cells, each with what it names."""
        found: dict[str, list[Cell]] = {}
        for mark, group in grouped(cells, lambda cell: cell.condition.mark).items():
            found |= self._under(mark, group)
        return found

    def _under(self, mark: str, cells: Sequence[Cell]) -> dict[str, list[Cell]]:
        """The same of cells under the condition with this mark."""
        of = grouped(cells, lambda cell: cell.scenario)
        whole = {name for name, own in of.items() if len(own) == len(self._taken[name])}
        found: dict[str, list[Cell]] = {}
        for name, own in of.items():
            family = name.partition("/")[0]
            if self._is_whole(family, whole):
                found.setdefault(family + mark, []).extend(own)
            elif name in whole:
                found[self._file(name) + mark] = own
            else:
                found |= self._inside(name, mark, own)
        return found

    def _is_whole(self, family: str, whole: set[str]) -> bool:
        """Whether all scenarios of a family are: those of which nothing is taken, too."""
        return family in self._families and all(
            name in whole or self._taken.get(name) == [] for name in self._families[family]
        )

    def _inside(self, name: str, mark: str, cells: Sequence[Cell]) -> dict[str, list[Cell]]:
        """Whole cases of a scenario, and single cells."""
        found: dict[str, list[Cell]] = {}
        file = self._file(name)
        for case, own in grouped(cells, lambda cell: cell.case).items():
            if len(own) == sum(cell.case == case for cell in self._taken[name]):
                found[f"{file}#{case}{mark}"] = own
            else:
                found |= {f"{file}#{cell.local_id}": [cell] for cell in own}
        return found

    def _file(self, name: str) -> str:
        """How a command line calls a scenario: one from elsewhere by its file."""
        return name if "/" in name else self._files[name]
