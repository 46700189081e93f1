"""Which driver to take for what: a sentence for each task, computed from the runs.

A task's questions are the timed cells whose scenario is tagged with it. A driver wins a
question if it is the fastest, or cannot be told from it, in every run that ranked it. The
answer names who wins most questions, or all of those who do; how fast that is comes from
the question in which most drivers are ranked. The catch is what else was seen of the
winners at this task.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.core.purposes import PURPOSES
from harness.core.verdicts import Verdict
from harness.core.words import listed
from harness.report import format as fmt
from harness.report import wording
from harness.report.cards import NOT_ASKED, verdicts_by_driver
from harness.report.cells import CellView, RankGroup, Row
from harness.report.checked import Cause, causes
from harness.results.records import Check

SILENT = "Silent changes"
_KINDS: Mapping[str, str] = {
    "threads": "each in a thread",
    "tasks": "each an asyncio task",
    "": "calls at a fixed rate",
}
"""What a kind of client is called where a task has several."""
_CATCHES: Mapping[Verdict, str] = {
    Verdict.BROKEN: "breaks the session",
    Verdict.CRASHED: "crashes",
    Verdict.HUNG: "can stop for ever",
    Verdict.LOSSY: "silently changes a value",
}


@dataclass(frozen=True, slots=True)
class Pointer:
    """A sentence about a driver, and the cell that shows it."""

    text: str
    cell: str
    driver: str

    def __str__(self) -> str:
        """Both, for where nothing can be a link."""
        return f"{self.text} ({self.cell})"


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """What a reader is told of a task.

    `figure` is the rate with its interval and `what` the question that it is of, `wins` in
    how many of its questions that holds, `others` how much slower the next driver is.
    `cell` is the evidence, or `driver` whose wrong checks are; `catches` are sentences
    about the winners, `examples` what was changed into what.
    """

    task: str
    winners: tuple[str, ...]
    verb: str
    figure: str = ""
    what: str = ""
    wins: str = ""
    others: str = ""
    catches: tuple[Pointer, ...] = ()
    examples: tuple[Pointer, ...] = ()
    cell: str = ""
    driver: str = ""

    @property
    def rest(self) -> str:
        """What stands behind the figure."""
        said = "; ".join(filter(None, (self.what, self.wins, self.others)))
        return f"{said}." if said else ""

    @property
    def sentence(self) -> str:
        """All of it but the catch."""
        said = f"{listed(self.winners)} {self.verb}".lstrip()
        return " ".join(
            filter(
                None, (f"{said}: {self.figure}." if self.figure else f"{said}.", self.rest)
            )
        )


def answers(cells: Sequence[CellView], checks: Sequence[Check]) -> tuple[TaskAnswer, ...]:
    """The answers that these cells and checks can give, in the order of the tasks."""
    found: list[TaskAnswer] = []
    for task, title in PURPOSES.items():
        own = [cell for cell in cells if cell.facts.task == task]
        scenarios = {cell.facts.scenario for cell in own}
        seen = [check for check in checks if check.scenario in scenarios]
        if own:
            found.extend(_of_times(title, own, seen))
    return (*found, *_silent(checks))


# --- a task ---------------------------------------------------------------------------


def _of_times(
    title: str, cells: Sequence[CellView], checks: Sequence[Check]
) -> Iterator[TaskAnswer]:
    """An answer for each kind of client: threads and tasks are two workloads, and whoever
    asks has one of them."""
    leaders = _leaders(cells)
    asked = len({cell.facts.id for cell in cells})
    if not leaders:
        verb = f"Nobody leads: {_unranked(cells, asked)}"
        yield TaskAnswer(title, (), verb, cell=cells[0].facts.id)
    for leader in leaders:
        kind = f", {_KINDS[leader.label]}" if len(leaders) > 1 else ""
        unranked = asked - leader.of if len(leaders) == 1 else 0
        yield _of_kind(f"{title}{kind}", leader, unranked, cells, checks)


def _of_kind(
    title: str,
    leader: _Leader,
    unranked: int,
    cells: Sequence[CellView],
    checks: Sequence[Check],
) -> TaskAnswer:
    winners = leader.arms
    shown, group, row = _shown(cells, leader)
    others = leader.ranked - set(winners)
    whose = f", by {row.arm}" if len(winners) > 1 else ""
    behind = _loss(cells, leader.label, row.arm)
    return TaskAnswer(
        title,
        winners,
        _verb(leader, alone=not others),
        figure=_figure(shown, row),
        what=f"{_title(shown)}{whose}",
        wins=_wins(leader, unranked) if others or len(winners) > 1 else "",
        others="; ".join(filter(None, (_next(group, winners), behind))),
        catches=tuple(_catches(winners, cells, checks)),
        cell=shown.facts.id,
    )


def _loss(cells: Sequence[CellView], label: str, arm: str) -> str:
    """Where a winner is farthest behind the fastest of its kind, if it is at all."""
    behind = [
        (row.ratio.point, cell)
        for cell in cells
        for group in cell.groups
        for row in group.rows
        if group.label == label and row.arm == arm and (row.rank or 0) > 1 and row.ratio
    ]
    if not behind:
        return ""
    ratio, cell = max(behind, key=lambda entry: entry[0])
    return (
        f"at worst, {arm} takes {fmt.times(ratio)} the time of the fastest: {_title(cell)}"
    )


def _unranked(cells: Sequence[CellView], asked: int) -> str:
    if any(row.rank == 1 for cell in cells for row in cell.rows):
        return "the runs disagree about every question"
    where = fmt.plural(asked, "question")
    return f"no exact answer to {where} had quiet rounds enough for a rank"


@dataclass(frozen=True, slots=True)
class _Leader:
    """Who wins most questions of those whose clients are of one kind: `threads`, `tasks`,
    or nothing where there is one client. They win `wins` of `of`, among `ranked`."""

    label: str
    arms: tuple[str, ...]
    wins: int
    of: int
    ranked: frozenset[str]


def _leaders(cells: Sequence[CellView]) -> list[_Leader]:
    """The leaders of each kind of client, if any question has a winner."""
    labels = {group.label for cell in cells for group in cell.groups}
    ordered = sorted(labels, key=lambda label: (not label, label))
    found = (_leader(label, cells) for label in ordered)
    return [leader for leader in found if leader]


def _leader(label: str, cells: Sequence[CellView]) -> _Leader | None:
    firsts: dict[str, list[str]] = {}
    ranked: set[str] = set()
    for cell in cells:
        rows = [row for group in cell.groups if group.label == label for row in group.rows]
        first = [row.arm for row in rows if row.rank == 1]
        ranked.update(row.arm for row in rows if row.rank is not None)
        if first:
            known = firsts.get(cell.facts.id, first)
            firsts[cell.facts.id] = [arm for arm in known if arm in first]
    wins = Counter(arm for arms in firsts.values() for arm in arms)
    if not wins:
        return None
    most = max(wins.values())
    arms = tuple(arm for arm in wins if wins[arm] == most)
    return _Leader(label, arms, most, len(firsts), frozenset(ranked))


def _shown(cells: Sequence[CellView], leader: _Leader) -> tuple[CellView, RankGroup, Row]:
    """The question whose figure is given: one that a winner won, with most drivers."""
    won = [
        (cell, group, row)
        for cell in cells
        for group in cell.groups
        for row in group.rows
        if group.label == leader.label and row.arm == leader.arms[0] and row.rank == 1
    ]
    return max(won, key=lambda found: _telling(found[0], found[1]))


def _telling(cell: CellView, group: RankGroup) -> tuple[bool, int]:
    """A rate says more than a response time, and more drivers say more."""
    return not cell.facts.rate, sum(row.rank is not None for row in group.rows)


def _title(cell: CellView) -> str:
    """The question in words: `COPY into a table (rows = 1000)`."""
    return f"{cell.facts.title} ({cell.point})" if cell.point else cell.facts.title


def _verb(leader: _Leader, *, alone: bool) -> str:
    if len(leader.arms) == 1:
        if alone:
            return "is ranked alone, so nothing compares with it"
        return "is fastest" if leader.wins == leader.of else "is fastest most often"
    if leader.wins == leader.of:
        return "cannot be told apart, and nobody is faster"
    return "are fastest equally often"


def _figure(cell: CellView, row: Row) -> str:
    """`1.02 M rows/s (0.98 – 1.06)`, or of an open loop the response time."""
    assert row.time is not None
    if row.open_loop:
        return f"{fmt.duration(row.time.point)} ({fmt.time_interval(row.time)}) to answer"
    rate = cell.rate(row) or 0.0
    text = f"{fmt.rate(rate)} {cell.facts.unit}/s"
    if row.time.low is None or row.time.high is None:
        return text
    ends = (rate * row.time.point / end for end in (row.time.high, row.time.low))
    return f"{text} ({' – '.join(map(fmt.rate, ends))})"


def _wins(leader: _Leader, unranked: int) -> str:
    """In how many questions that holds."""
    if leader.of + unranked == 1:
        return ""
    few = f" ({unranked} could not be ranked)" if unranked else ""
    return f"first or level in {leader.wins} of {fmt.plural(leader.of, 'question')}{few}"


def _next(group: RankGroup, winners: Sequence[str]) -> str:
    """Who follows in the question that is shown, and by how much."""
    later = [
        (row.ratio.point, row.arm, row.ratio)
        for row in group.rows
        if row.rank is not None and row.rank > 1 and row.arm not in winners and row.ratio
    ]
    if not later:
        return ""
    _, arm, ratio = min(later, key=lambda found: found[:2])
    of = f" of {group.first}" if len(winners) > 1 else ""
    times = f"{fmt.times(ratio.point)} ({fmt.ratio_interval(ratio)})"
    return f"{arm} takes {times} the time{of}"


# --- the catch ------------------------------------------------------------------------


def _catches(
    winners: Iterable[str], cells: Sequence[CellView], checks: Sequence[Check]
) -> Iterator[Pointer]:
    """What is wrong with a winner at this task: what stops, breaks or changes values."""
    for arm in winners:
        found = _troubles(arm, cells, checks)
        for verdict, doing in _CATCHES.items():
            if cell_ids := found.get(verdict):
                where = fmt.plural(len(cell_ids), "question")
                yield Pointer(f"{arm} {doing} here, in {where}", min(cell_ids), arm)


def _troubles(
    arm: str, cells: Sequence[CellView], checks: Sequence[Check]
) -> Mapping[Verdict, set[str]]:
    found: dict[Verdict, set[str]] = {}
    told = [(check.verdict, check.cell) for check in checks if check.driver == arm]
    for cell in cells:
        told += [
            (row.verdict, cell.facts.id)
            for row in cell.rows
            if row.arm == arm and row.verdict
        ]
    for verdict, name in told:
        if verdict in _CATCHES:
            found.setdefault(verdict, set()).add(name)
    return found


# --- silent changes -------------------------------------------------------------------


def _silent(checks: Sequence[Check]) -> Iterator[TaskAnswer]:
    """Who silently changes values least, and who most, in what all of them were asked."""
    asked, counts = _silent_changes(checks)
    if not asked:
        return
    least, most = min(counts.values()), max(counts.values())
    winners = tuple(driver for driver, count in counts.items() if count == least)
    worst = tuple(driver for driver, count in counts.items() if count == most)
    how = f"in {least or 'none'} of {fmt.plural(asked, 'question')}"
    verb = "silently changes a value" if len(winners) == 1 else "silently change a value"
    yield TaskAnswer(
        SILENT,
        winners,
        f"{verb} least often, {how}" if most > least else f"{verb} {how}",
        others=f"{listed(worst)} most often, in {most}" if most > least else "",
        examples=tuple(
            _changed(cause, counts[driver])
            for driver in sorted(counts, key=lambda driver: -counts[driver])
            if (cause := _commonest(checks, driver))
        ),
        driver=worst[0] if most else "",
    )


def _changed(cause: Cause, count: int) -> Pointer:
    """What a driver makes of values most often, why, and how often it changes any."""
    check = min(cause.checks, key=_length)
    came, due = (
        fmt.shorten(text, 60) for text in (wording.came(check), wording.due(check))
    )
    why = f"{cause.reason.rstrip('.')}; " if check.deviation else ""
    where = f"{check.driver}, {fmt.plural(count, 'question')}"
    return Pointer(f"{where}: {why}{came} instead of {due}", check.cell, check.driver)


def _silent_changes(checks: Sequence[Check]) -> tuple[int, Mapping[str, int]]:
    """How many questions all drivers were asked, and in how many of them each changes a
    value; who was asked nothing is left out."""
    told = {
        driver: {
            cell: verdict for cell, verdict in found.items() if verdict not in NOT_ASKED
        }
        for driver, found in verdicts_by_driver(checks).items()
    }
    known = {driver: found for driver, found in told.items() if found}
    asked = set.intersection(*map(set, known.values())) if known else set()
    return len(asked), {
        driver: sum(found[cell] is Verdict.LOSSY for cell in asked)
        for driver, found in known.items()
    }


def _commonest(checks: Sequence[Check], driver: str) -> Cause | None:
    """The commonest cause for which a driver changes values, of what shows both sides."""
    own = [c for c in checks if c.driver == driver and c.verdict is Verdict.LOSSY]
    both = [check for check in own if check.observed and check.expected]
    return max(causes(both, checks), key=lambda cause: len(cause.cells), default=None)


def _length(check: Check) -> tuple[int, str]:
    return len(check.observed) + len(check.expected), check.cell
