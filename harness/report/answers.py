"""Which driver to take for what: a sentence for each task, computed from the runs.

A task's questions are the timed cells whose scenario is tagged with it. A driver wins a
question if it is the fastest, or cannot be told from it. The answer names who wins most
questions, or all of those who do; how fast that is comes from the question in which most
drivers are ranked. The catch is what else was seen of the winners at this task.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.core.purposes import PURPOSES
from harness.core.verdicts import Verdict
from harness.report import format as fmt
from harness.report.cards import better_of
from harness.report.cells import CellView, RankGroup, Row
from harness.report.checked import causes
from harness.results.records import Check

SILENT = "Silent changes"
_CATCHES: Mapping[Verdict, str] = {
    Verdict.BROKEN: "breaks the session",
    Verdict.CRASHED: "crashes",
    Verdict.HUNG: "can stop for ever",
    Verdict.LOSSY: "silently changes a value",
}


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
    catches: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
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
        said = f"{_and(self.winners)} {self.verb}"
        return " ".join(
            filter(
                None, (f"{said}: {self.figure}." if self.figure else f"{said}.", self.rest)
            )
        )


def answers(cells: Sequence[CellView], checks: Sequence[Check]) -> tuple[TaskAnswer, ...]:
    """The answers that these cells and checks can give, in the order of the tasks."""
    tasks = {cell.facts.scenario: cell.facts.task for cell in cells}
    found = []
    for task, title in PURPOSES.items():
        own = [cell for cell in cells if cell.facts.task == task]
        scenarios = {name for name, tagged in tasks.items() if tagged == task}
        seen = [check for check in checks if check.scenario in scenarios]
        if own:
            found.append(_of_times(title, own, seen))
    return (*found, *_silent(checks))


# --- a task ---------------------------------------------------------------------------


def _of_times(title: str, cells: Sequence[CellView], checks: Sequence[Check]) -> TaskAnswer:
    ranked = [cell for cell in cells if any(row.rank == 1 for row in cell.rows)]
    if not ranked:
        why = "had quiet rounds enough to rank anybody"
        return TaskAnswer(
            title, (), f"No question of {len(cells)} {why}", cell=cells[0].facts.id
        )
    leaders = _leaders(ranked)
    winners = tuple(dict.fromkeys(arm for arms, _ in leaders.values() for arm in arms))
    most = min(count for _, count in leaders.values())
    shown, row = _shown(ranked, winners)
    return TaskAnswer(
        title,
        winners,
        _each(leaders) if len(leaders) > 1 else _verb(winners, most, len(ranked)),
        figure=_figure(shown, row),
        what=_title(shown),
        wins=_wins(most, len(ranked), len(cells)),
        others=_next(shown, winners),
        catches=tuple(_catches(winners, cells, checks)),
        cell=shown.facts.id,
    )


def _leaders(cells: Sequence[CellView]) -> dict[str, tuple[tuple[str, ...], int]]:
    """Who wins most questions, and how many, of each kind of client that is ranked among
    itself: `threads` and `tasks`, and where nobody is told apart the empty word alone."""
    groups = [group for cell in cells for group in cell.groups]
    labels = sorted({group.label for group in groups if group.label}) or [""]
    found = {}
    for label in labels:
        wins = Counter(
            row.arm
            for group in groups
            if group.label == label
            for row in group.rows
            if row.rank == 1
        )
        if wins:
            most = max(wins.values())
            found[label] = tuple(arm for arm in wins if wins[arm] == most), most
    return found


def _each(leaders: Mapping[str, tuple[Sequence[str], int]]) -> str:
    """Who leads which kind."""
    parts = [f"{_and(arms)} among {label}" for label, (arms, _) in leaders.items()]
    return f"lead among their kind ({'; '.join(parts)})"


def _winners(cell: CellView) -> Iterable[str]:
    return dict.fromkeys(row.arm for row in cell.rows if row.rank == 1)


def _shown(cells: Sequence[CellView], winners: Sequence[str]) -> tuple[CellView, Row]:
    """The question whose figure is given: one that a winner won, with most drivers."""
    won = [cell for cell in cells if winners[0] in _winners(cell)]
    shown = max(won, key=_telling)
    return shown, next(row for row in shown.rows if row.arm == winners[0] and row.rank == 1)


def _telling(cell: CellView) -> tuple[bool, int]:
    """A rate says more than a response time, and more drivers say more."""
    return not cell.facts.rate, sum(row.rank is not None for row in cell.rows)


def _title(cell: CellView) -> str:
    """The question in words: `COPY into a table (rows = 1000)`."""
    return f"{cell.facts.title} ({cell.point})" if cell.point else cell.facts.title


def _verb(winners: Sequence[str], most: int, of: int) -> str:
    if len(winners) == 1:
        return "is fastest" if most == of else "is fastest most often"
    if most == of:
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


def _wins(most: int, ranked: int, asked: int) -> str:
    if asked == 1:
        return ""
    few = f" ({asked - ranked} had too few quiet rounds)" if asked > ranked else ""
    return f"first or level in {most} of {fmt.plural(ranked, 'question')}{few}"


def _next(cell: CellView, winners: Sequence[str]) -> str:
    """Who follows in the question that is shown, and by how much."""
    later = [
        (row, group)
        for group in cell.groups
        for row in group.rows
        if row.rank is not None and row.rank > 1 and row.arm not in winners
    ]
    if not later:
        return ""
    row, _ = min(later, key=_ratio)
    assert row.ratio is not None
    return (
        f"{row.arm} takes {fmt.times(row.ratio.point)} ({fmt.ratio_interval(row.ratio)}) "
        "the time"
    )


def _ratio(entry: tuple[Row, RankGroup]) -> float:
    ratio = entry[0].ratio
    assert ratio is not None
    return ratio.point


# --- the catch ------------------------------------------------------------------------


def _catches(
    winners: Iterable[str], cells: Sequence[CellView], checks: Sequence[Check]
) -> Iterator[str]:
    """What is wrong with a winner at this task: what stops, breaks or changes values."""
    for arm in winners:
        found = _troubles(arm, cells, checks)
        for verdict, doing in _CATCHES.items():
            if cell_ids := found.get(verdict):
                where = fmt.plural(len(cell_ids), "question")
                yield f"{arm} {doing} here, in {where} ({min(cell_ids)})"


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
    """Who silently changes values least, and who most."""
    if not checks:
        return
    asked = len({check.cell for check in checks})
    counts = {
        driver: list(better_of(own).values()).count(Verdict.LOSSY)
        for driver, own in _by_driver(checks).items()
    }
    least, most = min(counts.values()), max(counts.values())
    winners = tuple(driver for driver, count in counts.items() if count == least)
    how = f"in {least} of {fmt.plural(asked, 'question')}" if least else "in none"
    verb = "silently changes a value" if len(winners) == 1 else "silently change a value"
    worst = max(counts, key=lambda driver: counts[driver])
    yield TaskAnswer(
        SILENT,
        winners,
        f"{verb} least often, {how}" if most > least else f"{verb} {how}",
        others=f"{worst} most often, in {most}" if most > least else "",
        examples=tuple(
            f"{driver}: {fmt.shorten(example.observed, 60)} instead of "
            f"{fmt.shorten(example.expected, 60)} ({example.cell})"
            for driver in dict.fromkeys((worst, winners[0]))
            if (example := _example(checks, driver))
        ),
        driver=worst if most else "",
    )


def _by_driver(checks: Sequence[Check]) -> Mapping[str, list[Check]]:
    found: dict[str, list[Check]] = {}
    for check in checks:
        found.setdefault(check.driver, []).append(check)
    return found


def _example(checks: Sequence[Check], driver: str) -> Check | None:
    """The shortest example of the commonest cause for which a driver changes values."""
    own = [c for c in checks if c.driver == driver and c.verdict is Verdict.LOSSY]
    both = [check for check in own if check.observed and check.expected]
    commonest = max(causes(both, checks), key=lambda cause: len(cause.cells), default=None)
    return min(commonest.checks, key=_length) if commonest else None


def _length(check: Check) -> tuple[int, str]:
    return len(check.observed) + len(check.expected), check.cell


def _and(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(names) <= 1:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
