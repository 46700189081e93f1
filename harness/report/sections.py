"""What a lane shows in a report: sections of a form that every format can draw.

A lane's module `view` makes them. It says everything that a reader sees; a format decides
only how it looks, so that a new lane needs no format, and a new format no lane.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, Protocol

from harness import lanes
from harness.core.verdicts import Verdict
from harness.report import format as fmt
from harness.report import matrix
from harness.report.curves import CurveChart
from harness.results.records import CellFacts, Run

Emphasis = Literal["", "best", "alarm"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column: its head, and for programs what its numbers are and in which unit. One
    without a metric is for people only, and one of words is flush left."""

    head: str
    metric: str = ""
    unit: str = ""
    words: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A number as readers see it, and the number itself for programs.

    `note` stands below or behind it (an interval, say), `full` in its place where there is
    room. `low` and `high` are the ends of an interval or a range, `ratio` is times the best
    of the cell, `flag` a word for programs about it.
    """

    text: str
    number: float | None = None
    low: float | None = None
    high: float | None = None
    ratio: float | None = None
    note: str = ""
    full: str = ""
    emphasis: Emphasis = ""
    flag: str = ""


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One arm in one cell. Without values it says why: `detail`, what was observed and
    expected. `verdict` is None where the arm was not even tried; `repeats` are those that
    its numbers rest on."""

    arm: str
    verdict: Verdict | None
    detail: str
    values: tuple[Value, ...] = ()
    observed: str = ""
    expected: str = ""
    repeats: int = 0

    @property
    def status(self) -> str:
        """The verdict in a word."""
        return "not tried" if self.verdict is None else str(self.verdict)

    @property
    def reason(self) -> str:
        """Why there is no number: `✖ crashed: it is gone`."""
        symbol = fmt.SYMBOLS[self.verdict] if self.verdict else fmt.NONE
        return f"{symbol} {self.status}: {self.detail}".rstrip(": ")


@dataclass(frozen=True, slots=True)
class CellTable:
    """One question with the answers of all arms, in the order in which they are shown.
    Without facts it is about all questions together. `notes` stand below, and so does the
    `chart`, where a format can draw."""

    facts: CellFacts | None
    rows: tuple[ArmRow, ...]
    notes: tuple[str, ...] = ()
    chart: CurveChart | None = None

    @property
    def cell(self) -> str:
        """The id of the cell; empty if it is about all."""
        return self.facts.id if self.facts else ""

    @property
    def point(self) -> str:
        """The cell's place on its axes: `rows = 100`."""
        if self.facts is None:
            return ""
        return ", ".join(f"{name} = {value}" for name, value in self.facts.point.items())


@dataclass(frozen=True, slots=True)
class LaneSection:
    """A title, an introduction, and for each question a table of the same quantities.
    `key` is its anchor in a page, `charted` are the metrics that are drawn, too."""

    key: str
    title: str
    intro: str
    quantities: tuple[Quantity, ...]
    tables: tuple[CellTable, ...]
    charted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFact:
    """A line of the environment."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a reader must know. `grave` if it casts doubt on numbers."""

    kind: str
    text: str
    where: str = ""
    grave: bool = False


@dataclass(frozen=True, slots=True)
class LaneView:
    """What a lane says of a run: `subject` in a word, `answer` and `sureness` in a sentence
    or two, `terms` the words of its sections that need explaining."""

    subject: str
    answer: str
    sureness: str
    sections: tuple[LaneSection, ...]
    findings: tuple[Remark, ...] = ()
    facts: tuple[RunFact, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()


class Viewer(Protocol):
    """The module `view` of a lane."""

    def view(self, run: Run) -> LaneView:
        """What a report says of a run of this lane."""


def lane_view(run: Run) -> LaneView | None:
    """What the lane of a run says of it; None where times are ranked, or nobody knows."""
    lane = lanes.known().get(run.header.lane or lanes.DEFAULT)
    if lane is None or not lane.has("view"):
        return None
    viewer: Viewer = lane.part("view")
    return viewer.view(run)


class TurnsBeside(Protocol):
    """The module `view` of the lane that counts turns."""

    def turns_beside(self, run: Run) -> dict[tuple[str, str], Value]:
        """The turns of each cell and arm, as they stand beside its time."""


def turns_of(run: Run) -> dict[tuple[str, str], Value]:
    """How often each arm waits for the server in an op of each cell, as far as the run
    counted it."""
    if not run.lane_records:
        return {}
    counting: TurnsBeside = lanes.get("wire").part("view")
    return counting.turns_beside(run)


def tallied(run: Run, tables: tuple[CellTable, ...]) -> str:
    """`2 questions × 3 drivers: 5 exact, 1 hung`, for an answer."""
    found = Counter(row.verdict for cell in tables for row in cell.rows if row.verdict)
    arms = fmt.plural(sum(arm.competes for arm in run.header.arms), "driver")
    return f"{fmt.plural(len(tables), 'question')} × {arms}: {matrix.tally(found)}"
