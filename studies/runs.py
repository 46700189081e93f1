"""Bench runs that a study keeps, so that it can go on where it was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness import environments, scenario, servers
from harness.bench import schedule
from harness.bench.assignment import runnable
from harness.bench.orders import Order
from harness.bench.schedule import Plan
from harness.cli import bench, options
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import DriverError
from harness.lanes import DEFAULT
from harness.results import store
from harness.results.records import Run
from harness.validity import kept


@dataclass(frozen=True, slots=True)
class Measurement:
    """How a study measures: its plan for so many cells and arms, and the server as
    `--server` spells it."""

    plan: Callable[[int, int], Plan] = schedule.gate_plan
    server: str = "wheel"

    def run(self, out: Path, paths: Sequence[str], arms: Sequence[Arm]) -> Run:
        """The run of a file; it is measured unless it is there and complete."""
        if not kept.complete(out):
            out.unlink(missing_ok=True)
            self._measure(out, paths, arms)
        return store.read(out)

    def _measure(self, out: Path, paths: Sequence[str], arms: Sequence[Arm]) -> None:
        scenarios, cells = scenario.select_cells([*paths])
        cells = bench.chosen_cells(cells, "full", everything=True)
        plan = self.plan(len(cells), len(arms))
        forecast = runnable(DEFAULT).forecast(cells, arms, plan)
        spec = servers.parse(self.server, max_connections=forecast.connections)
        options.make_environments(arms)
        seed = sum(out.name.encode())  # another order for each run, the same one again
        bench.measure(spec, Order(scenarios, cells, arms, plan, "gate", seed), out)


def lasting(seconds: float) -> Callable[[int, int], Plan]:
    """The plan of a gate, for so many seconds."""
    return lambda cells, arms: replace(schedule.gate_plan(cells, arms), budget_s=seconds)


def quick_cells() -> list[Cell]:
    """What `bench` and a gate measure where nothing is named."""
    _, cells = scenario.select_cells([])
    return bench.chosen_cells(cells, "quick", everything=False)


def available(arms: Sequence[Arm]) -> tuple[list[Arm], Mapping[str, str]]:
    """The arms whose environment is there or can be made, and of the others why not."""
    problems = dict(_problems(arms))
    return [arm for arm in arms if arm.name not in problems], problems


def _problems(arms: Sequence[Arm]) -> Iterator[tuple[str, str]]:
    for arm in arms:
        try:
            environments.of(arm, print)
        except DriverError as error:
            yield arm.name, str(error)
