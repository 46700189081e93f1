"""One block: a cell in one round, and what became of every arm in it."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.core.errors import WorkerGone
from harness.core.metrics import READINGS, WAITS, WORK
from harness.core.verdicts import Judgement
from harness.machine import contention
from harness.machine.screening import Turn
from harness.play.seat import Seat
from harness.results.records import OpenLoop, Slices
from harness.venue.stage import Playable


@dataclass(slots=True)
class Block:
    """One cell in one round, while it is being measured."""

    play: Playable
    number: int
    attempt: int
    seats: Mapping[str, Seat]
    judged: dict[str, Judgement] = field(default_factory=dict)
    ops: dict[str, int] = field(default_factory=dict)
    leads: dict[str, int] = field(default_factory=dict)  # untimed ops before each slice
    slices: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    latencies: dict[str, list[int]] = field(default_factory=dict)
    latency_walls: dict[str, int] = field(default_factory=dict)
    arrived: dict[str, OpenLoop] = field(default_factory=dict)
    backends: dict[str, list[int]] = field(default_factory=dict)
    unsteady: set[str] = field(default_factory=set)
    stolen: list[float] = field(default_factory=list)  # by pass: the share of the host
    wanted: int = 1  # how many passes are to be quiet
    left_out: list[int] = field(default_factory=list)  # passes that do not count
    disturbed: str = ""

    @property
    def writes(self) -> bool:
        """Whether its ops change what the server holds."""
        return self.play.prepared.before is not None

    def timeable(self, arm: str) -> bool:
        """Whether an arm may be, or stay, timed."""
        return arm in self.judged and self.judged[arm].verdict.timeable

    def _competes(self, arm: str) -> bool:
        """Whether it is a driver that was timed, and no reference."""
        return self.timeable(arm) and not self.seats[arm].arm.reference

    def medians(self) -> dict[str, float]:
        """ns per op by arm, of the drivers that were timed; of an open loop the response
        time. Nobody waits for references."""
        walls = {
            arm: statistics.median(self._counted(answers)) / self.ops[arm]
            for arm, answers in self.slices.items()
            if self._competes(arm)
        }
        responses = {
            arm: statistics.median(loop.response_ns) for arm, loop in self.arrived.items()
        }
        return {arm: ns for arm, ns in (walls | responses).items() if self._competes(arm)}

    def _counted(self, answers: Sequence[Mapping[str, Any]]) -> list[int]:
        """The wall times of those passes that count."""
        return [
            wall_ns(answer)
            for number, answer in enumerate(answers)
            if number not in self.left_out
        ]

    def turns(self, sides: Mapping[str, Collection[str]]) -> dict[str, list[Turn]]:
        """What each driver that is timed waited in its slices, on these sides of it."""
        return {
            arm: [
                _turn(answer, self.leads[arm] / self.ops[arm], sides.get(arm, ()))
                for answer in answers
            ]
            for arm, answers in self.slices.items()
            if self._competes(arm)
        }

    def switches(self) -> dict[str, float]:
        """The client's own context switches per op by arm, where there are enough ops."""
        ops = {arm: len(answers) * self.ops[arm] for arm, answers in self.slices.items()}
        return {
            arm: sum(answer["voluntary_switches"] for answer in answers) / ops[arm]
            for arm, answers in self.slices.items()
            if self._competes(arm) and ops[arm] >= contention.OPS_FOR_A_SIGN
        }

    def record(self, arm: str) -> Slices | None:
        """An arm's slices for the results file; None if it has no time."""
        if arm not in self.slices or not self.timeable(arm):
            return None
        return _slices_record(self.ops[arm], self.leads[arm], self.slices[arm])

    def not_counted(self, arm: str) -> list[int]:
        """The passes of an arm that do not count. A reference that has no other keeps
        them, and so do all arms of a block that does not count anyway."""
        turns = len(self.slices.get(arm, ()))
        found = [number for number in self.left_out if number < turns]
        return [] if self.disturbed or len(found) == turns else found

    def open_loop(self, arm: str) -> OpenLoop | None:
        """An arm's open loop for the results file; None if it has no time."""
        return self.arrived.get(arm) if self.timeable(arm) else None


def wall_ns(answer: Mapping[str, Any]) -> int:
    """The wall time of a slice, of a worker's answer.

    Raises:
        WorkerGone: an op failed; the driver is charged with it.
    """
    if "failed" in answer:
        told = answer["failed"]
        raise WorkerGone(f"an op failed: {told}", verdict="rejected", message=told)
    wall: int = answer["wall_ns"]
    return wall


def worked_ns(answer: Mapping[str, Any]) -> float:
    """The wall time of a slice without what its client and backend waited for a processor:
    near enough to plan by. Threads may wait at once, so it is a quarter of it at least.

    Raises:
        WorkerGone: an op failed; the driver is charged with it.
    """
    wall = wall_ns(answer)
    return max(wall / 4, wall - sum(answer[name] or 0 for name in WAITS))


def _turn(answer: Mapping[str, Any], lead_share: float, sides: Collection[str]) -> Turn:
    """The waiting of a slice and its lead-in, and how long both took together. How long the
    lead-in worked is not known: as long for each op as the slice."""
    waits = [answer[name] for name in sides if answer[name] is not None]
    whole = 1 + lead_share
    worked = sum(answer[name] or 0 for name in WORK)
    return Turn(
        round(wall_ns(answer) * whole), sum(waits) if waits else None, round(worked * whole)
    )


def _slices_record(ops: int, lead: int, answers: Sequence[Mapping[str, Any]]) -> Slices:
    return Slices(
        ops=ops,
        lead=lead,
        wall_ns=[answer["wall_ns"] for answer in answers],
        **{name: _known_values(answers, name) for name in READINGS},
    )


def _known_values(answers: Sequence[Mapping[str, Any]], name: str) -> list[int]:
    """A reading of each slice; empty where one of them could not be taken."""
    values = [answer[name] for answer in answers]
    return [] if None in values else values
