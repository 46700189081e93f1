"""Gates replayed on a fake clock: how often do they stop whom they should, and whom not?

A gate compares two versions of a driver over the quick cells, with the rounds and passes
of the effort `gate`, its rule of stopping, an A/A arm and, where a cell regressed, a
confirmation on fresh data. Here the trials are drawn, not measured: processes differ by
`OFFSET`, slices by a noise of `harness.validity.simulated`, of the size that runs of real
drivers show against themselves (docs/compare.md). What is drawn goes through the same
`compare` as what is measured. Everything is seeded.

    python -m studies.replayed_gates [GATES]
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from harness.analysis.changes import Answer, Comparison
from harness.bench import schedule
from harness.core.verdicts import EXACT
from harness.report.comparison import Request, compare
from harness.results.records import (
    SCHEMA,
    ArmFacts,
    CellFacts,
    Footer,
    Header,
    Machine,
    Run,
    ServerFacts,
    Slices,
    Trial,
)
from harness.validity.simulated import Noise, bursts, calm, drift, heavy, seeded

CELLS = 11
BASE, CANDIDATE = "driver==1.0", "driver==1.1"
TWIN = f"{BASE} (A/A)"
ARMS = (BASE, CANDIDATE, TWIN)
OFFSET = 0.01
"""What a process adds to all its slices: a standard deviation, as a log-ratio."""
FURTHEST = 3.0
"""The most that noise makes of a slice, as a log-ratio: heavy tails have no end."""
OPS = 100
NS_PER_OP = 40_000
NOISES: Mapping[str, Noise] = {
    "iid": calm,
    "drift": drift,
    "bursts": bursts,
    "heavy tails": heavy,
}


@dataclass(frozen=True, slots=True)
class World:
    """How much slower the candidate is (a share), in how many of the cells."""

    noise: Noise
    slower: float = 0.0
    cells: int = CELLS

    def effect(self, cell: int, arm: str) -> float:
        """The true log-ratio of an arm to the base."""
        slowed = arm == CANDIDATE and cell < self.cells
        return math.log1p(self.slower) if slowed else 0.0


def gate(world: World, *seed: object) -> Comparison:
    """One gate: measure, compare, and confirm what regressed."""
    run = _run(world, "first", range(CELLS), seed)
    found = compare(Request(run, run, BASE, CANDIDATE))
    if not found.flagged:
        return found
    flagged = sorted({int(row.cell.partition("#")[2]) for row in found.flagged})
    fresh = _run(world, "fresh", flagged, seed)
    return compare(Request(run, run, BASE, CANDIDATE, fresh=fresh))


# --- drawing a run ----------------------------------------------------------------------


def _run(world: World, name: str, cells: Sequence[int], seed: Sequence[object]) -> Run:
    trials = [
        trial for cell in cells for trial in _cell(world, cell, len(cells), (name, *seed))
    ]
    footer = Footer(ended="", reason="complete", trials=len(trials), checks=0, elapsed_ns=1)
    return Run(
        path=name,
        header=_header(name, cells),
        trials=trials,
        checks=[],
        notes=[],
        footer=footer,
    )


def _cell(world: World, cell: int, cells: int, seed: Sequence[object]) -> Iterator[Trial]:
    """Rounds until the interval is narrow, as `schedule` says."""
    plan = schedule.PLANS["gate"]
    fewest = schedule.gate_rounds(cells * len(ARMS))
    rounds: list[Mapping[str, float]] = []
    while len(rounds) < plan.max_rounds:
        walls = _round(world, cell, plan.slices, (*seed, cell, len(rounds)))
        yield from (_trial(cell, arm, len(rounds), walls[arm]) for arm in ARMS)
        rounds.append({arm: median(walls[arm]) / OPS for arm in ARMS})
        if len(rounds) >= fewest and schedule.is_narrow(rounds, plan):
            return


def _round(
    world: World, cell: int, passes: int, seed: Sequence[object]
) -> dict[str, list[int]]:
    """The wall times of the slices of each arm, which take turns on one clock."""
    rng = seeded(*seed)
    slower = world.noise(rng)
    offsets = {arm: rng.gauss(world.effect(cell, arm), OFFSET) for arm in ARMS}
    walls: dict[str, list[int]] = {arm: [] for arm in ARMS}
    at = 0.0
    for turn in schedule.pass_order(rng, ARMS, passes):
        for arm in turn:
            noise = max(-FURTHEST, min(FURTHEST, slower(at)))
            wall = OPS * NS_PER_OP * math.exp(offsets[arm] + noise)
            walls[arm].append(round(wall))
            at += wall / 1e9
    return walls


def _trial(cell: int, arm: str, number: int, walls: list[int]) -> Trial:
    slices = Slices(ops=OPS, lead=0, wall_ns=walls, cpu_ns=[])
    return Trial(
        cell=f"drawn/cell#{cell}", arm=arm, round=number, judgement=EXACT, slices=slices
    )


def _header(name: str, cells: Sequence[int]) -> Header:
    return Header(
        schema=SCHEMA,
        run=name,
        kind="bench",
        pgdyno="",
        started="",
        seed=0,
        effort="gate",
        machine=Machine(
            system="", release="", cpu="", cores=2, memory_bytes=0, python="",
            implementation="", hostname_hash="",
        ),
        server=ServerFacts(
            label="", version="", version_num=0, managed=True, transport="", settings={},
            extensions={},
        ),
        arms=[
            ArmFacts(
                id=arm, driver="driver", options=[], profile="configured", kind="sync",
                twin=BASE if arm == TWIN else "", terms={"version": arm},
            )
            for arm in ARMS
        ],
        cells=[
            CellFacts(
                id=f"drawn/cell#{cell}", scenario="drawn/cell", case=str(cell), point={},
                title="", why="", op="fetch_one",
            )
            for cell in cells
        ],
    )  # fmt: skip


# --- the study --------------------------------------------------------------------------

WORLDS = {
    "identical": (0.0, CELLS),
    "slower by 5 % everywhere": (0.05, CELLS),
    "slower by 5 % in one cell": (0.05, 1),
    "slower by 10 % in one cell": (0.10, 1),
}


def answers(world: World, gates: int, *seed: object) -> Counter[Answer]:
    """How so many gates ended."""
    return Counter(gate(world, *seed, number).answer for number in range(gates))


def main(gates: int = 500) -> None:
    """Print a row per noise and world."""
    print(f"{'noise':<12} {'candidate':<27} {'regression':>10} {'inconclusive':>12} pass")
    for name, noise in NOISES.items():
        for title, (slower, cells) in WORLDS.items():
            world = World(noise, slower, cells)
            found = answers(world, gates, name, title)
            shares = [
                f"{found[answer] / gates:.1%}"
                for answer in (Answer.REGRESSION, Answer.INCONCLUSIVE, Answer.PASS)
            ]
            print(f"{name:<12} {title:<27} {shares[0]:>10} {shares[1]:>12} {shares[2]}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
