"""What a reader calls each question: its title, and what tells it from its neighbours.

Scenarios give titles. A title that many cells share (`Numbers`, of 112) gets the name of
the case, a cell of a sweep its place on the axes: `Numbers – int4 one past max`,
`COPY in, from rows (format = binary, rows = 1000)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from harness.results.records import CellFacts


def titles(cells: Iterable[CellFacts]) -> dict[str, str]:
    """The title of each cell by its id; no two of them are alike."""
    facts = {cell.id: cell for cell in cells}
    cases: dict[str, set[str]] = {}
    for cell in facts.values():
        cases.setdefault(cell.title, set()).add(cell.case)
    told = {id_: _title(cell, alone=len(cases[cell.title]) == 1)
            for id_, cell in facts.items()}  # fmt: skip
    seen = Counter(told.values())
    return {
        id_: title if seen[title] == 1 else f"{title} – {_where(facts[id_])}"
        for id_, title in told.items()
    }


def _title(cell: CellFacts, *, alone: bool) -> str:
    if not cell.title:
        return cell.id
    shared = plain(cell.title)
    name = "" if alone else f" – {_words(cell.case)}"
    place = place_of(cell.point)
    return f"{shared}{name} ({place})" if place else f"{shared}{name}"


def plain(title: str) -> str:
    """A scenario's title without the marks of code in it."""
    return title.replace("`", "")


def place_of(point: Mapping[str, object]) -> str:
    """A place on axes: `rows = 100, format = csv`; of a type's values the value alone."""
    told = (
        _value(str(value)) if name == "value" else f"{name} = {value}"
        for name, value in point.items()
    )
    return ", ".join(told)


def _where(cell: CellFacts) -> str:
    """What is left to tell two of one name and place apart: where they are."""
    return f"{cell.scenario}#{cell.id.partition('#')[2]}"


def _value(name: str) -> str:
    """What a scenario calls a value: words, or the value with its own hyphens."""
    spaced = name.replace("_", " ")
    return spaced if any(map(str.isdigit, name)) else spaced.replace("-", " ").strip()


def _words(case: str) -> str:
    return case.replace("_", " ").replace("-", " ")
