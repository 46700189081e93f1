"""The section 'Machines': what one machine after the other says, and what to expect on
another one like these."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.machines import AcrossMachines, MachineFacts, Machines
from harness.core.stats import MIN_BLOCKS, Estimate
from harness.report import format as fmt
from harness.results.records import CellFacts

_FIRST = ("CPU", "cores", "memory", "virtual", "system", "kernel", "Python", "PostgreSQL")
"""The facts that tell most about a machine, before all others."""
_SOME = 3
"""So many cells are named in a sentence."""


@dataclass(frozen=True, slots=True)
class MachineDot:
    """A driver's ratio on one machine, by the machine's name."""

    machine: str
    ratio: Estimate
    runs: int


@dataclass(frozen=True, slots=True)
class DriverAcross:
    """A driver over all machines: ratios to the base, below 1 where it is faster.

    `mean` and `prediction` are None of fewer than five machines; `spread` is the factor by
    which a typical machine is off the mean, `between` the share of the variance that lies
    between machines.
    """

    arm: str
    dots: tuple[MachineDot, ...]
    mean: Estimate | None
    prediction: Estimate | None
    spread: float | None
    between: float | None
    faster: int
    slower: int

    @property
    def turns(self) -> bool:
        """Whether it is faster on some machines and slower on others."""
        return bool(self.faster and self.slower)

    @property
    def settled(self) -> bool:
        """Whether another machine is expected to show the same direction."""
        found = self.prediction
        if found is None or found.low is None or found.high is None:
            return False
        return found.high < 1 or found.low > 1

    @property
    def direction(self) -> str:
        """`faster on 3 of 7, slower on 4`."""
        total = len(self.dots)
        parts = [("faster", self.faster), ("slower", self.slower)]
        told = [(word, count) for word, count in parts if count]
        if not told:
            return f"no difference on any of {total}"
        word, count = told[0]
        first = (
            f"{word} on all {total}" if count == total else f"{word} on {count} of {total}"
        )
        return ", ".join([first, *(f"{word} on {count}" for word, count in told[1:])])


@dataclass(frozen=True, slots=True)
class CellAcross:
    """A question over all machines; `server` is empty unless several versions were
    asked."""

    facts: CellFacts
    server: str
    rows: tuple[DriverAcross, ...]

    @property
    def title(self) -> str:
        """The question as readers see it: title, point, server."""
        point = ", ".join(f"{name} = {value}" for name, value in self.facts.point.items())
        server = f"PostgreSQL {self.server}" if self.server else ""
        extra = ", ".join(filter(None, (point, server)))
        return f"{self.facts.title or self.facts.id}" + (f" ({extra})" if extra else "")


@dataclass(frozen=True, slots=True)
class MachineRow:
    """A machine's line in the table: its name, how many runs it made, what differs."""

    name: str
    runs: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MachinesView:
    """Everything that is said of machines. `differs` heads the columns of `machines`,
    `common` is what all have; `conclusion` is what may be said, in a sentence or two."""

    base: str
    machines: tuple[MachineRow, ...]
    differs: tuple[str, ...]
    common: str
    cells: tuple[CellAcross, ...]
    notes: tuple[str, ...]
    conclusion: str

    @property
    def enough(self) -> bool:
        """Whether any ratio is known of enough machines to expect something of others."""
        return any(row.mean for cell in self.cells for row in cell.rows)


def machines_view(found: Machines) -> MachinesView | None:
    """The section, if there are several machines."""
    if len(found.machines) < 2 or not found.ratios:
        return None
    names = tuple(f"m{number}" for number in range(1, len(found.machines) + 1))
    differs, common = _told_apart(found.machines)
    rows = (
        MachineRow(name, facts.runs, tuple(_value(facts, fact) for fact in differs))
        for name, facts in zip(names, found.machines, strict=True)
    )
    cells = tuple(_cells(found, names))
    return MachinesView(
        base=found.base,
        machines=tuple(rows),
        differs=differs,
        common=", ".join(common),
        cells=cells,
        notes=tuple(_notes(found)),
        conclusion=_conclusion(found, [row for cell in cells for row in cell.rows]),
    )


# --- ratios -------------------------------------------------------------------------------


