"""Who plays which cell, in which order, and in whose session. Pure.

Each arm has a seat. A driver with many cases of steps has further ones for them: they wait
a lot, and others may work meanwhile.
"""

from __future__ import annotations

import queue
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from harness.core.arms import Arm
from harness.core.calls import Op
from harness.core.cells import Cell
from harness.core.verdicts import Judgement
from harness.results.records import Check
from harness.venue.stage import Playable, is_bare

FURTHER_SEATS = 2
"""So many seats a driver may have beside those of its arms."""
BATCH = 25
"""So many cells without a fixture are prepared and then queued, by one preparer."""
FIRST = 3
MANY_STEPS = 30
"""So many cases of steps are worth the start of a further worker."""

# What a seat works on: a cell to play, or a cell that cannot be played, with the reason.
Work = tuple[Cell, Playable | Judgement]

Plays = Callable[[Arm, Cell], bool]
"""Whether an arm plays a cell."""

_READING = (Op.FETCH_ALL, Op.FETCH_ONE, Op.FETCH_VAL, Op.FETCH_ARROW)
_WRITING = (Op.EXECUTE, Op.EXECUTE_MANY, Op.COPY_IN)
_READS = re.compile(r"\s*(select|values|table|with)\b", re.IGNORECASE)
_LEAVES_TRACES = re.compile(
    r"\b(insert|update|delete|merge|into|current_setting|set_config|setseed|nextval|setval"
    r"|currval|lastval|lo_\w+|txid_\w+|pg_(?!typeof|sleep|catalog)\w+)\b",
    re.IGNORECASE,
)
"""What changes a session, or shows what was done in it."""


@dataclass(frozen=True, slots=True, eq=False)
class SeatQueue:
    """What one seat has to play; `alone` when all others are done."""

    arm: Arm
    cells: frozenset[str]
    number: int = 0
    work: queue.SimpleQueue[Work | None] = field(default_factory=queue.SimpleQueue)
    alone: list[Work] = field(default_factory=list)

    def put(self, work: Work) -> None:
        """Queue a cell if it is this seat's."""
        if work[0].id not in self.cells:
            return
        if work[0].expect.sessions is None:
            self.work.put(work)
        else:
            self.alone.append(work)


def queues(
    cells: Sequence[Cell], arms: Sequence[Arm], wanted: Plays | None = None
) -> list[SeatQueue]:
    """A queue for each seat: the arms' own first, then the further ones for steps.

    `wanted` says who plays what, where that is not for the cells to say.
    """
    own, further = [], []
    for arm in arms:
        played = [
            cell
            for cell in cells
            if (wanted(arm, cell) if wanted else plays(arm, cell, arms))
        ]
        shares = _shares([cell for cell in played if cell.steps])
        if shares and sum(not cell.steps for cell in played) < MANY_STEPS:
            shares.pop()  # its own seat has little else to do
        steps = frozenset().union(*shares)
        own.append(SeatQueue(arm, frozenset(cell.id for cell in played) - steps))
        for number, share in enumerate(shares, 1):
            further.append(SeatQueue(arm, frozenset(share), number))
    return own + further


def _shares(steps: Sequence[Cell]) -> list[set[str]]:
    """Cases of steps as further seats play them, whole scenarios at a time; none where
    they are few."""
    shares: list[set[str]] = [
        set() for _ in range(min(FURTHER_SEATS, len(steps) // MANY_STEPS))
    ]
    scenarios: dict[str, set[str]] = {}
    for cell in steps:
        scenarios.setdefault(cell.scenario, set()).add(cell.id)
    for share in scenarios.values() if shares else ():
        min(shares, key=len).update(share)
    return shares


def further_seats(arms: Sequence[Arm]) -> int:
    """How many seats a check may have beside the arms' own."""
    return FURTHER_SEATS * len({arm.name for arm in arms})


def plays(arm: Arm, cell: Cell, arms: Sequence[Arm]) -> bool:
    """Whether an arm plays a cell: those for which a profile makes no difference, such
    as steps, are played once for each driver."""
    first = next(other for other in arms if other.name == arm.name)
    return not cell.once or arm is first


def number_of_checks(cells: Sequence[Cell], arms: Sequence[Arm]) -> int:
    """How many checks a run of these cells and arms is."""
    return sum(plays(arm, cell, arms) for cell in cells for arm in arms)


def batches(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells as they are prepared: those of one fixture by one preparer, in groups.

    A few that read come first, for the first verdicts; then the cases of steps, because
    they take long and little is asked about them.
    """
    found: dict[object, list[Cell]] = {}
    bare = [cell for cell in in_groups(cells) if is_bare(cell)]
    for cell in in_groups(cells):
        if not is_bare(cell):
            found.setdefault((cell.scenario, cell.fixture), []).append(cell)
    rest = [bare[start : start + BATCH] for start in range(FIRST, len(bare), BATCH)]
    return [bare[:FIRST], *sorted(found.values(), key=_is_plain), *rest]


def _is_plain(batch: Sequence[Cell]) -> bool:
    return not all(cell.steps for cell in batch)


def in_groups(cells: Sequence[Cell]) -> list[Cell]:
    """Cells of one fixture and the same settings in a row, where the next one may have
    the session of the last; the groups of a scenario in a row."""
    rank: dict[object, int] = {}
    for cell in cells:
        rank.setdefault(_place(cell), len(rank))
        rank.setdefault(_group(cell), len(rank))
    return sorted(cells, key=lambda cell: (rank[_place(cell)], rank[_group(cell)]))


def _place(cell: Cell) -> str:
    """A scenario; what has no fixture is played in one place, whatever its scenario."""
    return cell.scenario if cell.fixture.sql else ""


def _group(cell: Cell) -> tuple[object, ...]:
    return (
        _place(cell),
        cell.fixture,
        cell.settings,
        cell.search_path,
        shares_session(cell),
    )


def shares_session(cell: Cell) -> bool:
    """Whether a cell leaves the session as it was, and does not ask about it: then the
    cell before it may have had it, and the one after it may have it."""
    if cell.round_trip:
        return True
    if cell.steps or cell.pool or cell.clients or cell.expect.sessions is not None:
        return False
    if cell.op in _READING and not cell.expect.state:
        return bool(_READS.match(cell.sql)) and not _LEAVES_TRACES.search(cell.sql)
    reset = cell.fixture.reset or (cell.bench.reset if cell.bench else "")
    fails = cell.expect.error or cell.expect.rejected or cell.expect.trait
    return cell.op in _WRITING and bool(cell.expect.state and reset) and not fails


def in_order(
    checks: Iterable[Check], cells: Sequence[Cell], arms: Sequence[Arm]
) -> list[Check]:
    """Checks in the order of the scenario files and arms, whatever finished first."""
    cell_rank = {cell.id: rank for rank, cell in enumerate(cells)}
    arm_rank = {(arm.name, str(arm.profile)): rank for rank, arm in enumerate(arms)}
    return sorted(checks, key=lambda c: (cell_rank[c.cell], arm_rank[c.driver, c.profile]))
