"""Noise on a fake clock: do intervals hold what they say, and is anybody favoured?

A world has a clock that advances by what ops cost, and a noise that says how slow the
machine is at a moment. Two arms take turns in passes, as in a real block; their rounds
go through the same statistics as measured ones. Everything is seeded.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from harness.bench import schedule
from harness.core import stats
from harness.validity.outcome import ALPHA, PGDYNO, Outcome

Noise = Callable[[random.Random], Callable[[float], float]]
"""Makes, for one round, what says by how much everything is slower at a time (s)."""

SLICE_S = 0.004
PASSES = 12
EFFECT = 0.05
_ROUNDS = (10, 20, 40)


def calm(rng: random.Random) -> Callable[[float], float]:
    """Independent noise of 3 % on each slice, nothing else."""
    return lambda _: rng.gauss(0, 0.03)


def drift(rng: random.Random) -> Callable[[float], float]:
    """The machine becomes 20 % slower or faster within one block."""
    slope = rng.choice((-1, 1)) * 0.2 / (2 * PASSES * SLICE_S)
    return lambda at: slope * at + rng.gauss(0, 0.03)


def rising(rng: random.Random) -> Callable[[float], float]:
    """The machine becomes 20 % slower within each block: what favours anybody adds up."""
    slope = 0.2 / (2 * PASSES * SLICE_S)
    return lambda at: slope * at + rng.gauss(0, 0.03)


def bursts(rng: random.Random) -> Callable[[float], float]:
    """One slice in ten falls into a burst that doubles its time."""
    return lambda _: rng.gauss(0, 0.03) + (math.log(2) if rng.random() < 0.1 else 0)


def modes(rng: random.Random) -> Callable[[float], float]:
    """The clock's speed jumps between two modes 15 % apart, every 20 ms or so."""
    period, phase = rng.uniform(0.015, 0.03), rng.uniform(0, 1)
    return lambda at: 0.15 * (int(at / period + phase) % 2) + rng.gauss(0, 0.02)


def heavy(rng: random.Random) -> Callable[[float], float]:
    """Student's t with two degrees of freedom: no variance at all."""

    def noise(_: float) -> float:
        chi = rng.gammavariate(1, 2)
        return 0.02 * rng.gauss(0, 1) / math.sqrt(chi / 2)

    return noise


def step(rng: random.Random) -> Callable[[float], float]:
    """At a random moment everything becomes 30 % slower, and stays so."""
    when = rng.uniform(0, 2 * PASSES * SLICE_S)
    return lambda at: 0.3 * (at > when) + rng.gauss(0, 0.03)


NOISES: Mapping[str, Noise] = {
    "iid": calm,
    "drift": drift,
    "bursts": bursts,
    "modes": modes,
    "heavy tails": heavy,
}


@dataclass(frozen=True, slots=True)
class World:
    """How two arms differ: the true log-ratio, what a process adds to all its slices
    (standard deviation), and what the first slice of a round costs more."""

    noise: Noise
    effect: float = 0.0
    offset: float = 0.01
    cold: float = 0.0


UNFAIR = {
    "drift": World(rising),
    "step": World(step),
    "cold first slice": World(calm, cold=0.5),
}
"""Worlds in which whose turn it is decides who looks better."""

DIFFERENT_PROCESSES = World(calm, offset=0.02)


def rounds(world: World, count: int, rng: random.Random) -> list[float]:
    """log(candidate / base) of each round."""
    return [_round(world, rng) for _ in range(count)]


def _round(world: World, rng: random.Random) -> float:
    slower = world.noise(rng)
    offsets = {"base": rng.gauss(0, world.offset), "candidate": rng.gauss(0, world.offset)}
    offsets["candidate"] += world.effect
    at, first, ratios = 0.0, True, []
    for turn in schedule.pass_order(rng, list(offsets), PASSES):
        took = {}
        for arm in turn:
            logarithm = offsets[arm] + slower(at) + (world.cold if first else 0.0)
            first = False
            took[arm] = logarithm
            at += SLICE_S * math.exp(logarithm)
        ratios.append(took["candidate"] - took["base"])
    return median(ratios)


def seeded(*parts: object) -> random.Random:
    """Random numbers that are the same each time for the same parts."""
    return random.Random(repr(parts))


# --- tests ------------------------------------------------------------------------------


def coverage(repeats: int) -> Iterator[Outcome]:
    """Does the 95 % interval hold the true effect in 93 to 97 of 100 runs?

    The interval of n rounds comes in steps, so what it claims is a little above 95 %.
    """
    for name, noise in NOISES.items():
        for count in _ROUNDS:
            held = 0
            for repeat in range(repeats):
                rng = seeded("coverage", name, count, repeat)
                world = World(noise, math.log1p(EFFECT))
                found = stats.hodges_lehmann(rounds(world, count, rng))
                assert found.low is not None
                assert found.high is not None
                held += found.low <= world.effect <= found.high
            share = held / repeats
            slack = 2 * math.sqrt(0.05 * 0.95 / repeats)
            yield Outcome(
                f"interval coverage, {name}, {count} rounds",
                "93-97 %",
                f"{share:.1%} of {repeats}",
                0.93 - slack / 2 <= share <= 0.97 + slack / 2,
            )


def bias(repeats: int) -> Iterator[Outcome]:
    """Does a drift, a step or a cold first slice favour anybody?"""
    for name, world in UNFAIR.items():
        found = [
            stats.hodges_lehmann(rounds(world, 10, seeded("bias", name, repeat))).point
            for repeat in range(repeats)
        ]
        yield unbiased(name, found)


def unbiased(name: str, found: Sequence[float], tool: str = PGDYNO) -> Outcome:
    """Shifts of two equal arms: their mean must be nothing."""
    shift = stats.percent(fmean(found))
    return Outcome(
        f"bias, {name}", "below 0.3 %", f"{shift:+.2f} %", abs(shift) < 0.3, tool
    )


def offsets(repeats: int) -> Iterator[Outcome]:
    """Processes that differ by 2 %: how often are two equal arms told apart at 5 %?"""
    alarms = 0
    for repeat in range(repeats):
        ratios = rounds(DIFFERENT_PROCESSES, 10, seeded("offsets", repeat))
        alarms += stats.signed_rank_p(ratios) <= ALPHA
    yield few_alarms(alarms, repeats)


def few_alarms(alarms: int, repeats: int, tool: str = PGDYNO) -> Outcome:
    """How often equal arms were told apart, against what chance allows."""
    share = alarms / repeats
    most = ALPHA + 2 * math.sqrt(ALPHA * (1 - ALPHA) / repeats)
    return Outcome(
        "A/A with offsets of processes",
        f"at most {ALPHA:.0%}, by chance {most:.1%}",
        f"{share:.1%} of {repeats}",
        share <= most,
        tool,
    )


def run(repeats: int) -> Iterator[Outcome]:
    """All of them."""
    yield from coverage(repeats)
    yield from bias(repeats)
    yield from offsets(2 * repeats)
