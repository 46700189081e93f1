"""Made-up runs over several round-trip times, for the tests of whatever reads lines."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import fake_runs
from msgspec.structs import replace

from harness.core.conditions import Condition
from harness.core.verdicts import EXACT
from harness.results.records import ArmFacts, CellFacts, NullOps, Route, Run, Slices, Trial

RTTS = (0.0, 0.2, 1.0, 5.0, 45.0)
CELL = "query/point#fetch-one"
JITTER_US = 30.0
"""What each turn through the network takes more or less, µs."""

Line = tuple[float, float]
"""t₀ in µs, and k."""


def cell(
    name: str = CELL,
    *,
    op: str = "fetch_one",
    point: Mapping[str, int | str] | None = None,
    clients: int = 0,
) -> CellFacts:
    """A cell without a condition."""
    scenario, _, case = name.partition("#")
    told = ",".join(f"{axis}={value}" for axis, value in (point or {}).items())
    row = (
        scenario,
        case,
        point or {},
        f"Title of {case}",
        "Why.",
        op,
        "ops",
        1,
        clients,
        0,
    )
    return replace(fake_runs.cell_facts(row), id=name + (f"@{told}" if told else ""))


def route(promised_ms: float, measured_ms: float) -> Route:
    """What null ops took through a network, one alone and several at once."""
    seen = {1: measured_ms, 16: measured_ms + 3}
    null_ops = [
        NullOps(
            connections=count, ops=9, base_ns=20_000, median_ns=round(ms * 1e6),
            p5_ns=0, p95_ns=0,
        )
        for count, ms in seen.items()
    ]  # fmt: skip
    return Route(via="direct", rtt_ms=promised_ms, label="a delay", null_ops=null_ops)


def under(facts: CellFacts, condition: Condition) -> CellFacts:
    """The cell under a condition."""
    return replace(facts, id=facts.id + condition.mark)


def run(
    lines: Mapping[str, Line | Callable[[float], float]],
    *,
    cells: Sequence[tuple[CellFacts, Mapping[str, Line]]] = (),
    rtts: Sequence[float] = RTTS,
    via: str = "direct",
    rounds: int = 8,
    noise: float = 0.01,
    jitter_us: float = JITTER_US,
    seed: int = 1,
) -> Run:
    """A run in which each arm has its line: (t₀ in µs, k), or µs over an RTT. `cells` have
    lines of their own; without them it is one cell."""
    rng = random.Random(seed)
    asked = list(cells) or [(cell(), lines)]
    arms = [
        fake_runs.arm_facts(arm) for arm in dict.fromkeys(a for _, of in asked for a in of)
    ]
    conditions = [Condition(via, rtt) for rtt in rtts]  # type: ignore[arg-type]
    trials = [
        _trial(under(facts, condition), arm, number, _us(line, condition.rtt_ms, rng,
                                                          noise, jitter_us))
        for facts, of_arms in asked
        for condition in conditions
        for number in range(rounds)
        for arm, line in of_arms.items()
    ]  # fmt: skip
    return _run(arms, [under(facts, at) for facts, _ in asked for at in conditions], trials)


def _us(
    line: Line | Callable[[float], float],
    rtt_ms: float,
    rng: random.Random,
    noise: float,
    jitter_us: float,
) -> float:
    if callable(line):
        return line(rtt_ms) * rng.gauss(1, noise)
    fixed, turns = line
    late = rng.gauss(0, jitter_us * turns) if rtt_ms and jitter_us else 0.0
    return fixed * rng.gauss(1, noise) + turns * rtt_ms * 1e3 + late


def _trial(facts: CellFacts, arm: str, number: int, us: float) -> Trial:
    slices = Slices(ops=1000, lead=1, wall_ns=[round(us * 1e6)] * 3, cpu_ns=[])
    return Trial(cell=facts.id, arm=arm, round=number, judgement=EXACT, slices=slices)


def _run(arms: Sequence[ArmFacts], cells: Sequence[CellFacts], trials: list[Trial]) -> Run:
    made = fake_runs.bench(rows=[], arms=[], rounds=0)
    header = replace(made.header, arms=list(arms), cells=list(cells))
    return replace(made, header=header, trials=trials)