def _cells(found: Machines, names: Sequence[str]) -> Iterator[CellAcross]:
    several = len({across.key.server for across in found.ratios}) > 1
    grouped: dict[tuple[str, str], list[AcrossMachines]] = {}
    for across in found.ratios:
        if len(across.machines) > 1:
            grouped.setdefault((across.key.cell, across.key.server), []).append(across)
    for (_, server), some in sorted(grouped.items()):
        rows = tuple(_driver(across, names) for across in some)
        yield CellAcross(some[0].facts, server if several else "", rows)


def _driver(across: AcrossMachines, names: Sequence[str]) -> DriverAcross:
    together = across.together
    prediction = None
    if together is not None:
        low, high = together.prediction
        mean = together.mean
        prediction = Estimate(mean.point, low, high, mean.n, mean.confidence).exp()
    return DriverAcross(
        arm=across.key.arm,
        dots=tuple(
            MachineDot(names[found.machine], found.ratio.exp(), found.runs)
            for found in across.machines
        ),
        mean=together.mean.exp() if together else None,
        prediction=prediction,
        spread=math.exp(together.tau) if together else None,
        between=together.i2 if together else None,
        faster=across.faster,
        slower=across.slower,
    )


# --- machines -----------------------------------------------------------------------------


def _told_apart(machines: Sequence[MachineFacts]) -> tuple[tuple[str, ...], list[str]]:
    """The names of what differs between machines, and what all of them have."""
    named = [name for facts in machines for name in facts.seen if name not in _FIRST]
    differs, common = [], []
    for name in dict.fromkeys((*_FIRST, *named)):
        values = {_value(facts, name) for facts in machines} - {""}
        if len(values) > 1:
            differs.append(name)
        elif name in _FIRST and values:
            common.append(f"{name} {values.pop()}")
    return tuple(differs), common


def _value(facts: MachineFacts, name: str) -> str:
    machine = facts.machine
    own = {
        "CPU": machine.cpu,
        "cores": str(machine.cores),
        "memory": f"{machine.memory_bytes / 2**30:.1f} GiB",
        "virtual": machine.virtual or "no",
        "system": machine.system,
    }
    return own.get(name) or facts.value(name)


# --- sentences ----------------------------------------------------------------------------


def _notes(found: Machines) -> Iterator[str]:
    runs = sum(facts.runs for facts in found.machines)
    if runs > len(found.machines):
        yield (
            f"{runs} runs on {len(found.machines)} machines: the runs of a machine count "
            "once, as their mean, with an interval that holds all of theirs."
        )
    if found.unlike:
        yield (
            f"{fmt.plural(len(found.unlike), 'question')} not asked alike in all runs; of "
            f"these only what was asked first is in: {_some(found.unlike)}."
        )
    if found.without_base:
        yield (
            f"{fmt.plural(len(found.without_base), 'question')} in which {found.base} has "
            f"no time: {_some(found.without_base)}."
        )


def _some(cells: Sequence[str]) -> str:
    """The first cells, and how many more there are."""
    more = len(cells) - _SOME
    return ", ".join([*cells[:_SOME], *([f"and {more:,} more"] if more > 0 else [])])


def _conclusion(found: Machines, rows: Sequence[DriverAcross]) -> str:
    count = len(found.machines)
    parts = [
        f"{count} machines, {fmt.plural(len(rows), 'ratio')} to {found.base}.",
        *_expected(count, rows),
    ]
    if turns := sum(row.turns for row in rows):
        verb = "has" if turns == 1 else "have"
        parts.append(f"{turns} {verb} another direction on some machines than on others.")
    return " ".join(parts)


def _expected(count: int, rows: Sequence[DriverAcross]) -> Iterator[str]:
    """What may be said of machines that were not measured."""
    known = [row for row in rows if row.mean]
    if not known and count >= MIN_BLOCKS:
        yield f"No ratio has an interval on {MIN_BLOCKS} machines: nothing can be expected."
        return
    if not known:
        yield f"They are too few to say what to expect elsewhere: that takes {MIN_BLOCKS}."
        return
    settled = sum(row.settled for row in known)
    yield (
        f"Another machine like these is expected to show the same direction in {settled} "
        f"of {len(known)}: the whole prediction interval is on one side of 1."
    )
    if few := len(rows) - len(known):
        yield f"{few} more were timed on fewer than {MIN_BLOCKS} machines."
