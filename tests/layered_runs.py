"""Made-up runs in which layers stand on drivers, for the tests of whatever reads runs."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import fake_runs
from msgspec.structs import replace

from harness.results.records import ArmFacts, Run, Slices, Trial

BARE = "asyncpg"
ADAPTER = "sqlspec-asyncpg"
CORE = "sqlalchemy-core-asyncpg"
ORM = "sqlalchemy-orm-asyncpg"
OPS = 100
PASSES = 9
IMPORTS_MS = {BARE: 80, ADAPTER: 1_000, CORE: 400, ORM: 500}
FIRSTS_US = {BARE: 300, ADAPTER: 1_700, CORE: 900, ORM: 1_500}
RSS_MB = {BARE: 40, ADAPTER: 76, CORE: 60, ORM: 66}

US: Mapping[str, float] = {
    BARE: 30.0,
    ADAPTER: 70.0,
    CORE: 100.0,
    ORM: 150.0,
    f"null-{ADAPTER}": 40.0,
    f"null-{CORE}": 60.0,
}
"""µs per op: the adapter adds up, Core takes 10 µs more than the sum of its parts."""


def arms() -> list[ArmFacts]:
    """A driver, an adapter, Core, an ORM that wraps Core, and two null references."""
    return [
        fake_runs.arm_facts(BARE),
        layer(ADAPTER, BARE),
        layer(CORE, BARE),
        layer(ORM, CORE, "2.1.0"),
        null(ADAPTER),
        null(CORE),
    ]


def layer(name: str, wraps: str, wrapped_version: str = "0.32.0") -> ArmFacts:
    """A layer, of the version 2.1.0, over a driver or over another layer."""
    bare = fake_runs.arm_facts(name, version="2.1.0")
    library = name.partition("-")[0]
    terms = {
        **bare.terms,
        "library": library,
        "wraps": wraps,
        "wrapped_version": wrapped_version,
    }
    return replace(bare, kind="async", terms=terms)


def null(name: str) -> ArmFacts:
    """The reference that shows a layer's own cost."""
    facts = fake_runs.arm_facts(f"null-{name}")
    return replace(facts, reference=f"{name}, answered from memory", isolates=name)


def run(
    *,
    us: Mapping[str, float] = US,
    rounds: int = 8,
    noise: float = 0.0,
    rows: Sequence[tuple] = fake_runs.CELLS[:2],
    override=lambda trial: trial,
) -> Run:
    """A run of these arms. What a pass is slower by is the same for all arms of it."""
    facts = arms()
    made = fake_runs.bench(rows=rows, arms=facts, rounds=1)
    trials = [
        override(trial)
        for cell in made.header.cells
        for number in range(rounds)
        for trial in _block(cell.id, number, facts, us, noise)
    ]
    return replace(made, trials=trials)


def _block(
    cell: str, number: int, facts: Sequence[ArmFacts], us: Mapping[str, float], noise: float
) -> list[Trial]:
    rng = random.Random(f"{cell} {number}")
    weather = [1 + rng.uniform(0, 0.3) for _ in range(PASSES)]
    return [_trial(cell, number, arm, us[arm.id], weather, rng, noise) for arm in facts]


def _trial(cell, number, arm, us, weather, rng, noise) -> Trial:
    walls = [
        round(us * 1e3 * OPS * factor * (1 + rng.gauss(0, noise) if noise else 1))
        for factor in weather
    ]
    made = fake_runs.judged()
    silent = bool(arm.isolates)
    return Trial(
        cell=cell,
        arm=arm.id,
        round=number,
        judgement=made,
        slices=Slices(
            ops=OPS,
            lead=20,
            wall_ns=walls,
            cpu_ns=[round(wall * 0.6) for wall in walls],
            server_cpu_ns=[0 if silent else round(10_000 * OPS)] * len(walls),
        ),
        rss_peak_bytes=RSS_MB.get(arm.id, 50) * 1_000_000,
        import_cpu_ns=IMPORTS_MS.get(arm.id, 0) * 1_000_000,
        first_cpu_ns=FIRSTS_US.get(arm.id, 0) * 1_000,
    )
