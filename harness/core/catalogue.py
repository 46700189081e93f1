"""Which cells there are, as far as somebody has read the scenarios."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The ids of all cells of the scenarios that were `read`, and the `names` of all that
    there are: to read them all takes longer than many a check of one."""

    cells: frozenset[str]
    read: frozenset[str]
    names: frozenset[str]

    def lacks(self, cell: str) -> bool:
        """Whether there is surely no such cell."""
        scenario = cell.partition("#")[0]
        if scenario in self.read:
            return cell not in self.cells
        return scenario not in self.names

    @property
    def unread(self) -> frozenset[str]:
        """The names of scenarios whose cells nobody knows."""
        return self.names - self.read
