"""The schedule is pure: seeds and fake machines answer it, no clock and no server."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import fmean, stdev

import pytest

from harness.analysis.times import Timings, paired_log_ratios
from harness.bench import schedule
from harness.bench.schedule import PLANS, Need, Plan
from harness.core import stats
from harness.core.cells import Arrivals
from harness.core.verdicts import EXACT
from harness.results.records import CellFacts, Slices, Trial

PLAN = Plan(4_000_000, 16, 6, 13, 0.015, 0, 0)


# --- how many ops ------------------------------------------------------------------------


@pytest.mark.parametrize("cycle", [1, 3, 7, 100])
@pytest.mark.parametrize("ns_per_op", [0.0, 0.5, 17, 30_000, 1_333_333, 5e9])
def test_a_slice_is_a_whole_number_of_cycles(ns_per_op, cycle):
    ops = schedule.ops_per_slice(ns_per_op, 4_000_000, cycle)
    assert ops >= cycle
    assert ops % cycle == 0


@pytest.mark.parametrize("ns_per_op", [17, 900, 30_000, 250_000])
def test_a_slice_lasts_as_long_as_planned(ns_per_op):
    lasts = schedule.ops_per_slice(ns_per_op, 4_000_000, 3) * ns_per_op
    assert abs(lasts - 4_000_000) <= 3 * ns_per_op / 2


def test_an_op_longer_than_a_slice_runs_once_per_slice():
    assert schedule.ops_per_slice(1e9, 4_000_000, 1) == 1


def test_fast_ops_are_warmed_up_beyond_a_plan_change_of_the_server():
    assert schedule.warm_up_ops(30_000, PLAN) == schedule.WARM_UP_OPS >= 11


def test_slow_ops_are_warmed_up_less_but_once_at_least():
    counts = [schedule.warm_up_ops(10**power, PLAN) for power in range(3, 12)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 1
    assert schedule.warm_up_ops(schedule.LONG_SLICE_NS - 1, PLAN) >= 2
    assert schedule.warm_up_ops(0, PLAN) == schedule.WARM_UP_OPS


@pytest.mark.parametrize("ops", [1, 2, 7, 100, 12_345])
def test_the_lead_in_is_a_fifth_and_never_nothing(ops):
    assert ops * 0.2 <= schedule.lead_ops(ops) < ops * 0.2 + 1


def test_a_long_slice_needs_no_lead_in():
    assert schedule.lead_ops(1, 19e6) == 1
    assert schedule.lead_ops(1, 20e6) == schedule.lead_ops(100, 1e6) == 0


def test_passes_follow_from_the_slowest_arm():
    assert schedule.passes_in_block(4_000_000, PLAN) == 16
    assert schedule.passes_in_block(8_000_000, PLAN) == 8
    assert schedule.passes_in_block(1e12, PLAN) == schedule.MIN_SLICES
    assert schedule.passes_in_block(0, PLAN) == 16


# --- whose turn --------------------------------------------------------------------------

ARMS = ("a", "b", "c")


def test_every_arm_has_one_turn_in_each_pass():
    order = list(schedule.pass_order(random.Random(1), ARMS, 50))
    assert len(order) == 50
    assert all(sorted(turn) == sorted(ARMS) for turn in order)


def test_a_seed_gives_the_same_order_again_and_another_seed_another():
    first, again, other = (
        list(schedule.pass_order(random.Random(seed), ARMS, 40)) for seed in (5, 5, 6)
    )
    assert first == again != other


def test_every_order_of_a_pass_is_as_likely_as_any_other():
    passes = 6000
    order = schedule.pass_order(random.Random(2), ARMS, passes)
    seen = Counter(map(tuple, order))
    expected = passes / math.factorial(len(ARMS))
    chi_square = sum((count - expected) ** 2 / expected for count in seen.values())
    assert len(seen) == 6
    assert chi_square < 20.5  # five degrees of freedom, one in a thousand


def test_who_comes_first_says_nothing_of_who_comes_first_next():
    turns = list(schedule.pass_order(random.Random(3), ("a", "b"), 4000))
    same = sum(one == two for one, two in itertools.pairwise(turns))
    assert abs(same / 4000 - 0.5) < 0.03


# --- when to stop ------------------------------------------------------------------------


def noisy(rng: random.Random, rounds: int, spread: float, arms: Sequence[str] = ARMS):
    """Rounds of arms that are all alike, each round on a machine of another speed."""
    made = []
    for _ in range(rounds):
        speed = rng.uniform(0.7, 1.4)
        made.append({arm: 1000 * speed * math.exp(rng.gauss(0, spread)) for arm in arms})
    return made


def test_a_quiet_cell_is_done_at_the_least_rounds_and_not_before():
    rounds = noisy(random.Random(1), 10, 0.0005)
    done = [schedule.is_narrow(rounds[:count], PLAN) for count in range(11)]
    assert done == [False] * 6 + [True] * 5


def test_a_noisy_cell_goes_on():
    assert not schedule.is_narrow(noisy(random.Random(1), 13, 0.2), PLAN)


def test_a_machine_that_changes_between_rounds_does_not_make_a_cell_noisy():
    """Each arm is seen relative to its block: the spread above is 0.7 to 1.4."""
    assert schedule.is_narrow(noisy(random.Random(4), 8, 0.002), PLAN)


def test_one_noisy_arm_keeps_the_cell_going():
    rng = random.Random(5)
    rounds = [
        one | {"c": one["c"] * rng.uniform(0.7, 1.4)} for one in noisy(rng, 8, 0.0005)
    ]
    assert not schedule.is_narrow(rounds, PLAN)


def test_below_six_rounds_no_width_is_known():
    rounds = noisy(random.Random(1), 5, 0.0)
    assert not schedule.is_narrow(rounds, replace(PLAN, min_rounds=1))


def test_one_arm_is_judged_by_itself_and_none_never_ends():
    alone = [{"a": 1000.0 + number / 10} for number in range(8)]
    assert schedule.is_narrow(alone, PLAN)
    assert not schedule.is_narrow([{"a": 1000.0}, {"b": 1000.0}] * 4, PLAN)


@pytest.mark.parametrize("factor", [0.2, 0.97, 1.03, 50])
@pytest.mark.parametrize("spread", [0.005, 0.01, 0.02])
def test_who_wins_and_by_how_much_does_not_decide_when_to_stop(factor, spread):
    for seed in range(20):
        rounds = noisy(random.Random(seed), 8, spread)
        scaled = [one | {"a": one["a"] * factor} for one in rounds]
        assert schedule.is_narrow(scaled, PLAN) == schedule.is_narrow(rounds, PLAN)


def stops_at(rounds: Sequence[Mapping[str, float]], plan: Plan) -> int:
    """After how many rounds a run with these values ends."""
    counts = range(1, len(rounds) + 1)
    return next((n for n in counts if schedule.is_narrow(rounds[:n], plan)), len(rounds))


def test_stopping_when_narrow_raises_no_more_false_alarms_than_promised():
    """Identical arms; stopping as soon as they differ would give several times as many."""
    plan = replace(PLAN, target=0.012)
    alarms = greedy = 0
    runs, stopped = 300, Counter()
    for seed in range(runs):
        rounds = noisy(random.Random(seed), plan.max_rounds, 0.01, ("a", "b"))
        end = stops_at(rounds, plan)
        stopped[end] += 1
        logs = [math.log(one["a"] / one["b"]) for one in rounds]
        alarms += differs(logs[:end])
        greedy += any(differs(logs[:n]) for n in range(plan.min_rounds, len(logs) + 1))
    assert len(stopped) > 3  # it did stop here and there
    assert alarms / runs < 0.09
    assert greedy > 1.5 * alarms


def differs(logs: Sequence[float]) -> bool:
    estimate = stats.hodges_lehmann(logs)
    assert estimate.low is not None
    assert estimate.high is not None
    return not estimate.low <= 0 <= estimate.high


# --- how many rounds, and which cells ----------------------------------------------------


@pytest.mark.parametrize("tests", [1, 2, 5, 11, 36, 80, 1000])
def test_with_so_many_rounds_the_smallest_p_can_pass_holm(tests):
    rounds = schedule.gate_rounds(tests)
    assert 2.0 ** (1 - rounds) <= 0.05 / tests
    assert rounds == 6 or 2.0 ** (2 - rounds) > 0.05 / tests


def test_no_tests_need_the_least_rounds():
    assert schedule.gate_rounds(0) == schedule.MIN_ROUNDS


def test_every_effort_can_have_an_interval():
    assert all(plan.min_rounds >= schedule.MIN_ROUNDS for plan in PLANS.values())
    assert all(plan.max_rounds >= plan.min_rounds for plan in PLANS.values())


COSTS = {"slow": 5.0, "quick": 1.0, "middle": 2.0, "huge": 60.0}


def needs(rounds: int, costs: Mapping[str, float] = COSTS) -> dict[str, Need]:
    return {cell: Need(seconds, rounds) for cell, seconds in costs.items()}


def test_cheap_cells_are_kept_first_until_the_time_is_used_up():
    assert schedule.affordable(needs(6), 18.0, 0, 0) == ["quick", "middle"]
    assert schedule.affordable(needs(6), 17.9, 0, 0) == ["quick"]
    assert schedule.affordable(needs(6), 1e6, 0, 0) == ["quick", "middle", "slow", "huge"]
    assert schedule.affordable(needs(6), -1.0, 0, 0) == []
    assert schedule.affordable({}, 10, 0, 0) == []


def test_equally_expensive_cells_are_kept_by_name():
    costs = dict.fromkeys("cab", 1.0)
    assert schedule.affordable(needs(1, costs), 2.0, 0, 0) == ["a", "b"]


def test_each_round_has_a_start_to_pay():
    assert schedule.affordable(needs(6), 24.0, 0, 1.0) == ["quick", "middle"]
    assert schedule.affordable(needs(6), 23.9, 0, 1.0) == ["quick"]
    assert schedule.affordable(needs(0), 4.0, 0, 1.0) == ["middle", "quick"]
    assert schedule.affordable(needs(0), 3.9, 0, 1.0) == ["middle"]


def test_what_is_left_goes_to_the_widest_intervals():
    widths = {"narrow": 1.1, "wide": 4.0, "wider": 9.0, "widest but dear": 20.0}
    both = {cell: Need(1.0, 0, width) for cell, width in widths.items()}
    both["widest but dear"] = Need(50.0, 0, 20.0)
    assert schedule.affordable(both, 2.0, 0, 0) == ["wider", "wide"]
    both["lacks"] = Need(0.5, 2)
    assert schedule.affordable(both, 2.0, 0, 0) == ["lacks", "wider"]


def test_only_widths_are_looked_at_and_nobody_wins_by_it():
    rounds = [{"a": 100.0 + r % 2, "b": 200.0 - r % 3} for r in range(8)]
    swapped = [{"a": one["b"], "b": one["a"]} for one in rounds]
    assert schedule.widest(rounds) == pytest.approx(schedule.widest(swapped))
    assert schedule.widest([]) == schedule.widest(rounds[:5]) == math.inf


def test_a_reference_has_a_turn_in_the_first_passes_only():
    turns = [schedule.has_turn(number, reference=True) for number in range(1, 13)]
    assert turns == [True] * schedule.MIN_SLICES + [False] * 9
    assert all(schedule.has_turn(number, reference=False) for number in range(1, 13))


def test_only_a_cell_without_an_interval_may_exceed_the_budget():
    both = {"done": Need(1.0, 0), "lacks": Need(5.0, 2)}
    assert schedule.affordable(both, 11.0, 0, 0) == ["lacks", "done"]
    assert schedule.affordable(both, 10.0, 0, 0) == ["lacks"]
    assert schedule.affordable(both, 0.0, 10.0, 0) == ["lacks"]
    assert schedule.affordable(both, 0.0, 9.0, 0) == []


# --- a machine that drifts ---------------------------------------------------------------

CELL = CellFacts(
    id="c", scenario="s", case="c", point={}, title="t", why="w", op="fetch_all"
)
OPS = 100
Speed = Callable[[float], float]
"""Share of the run that is over → how much slower the machine is by now."""


class FakeMachine:
    """Its clock is the work that was done on it; its speed depends on how far it is."""

    def __init__(self, speed: Speed, total_ns: float, rng: random.Random) -> None:
        self.speed = speed
        self.total_ns = total_ns
        self.rng = rng
        self.now_ns = 0.0

    def slice(self, ns_per_op: float) -> int:
        """The wall time of one slice."""
        factor = self.speed(min(1.0, self.now_ns / self.total_ns))
        wall = OPS * ns_per_op * factor * math.exp(self.rng.gauss(0, 0.004))
        self.now_ns += wall
        return round(wall)


def trials(arm: str, rounds: Sequence[Sequence[int]]) -> list[Trial]:
    return [
        Trial(
            cell="c",
            arm=arm,
            round=number,
            judgement=EXACT,
            slices=Slices(ops=OPS, lead=20, wall_ns=list(wall), cpu_ns=list(wall)),
        )
        for number, wall in enumerate(rounds)
    ]


def bias(walls: Mapping[str, Sequence[Sequence[int]]], truth: float) -> float:
    """How far the estimated ratio of b to a is off."""
    logs = paired_log_ratios(
        Timings.of(trials("b", walls["b"]), CELL), Timings.of(trials("a", walls["a"]), CELL)
    )
    return abs(math.exp(stats.hodges_lehmann(logs).point) / truth - 1)


def machine(speed: Speed, costs: Mapping[str, float], seed: int) -> FakeMachine:
    total = 1.1 * sum(costs.values()) * OPS * PLAN.slices * 8
    return FakeMachine(speed, total, random.Random(seed))


def interleaved(speed: Speed, costs: Mapping[str, float], seed: int):
    """What the runner does: in every round passes, in every pass each arm once."""
    rng, fake = random.Random(seed + 1000), machine(speed, costs, seed)
    walls: dict[str, list[list[int]]] = {arm: [] for arm in costs}
    for _ in range(8):
        for one in walls.values():
            one.append([])
        for turn in schedule.pass_order(rng, list(costs), PLAN.slices):
            for arm in turn:
                walls[arm][-1].append(fake.slice(costs[arm]))
    return walls


def sequential(speed: Speed, costs: Mapping[str, float], seed: int):
    """What a simple script does: one arm after the other."""
    fake = machine(speed, costs, seed)
    return {
        arm: [[fake.slice(cost) for _ in range(PLAN.slices)] for _ in range(8)]
        for arm, cost in costs.items()
    }


DRIFTS: Mapping[str, Speed] = {
    "linear": lambda done: 1 + 0.3 * done,
    "step": lambda done: 1.25 if done > 0.43 else 1.0,
    "pulse": lambda done: 1.4 if 0.2 < done < 0.45 else 1.0,
}


@pytest.mark.parametrize("truth", [1.0, 1.05])
@pytest.mark.parametrize("drift", DRIFTS)
def test_interleaving_cancels_a_drift_that_a_sequence_does_not(drift, truth):
    costs = {"a": 30_000.0, "b": 30_000.0 * truth}
    for seed in range(5):
        assert bias(interleaved(DRIFTS[drift], costs, seed), truth) < 0.003
    assert bias(sequential(DRIFTS[drift], costs, 0), truth) > 0.03


def test_a_steady_machine_is_measured_right_either_way():
    costs = {"a": 30_000.0, "b": 33_000.0}
    for measure in (interleaved, sequential):
        assert bias(measure(lambda done: 1.0, costs, 1), 1.1) < 0.003


# --- open loops -----------------------------------------------------------------------


def test_uniform_arrivals_lie_at_equal_distances():
    found = schedule.due(Arrivals("uniform", 1000, 2), random.Random(1))
    assert len(found) == 2000
    assert set(map(int.__sub__, found[1:], found)) == {1_000_000}


def test_poisson_arrivals_have_exponential_distances():
    found = schedule.due(Arrivals("poisson", 1000, 20), random.Random(1))
    gaps = [after - before for before, after in pairwise(found)]
    assert len(found) == 20_000
    assert min(gaps) >= 0
    assert fmean(gaps) == pytest.approx(1e6, rel=0.03)
    assert stdev(gaps) == pytest.approx(1e6, rel=0.03)  # as the mean: exponential
    assert schedule.due(Arrivals("poisson", 1000, 20), random.Random(1)) == found


# --- warm-up --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("walls", "steady"),
    [
        ([], False),
        ([5, 4], False),
        ([5, 4, 3], False),
        ([5, 3, 3.05], False),
        ([5, 3, 3, 3], True),
        ([3, 3.1, 2.95], True),
        ([9, 7, 5, 4], False),
    ],
)
def test_warm_up_ends_when_nothing_becomes_faster(walls, steady):
    assert schedule.is_steady(walls) is steady


def test_a_warm_up_slice_is_a_quarter_in_whole_cycles():
    assert schedule.warm_up_slice(800, 20) == 200
    assert schedule.warm_up_slice(20, 20) == 20


def test_a_gate_has_rounds_for_its_tests_and_a_time_that_people_wait_for():
    few, many = schedule.gate_plan(1, 3), schedule.gate_plan(11, 3)
    assert few.min_rounds == schedule.gate_rounds(3)
    assert many.min_rounds == schedule.gate_rounds(33)
    assert few.budget_s == schedule.LEAST_GATE_S
    assert 100 < many.budget_s <= 120
