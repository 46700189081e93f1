"""The same tests, of the tools that people use now: what do they make of equal drivers,
of slower ones, and of wrong ones?

Every tool times the same op of the same driver on the same server, as its documentation
shows, and is judged by its own rule against pgdyno's marks. A tool that is not installed
has no rows: it neither fails nor passes. `missing` says so in a sentence.

The rules ask for different things, and a table should say so: pytest-benchmark fails when
the mean is more than 5 % worse, so it cannot find 2 %; pyperf tests for significance;
one after the other has no rule at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from harness.validity.outcome import Outcome
from harness.venue.venue import Venue
from studies.validity.others import by_pyperf, by_pytest, field, pairs, sequential
from studies.validity.others.by_pyperf import Pyperf
from studies.validity.others.by_pytest import PytestBenchmark
from studies.validity.others.field import Field
from studies.validity.others.pairs import Pairs, Say, Tool
from studies.validity.others.sequential import SECONDS, Sequential

_PACKAGES = {by_pytest.NAME: by_pytest.PACKAGE, by_pyperf.NAME: by_pyperf.PACKAGE}


@dataclass(frozen=True, slots=True)
class Blocks:
    """How many blocks of each tool; a block is a base with three runs to compare.

    `_hog` counts blocks beside a hog, which have one run to compare. `seconds` is the
    length of a sequential run.
    """

    pytest: int
    pytest_hog: int
    pyperf: int
    pyperf_hog: int
    sequential: int
    sequential_hog: int
    seconds: float = SECONDS
    processes: int = by_pyperf.PROCESSES


FULL = Blocks(
    pytest=10, pytest_hog=5, pyperf=2, pyperf_hog=1, sequential=2, sequential_hog=1
)
"""50 runs of 2 to 3 s with pytest-benchmark and 10 of 20 to 30 s with pyperf, 10 of 30 s
one after the other: few pairs, about ten minutes."""


def missing() -> list[str]:
    """A sentence for each tool that is not installed, and so has no rows."""
    return [
        f"{tool} is not installed and has no rows: pip install 'pgdyno[validity]'"
        for tool, package in _PACKAGES.items()
        if not find_spec(package)
    ]


def run(
    place: Venue, blocks: Blocks, folder: Path, say: Say = lambda _: None
) -> Iterator[Outcome]:
    """Every test of every tool that is here. `say` hears which block is run.

    What the folder holds already is not run again.
    """
    with field.opened(place, folder) as opened:
        if find_spec(by_pytest.PACKAGE):
            yield from _compared(
                opened, PytestBenchmark(), blocks.pytest, blocks.pytest_hog, say
            )
            yield from by_pytest.broken(opened)
            yield from by_pytest.nothing_measured(opened)
        if find_spec(by_pyperf.PACKAGE):
            tool = Pyperf(blocks.processes)
            yield from _compared(opened, tool, blocks.pyperf, blocks.pyperf_hog, say)
            yield from by_pyperf.broken(opened)
            yield from by_pyperf.nothing_measured(opened)
        one_by_one = Sequential(blocks.seconds)
        yield from _compared(
            opened, one_by_one, blocks.sequential, blocks.sequential_hog, say
        )
        yield from sequential.open_loop(opened, one_by_one.tool)


def _compared(
    opened: Field, tool: Tool, blocks: int, hog_blocks: int, say: Say
) -> Iterator[Outcome]:
    yield from pairs.outcomes(pairs.measure(opened, Pairs(tool, blocks), say))
    beside = Pairs(tool, hog_blocks, hog=True)
    yield from pairs.outcomes(pairs.measure(opened, beside, say), hog=True)
