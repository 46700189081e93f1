"""One driver after the other, as MagicStack's pgbench does it: a process each, one long
loop, ops per second at the end, and the reader takes the larger number.

There is no rule. What counts here as told apart is a difference of more than 1 %: who
reads two numbers of such a table believes less than that.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.core import stats
from harness.core.errors import ResultsError
from harness.validity import stalled
from harness.validity.outcome import OPEN_LOOP, Outcome
from studies.validity.others import field as fields
from studies.validity.others.field import Field
from studies.validity.others.pairs import Found

NAME = "sequential"
SECONDS = 30.0
TOLD_APART = 0.01


@dataclass(frozen=True, slots=True)
class Sequential:
    """So many seconds for each run."""

    seconds: float = SECONDS

    @property
    def kind(self) -> str:
        """With its seconds: shorter runs are another tool."""
        return f"{NAME}-{self.seconds:g}-s"

    @property
    def tool(self) -> str:
        """The name in the table."""
        return f"{NAME} {self.seconds:g} s"

    def compare(self, field: Field, folder: Path, burdens: Sequence[float]) -> list[Found]:
        """One process after the other."""
        base = self._ops_per_s(field, folder, 0.0, "base")
        found = []
        for burden in burdens:
            now = self._ops_per_s(field, folder, burden, f"burden_{burden:.2f}")
            shift = stats.log_ratio(base, now)  # of times: ops per second, upside down
            apart = abs(stats.percent(shift)) > 100 * TOLD_APART
            put = field.put(burden, 1e9 / base)
            found.append(Found(self.tool, burden, put, shift, apart))
        return found

    def _ops_per_s(self, field: Field, folder: Path, burden: float, save: str) -> float:
        said = fields.told(
            fields.act(field, field.order(burden), "one_by_one", self.seconds)
        )
        fields.keep(folder / f"{save}.json", said)
        return said["ops_per_s"]


# --- a server that stops ----------------------------------------------------------------


def open_loop(field: Field, tool: str) -> Iterator[Outcome]:
    """pgdyno's own stall, met by a closed loop with a pause of 1 ms after each op.

    Who asks again only after an answer meets the stall once, however many clients would
    have come meanwhile. No row where the backend is not ours to stop.
    """
    if not field.postmaster:
        return
    said = _stopped_once(field, stalled.ARRIVALS.seconds, stalled.STALL_S)
    fields.keep(field.folder / f"{NAME}-open-loop.json", said)
    true_ms = stalled.P99_NS / 1e6
    yield Outcome(
        f"{OPEN_LOOP}, {field.driver}",
        f"p99 = {true_ms:.0f} ms ± {100 * stalled.TOLERANCE:.0f} %",
        f"p99 = {said['p99_ms']:.2f} ms; one of {said['ops']:,.0f} ops"
        f" took {said['worst_ms']:.0f} ms",
        abs(said["p99_ms"] / true_ms - 1) <= stalled.TOLERANCE,
        tool,
    )


def _stopped_once(field: Field, seconds: float, stop_s: float) -> dict[str, float]:
    """A closed loop in a process of its own, and its backend stopped half-way."""
    pause_s = 1 / stalled.ARRIVALS.rate
    command = ["-m", "studies.validity.others.point", "closed_loop", seconds, pause_s]
    with subprocess.Popen(
        [sys.executable, *map(str, command)],
        env=field.order().environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        backend = int(process.stdout.readline() or 0)
        time.sleep((seconds - stop_s) / 2)
        _stop(backend, field.postmaster, stop_s)
        out, err = process.communicate(timeout=seconds + 60)
    done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    return fields.told(fields.checked(done))


def _stop(backend: int, postmaster: int, stop_s: float) -> None:
    """Stop a child of the postmaster for so long; nobody else's process."""
    if not backend or psutil.Process(backend).ppid() != postmaster:
        raise ResultsError(
            "the server process of a session cannot be found on this machine",
            hint="validate with a server that pgdyno starts: --server wheel",
        )
    try:
        os.kill(backend, signal.SIGSTOP)
        time.sleep(stop_s)
    finally:
        os.kill(backend, signal.SIGCONT)
