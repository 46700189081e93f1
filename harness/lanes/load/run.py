"""Many clients in several processes: open loops up to saturation, closed loops as they are.

In each repeat every arm has fresh processes, verified before and after. Of an open loop all
arms are asked for their next rate, in random order, then for the one after: nobody has a
minute of the machine to himself. At one rate all arms have the same schedule.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from harness.bench import schedule
from harness.bench.assignment import Assignment, Forecast
from harness.bench.repeats import Repeats
from harness.bench.schedule import Crowd, Plan
from harness.core import interrupt
from harness.core.arms import Arm
from harness.core.cells import Arrivals, Cell
from harness.core.errors import OracleError
from harness.core.verdicts import Code, Judgement, Verdict, stopped
from harness.lanes.load import sweep
from harness.lanes.load.asking import left_out, portions_of, sessions_of
from harness.lanes.load.merging import Hand, faults, judged, merged
from harness.lanes.load.record import Load
from harness.lanes.load.splitting import dealt
from harness.lanes.load.sweep import Sweep
from harness.lanes.load.team import Team
from harness.results.records import Note
from harness.venue import limits
from harness.venue.stage import Playable
from harness.venue.venue import SPARE_CONNECTIONS

LEAST_REPEATS = 2
"""However small the budget of an effort is."""
_BUDGET = 1.6
"""How much longer than a run of times with the same effort: a slot takes a second."""
_SECONDS = 0.4
"""What a slot takes besides its own time."""
_READY_S = 1.5
"""What it takes to make an arm's processes ready in one repeat."""


def forecast(cells: Sequence[Cell], arms: Sequence[Arm], plan: Plan) -> Forecast:
    """How much a run would do, and how many sessions all arms have at once."""
    crowd, reasons = plan.crowd, left_out(cells)
    played = [cell for cell in cells if cell.id not in reasons]
    slots = sum(_slots(cell, crowd) for cell in played)
    repeat = len(arms) * (slots * (crowd.seconds + _SECONDS) + len(played) * _READY_S)
    within = max(LEAST_REPEATS * repeat, budget_s(plan))
    most = max((sessions_of(cell, crowd) for cell in played), default=1)
    return Forecast(
        rounds=f"{LEAST_REPEATS} to {plan.min_rounds} repeats of about {slots} slots",
        connections=len(arms) * (most + crowd.processes) + SPARE_CONNECTIONS,
        seconds=min(within, plan.min_rounds * repeat),
    )


def budget_s(plan: Plan) -> float:
    """How long a run may go on with repeats; infinite without a limit."""
    return _BUDGET * plan.budget_s or math.inf


def _slots(cell: Cell, crowd: Crowd) -> int:
    """About how many slots an arm has in a cell in one repeat."""
    return sweep.planned(crowd.rates) if cell.arrivals else 1


def run(work: Assignment) -> None:
    """Repeats of all cells, until the budget of the effort is used up."""
    _LoadLane(work).run()


