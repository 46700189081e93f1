"""Pairs of runs of one tool: kept in a file, and what they say against pgdyno's marks.

A block is one run without a burden and, after it, runs to compare with it: another one
without (A/A), and slowed ones, in random order. Blocks that are in the file are not run
again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import linear_regression, median
from typing import Protocol

from harness.core import stats
from harness.validity.interference import hog
from harness.validity.outcome import (
    AA_HOG,
    AA_IDLE,
    ALPHA,
    BROKEN,
    CALIBRATION,
    NOTHING_MEASURED,
    POWER,
    Outcome,
    found_mark,
    most_by_chance,
)
from studies.validity.others.field import Field, keep

BURDENS = (0.0, 0.05, 0.02)
SHARES = (0.01, 0.02, 0.05)
"""Beyond these differences pairs of equal runs are counted."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Found:
    """What a tool says of two runs: log-ratios, and whether its rule tells them apart.

    `tool` names the rule as well where a tool has several.
    """

    tool: str
    burden: float
    put: float
    shift: float
    flagged: bool


class Tool(Protocol):
    """Another tool: how it compares."""

    @property
    def kind(self) -> str:
        """The name of its files."""

    def compare(self, field: Field, folder: Path, burdens: Sequence[float]) -> list[Found]:
        """One run as the base, then one for each burden, compared with it."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """So many blocks of a tool. Beside a hog only equal runs are compared."""

    tool: Tool
    blocks: int
    hog: bool = False

    @property
    def kind(self) -> str:
        """The name of its file and folder."""
        return f"{self.tool.kind}-{'hog' if self.hog else 'idle'}"

    def burdens(self, number: int) -> list[float]:
        """In which order the runs of a block follow its base."""
        order = [0.0] if self.hog else [*BURDENS]
        random.Random(number).shuffle(order)
        return order


def measure(field: Field, series: Pairs, say: Say) -> list[Found]:
    """Run the blocks that are not there yet; all that is there then."""
    field.claim(series.kind, burdens=BURDENS)
    file = field.folder / f"{series.kind}.json"
    blocks = json.loads(file.read_text()) if file.exists() else []
    with hog() if series.hog and len(blocks) < series.blocks else nullcontext():
        for number in range(len(blocks), series.blocks):
            say(f"{series.kind}, block {number + 1} of {series.blocks}")
            raw = field.raw(series.kind, f"{number:03}")
            found = series.tool.compare(field, raw, series.burdens(number))
            blocks.append([asdict(pair) for pair in found])
            keep(file, blocks)
    return [Found(**pair) for block in blocks[: series.blocks] for pair in block]


# --- what they say --------------------------------------------------------------------


def outcomes(found: Sequence[Found], *, hog: bool = False) -> Iterator[Outcome]:
    """A row for each test that the pairs can answer, for each rule."""
    for tool in dict.fromkeys(pair.tool for pair in found):
        mine = [pair for pair in found if pair.tool == tool]
        yield from _false_alarms(tool, [pair for pair in mine if not pair.burden], hog)
        for burden, (name, wanted) in POWER.items():
            slowed = [pair for pair in mine if pair.burden == burden]
            yield from _power(tool, name, wanted, slowed)
        yield from _calibration(tool, mine)


def _false_alarms(tool: str, equal: Sequence[Found], hog: bool) -> Iterator[Outcome]:
    """Equal runs: how many are told apart, and how far apart are they?"""
    if not equal:
        return
    flagged = sum(pair.flagged for pair in equal)
    # One pair can be flagged by chance alone; a mark that nothing can miss says nothing.
    allowed = min(most_by_chance(len(equal), ALPHA), len(equal) - 1)
    yield Outcome(
        AA_HOG if hog else AA_IDLE,
        f"at most {allowed} of {len(equal)} flagged",
        f"{flagged} of {len(equal)} flagged; {_apart([pair.shift for pair in equal])}",
        flagged <= allowed,
        tool,
    )


def _apart(shifts: Sequence[float]) -> str:
    """How many differences are beyond some shares, and the largest."""
    sizes = [abs(stats.percent(shift)) for shift in shifts]
    beyond = ", ".join(str(sum(size > 100 * share for size in sizes)) for share in SHARES)
    shares = ", ".join(f"{100 * share:g}" for share in SHARES)
    return f"beyond {shares} %: {beyond}; worst {max(sizes):.1f} %"


def _power(
    tool: str, name: str, wanted: float, slowed: Sequence[Found]
) -> Iterator[Outcome]:
    """Slowed runs: how many are called slower?"""
    if not slowed:
        return
    hits = sum(pair.flagged and pair.shift > 0 for pair in slowed)
    put = stats.percent(median(pair.put for pair in slowed))
    mark, least = found_mark(len(slowed), wanted)
    yield Outcome(
        name,
        mark,
        f"{hits} of {len(slowed)} found; {put:.1f} % put in",
        hits >= least,
        tool,
    )


def _calibration(tool: str, found: Sequence[Found]) -> Iterator[Outcome]:
    """A line through what was put in and what was found."""
    if len(found) < 3 or not any(pair.put for pair in found):
        return
    slope, _ = linear_regression(
        [pair.put for pair in found], [pair.shift for pair in found]
    )
    yield Outcome(
        CALIBRATION,
        "1.00 ± 0.05",
        f"{slope:.2f} from {len(found)} pairs",
        abs(slope - 1) <= 0.05,
        tool,
    )


def wrong_answers(tool: str, tried: int, timed_s: Mapping[str, float]) -> Outcome:
    """Broken drivers that got a time, in seconds, and no complaint."""
    times = ", ".join(f"{defect}: {took * 1e6:.3g} µs" for defect, took in timed_s.items())
    return Outcome(
        BROKEN,
        "no time for a wrong answer",
        f"{len(timed_s)} of {tried} timed without complaint{times and f' ({times})'}",
        not timed_s,
        tool,
    )


def vanished(tool: str, exit_code: int) -> Outcome:
    """A comparison whose second run has nothing in common with the first."""
    return Outcome(
        NOTHING_MEASURED,
        "a non-zero exit code",
        f"exit code {exit_code} when the benchmark of the base is gone",
        exit_code != 0,
        tool,
    )