class _LoadLane:
    def __init__(self, work: Assignment) -> None:
        self.work = work
        self.crowd = work.plan.crowd
        self.repeats = Repeats(work, work.plan.min_rounds)
        self.knees: dict[tuple[str, str], float] = {}
        self.budget_s = budget_s(work.plan)
        self.each = 0  # about how many slots a repeat has
        self.done = 0  # slots
        self.started = time.monotonic()

    def run(self) -> None:
        self._tell_crowded()
        reasons = left_out(self.work.cells)
        plays = self.repeats.plays(lambda cell: reasons.get(cell.id, ""), self._bare)
        self.each = len(self.work.arms) * sum(
            _slots(play.cell, self.crowd) for play in plays
        )
        self.work.dismiss()
        for repeat in range(self.repeats.count):
            begun = time.monotonic()
            for play in self.repeats.random.sample(plays, len(plays)):
                interrupt.check()
                self._cell(repeat, play)
            self.done = (repeat + 1) * self.each
            if not self._goes_on(repeat + 1, plays, time.monotonic() - begun):
                return

    def _goes_on(self, done: int, plays: Sequence[Playable], repeat_s: float) -> bool:
        """Whether anybody is left to measure, and another repeat as long as the last one is
        within the budget."""
        if not any(self._arms(play.cell) for play in plays):
            return False
        spent = time.monotonic() - self.started
        return done < LEAST_REPEATS or spent + repeat_s <= self.budget_s

    def _arms(self, cell: Cell) -> list[Arm]:
        """Those that may still get numbers in a cell."""
        out = self.repeats.out
        return [arm for arm in self.work.arms if (cell.id, arm.id) not in out]

    def _tell_crowded(self) -> None:
        cores, processes = len(self.work.placement.clients), self.crowd.processes
        if 0 < cores < processes:
            text = (
                f"{processes} client processes of a driver share {cores} "
                f"{'core' if cores == 1 else 'cores'}: what saturates first may be that"
            )
            self.work.emit(Note(kind="placement", text=text))

    def _tell(self, repeat: int, cell: Cell) -> None:
        """That a slot begins; at most as many follow as are planned."""
        interrupt.check()
        total = self.each * self.repeats.count
        done = self.done = min(self.done + 1, (repeat + 1) * self.each)
        spent = time.monotonic() - self.started
        least = self.each * LEAST_REPEATS - done
        within = max(self.budget_s - spent, spent / done * least, 0.0)
        left = min(spent / done * (total - done), within)
        self.work.progress.block(repeat, cell, done - 1, total, left)

    # --- a cell ------------------------------------------------------------------------

    def _cell(self, repeat: int, play: Playable) -> None:
        cell = play.cell
        arms = self._arms(cell)
        if reason := self._lacks(cell, len(arms)):
            facts = {"message": reason}
            denied = Judgement(Verdict.SKIPPED, Code.SERVER_LACKS, reason, facts=facts)
            for arm in arms:
                self.repeats.record(self._bare(cell, arm, denied, repeat))
            return
        try:
            with ExitStack() as stack:
                stack.enter_context(self.work.place.stage.server_settings(cell))
                self._played(repeat, play, arms, stack)
        except OracleError as error:  # a setting that the server does not have
            for arm in arms:
                self.repeats.record(self._bare(cell, arm, stopped(error), repeat))

    def _lacks(self, cell: Cell, arms: int) -> str:
        """Why the server cannot have all sessions at once; empty if it can."""
        wanted = arms * sessions_of(cell, self.crowd)
        room = limits.room(self.work.place.control)
        if wanted <= room:
            return ""
        drivers = "1 driver" if arms == 1 else f"{arms} drivers"
        return (
            f"{drivers} × {sessions_of(cell, self.crowd)} sessions are {wanted}, and "
            f"the server has room for {room}: fewer --processes, --sessions or drivers"
        )

    def _played(
        self, repeat: int, play: Playable, arms: Sequence[Arm], stack: ExitStack
    ) -> None:
        teams = []
        for arm in self.repeats.random.sample(arms, len(arms)):
            team = Team(self.work, play, arm, portions_of(play.cell, self.crowd))
            stack.callback(team.dismiss)
            team.begin(whole=repeat == 0)
            if self._is_well(repeat, play.cell, team):
                teams.append(team)
        if play.cell.arrivals:
            self._open(repeat, play.cell, play.cell.arrivals, teams)
        else:
            self._closed(repeat, play.cell, teams)
        for team in teams:
            if team.judged.verdict.timeable:
                team.verify_again()
                self._is_well(repeat, play.cell, team)

    def _is_well(self, repeat: int, cell: Cell, team: Team) -> bool:
        """Whether it may be measured; if not, that is recorded."""
        if team.judged.verdict.timeable:
            return True
        self.repeats.record(self._bare(cell, team.arm, team.judged, repeat))
        return False

    # --- slots -------------------------------------------------------------------------

    def _open(
        self, repeat: int, cell: Cell, arrivals: Arrivals, teams: Sequence[Team]
    ) -> None:
        """Every arm at its next rate, until none has one."""
        sweeps = {team: self._sweep(cell, arrivals, team.arm) for team in teams}
        while going := [team for team in teams if sweeps[team].rate is not None]:
            for team in self.repeats.random.sample(going, len(going)):
                rate = sweeps[team].rate
                assert rate is not None
                seconds = self.crowd.seconds * sweeps[team].share
                hands = self._hands(repeat, cell, arrivals, rate, seconds)
                sweeps[team].saw(self._slot(repeat, cell, team, hands, rate))
        for team, seen in sweeps.items():
            if seen.knee is not None:
                self.knees.setdefault((cell.id, team.arm.id), seen.knee)

    def _sweep(self, cell: Cell, arrivals: Arrivals, arm: Arm) -> Sweep:
        knee = self.knees.get((cell.id, arm.id))
        return Sweep(sweep.rates(arrivals.rate, self.crowd.rates, knee))

    def _hands(
        self, repeat: int, cell: Cell, arrivals: Arrivals, rate: float, seconds: float
    ) -> list[list[int]]:
        """When ops are due in each process, the same for all arms."""
        rng = random.Random(f"{self.work.seed} {cell.id} {repeat} {rate}")
        asked = schedule.moments(arrivals.kind, rate, seconds, rng)
        return dealt(asked, self.crowd.processes, rng)

    def _closed(self, repeat: int, cell: Cell, teams: Sequence[Team]) -> None:
        for team in teams:
            self._slot(repeat, cell, team, [None for _ in team.portions], 0.0)

    def _slot(
        self, repeat: int, cell: Cell, team: Team, hands: Sequence[Hand], rate: float
    ) -> Load:
        self._tell(repeat, cell)
        answers = team.slot(hands, self.crowd.seconds)
        bare = partial(self._bare, cell, team.arm, repeat=repeat, rate=rate)
        if answers is None:
            record = bare(team.judged)
            self.repeats.record(record)
            return record
        told = judged(answers, team.judged)
        numbers = merged(answers, hands) if told.verdict.timeable else {}
        record = bare(told, **faults(answers), **numbers)
        self._record(record, first=not rate or rate == self._first(cell))
        if told.verdict is Verdict.BROKEN:
            team.judged = told
        return record

    def _first(self, cell: Cell) -> float:
        asked = self.crowd.rates
        return min(asked) if asked else (cell.arrivals.rate if cell.arrivals else 0)

    def _record(self, record: Load, *, first: bool) -> None:
        """A driver that raises at a high rate may be asked for lower ones in the next
        repeat; all else is the last of its pair."""
        if first or record.verdict is not Verdict.REJECTED:
            self.repeats.record(record)
        else:
            self.work.emit(record)

    def _bare(
        self, cell: Cell, arm: Arm, verdict: Judgement, repeat: int = 0, **more: Any
    ) -> Load:
        portions = portions_of(cell, self.crowd)
        return Load(
            cell=cell.id,
            arm=arm.id,
            repeat=repeat,
            judgement=verdict,
            processes=len(portions),
            sessions=sum(portion.sessions for portion in portions),
            **more,
        )
