"""Imports an arm's libraries in an interpreter that has imported nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness.core.errors import WorkerGone
from harness.core.verdicts import EXACT, failed, stopped
from harness.lanes.start import importing
from harness.lanes.start.record import Import
from harness.play.process import START_SECONDS, variables
from harness.play.seat import Seat


def libraries(seat: Seat) -> list[str]:
    """The modules that its plug-in imported and are neither ours nor Python's, as long as
    no session is open: the registrations of a profile import more.

    Raises:
        WorkerGone: the worker is gone.
    """
    found: list[str] = seat.ask("libraries", seat.deadlines.open)["libraries"]
    return found


def imported(
    seat: Seat, modules: Sequence[str], cores: Sequence[int], repeat: int
) -> Import:
    """Import these modules once, in the interpreter of the seat's arm."""
    arm = seat.arm.id
    try:
        told = _run(seat, modules, cores)
    except subprocess.TimeoutExpired:
        gone = WorkerGone(
            f"its libraries were not imported within {START_SECONDS:.0f} s", verdict="hung"
        )
        return Import(arm=arm, repeat=repeat, judgement=stopped(gone))
    if told.returncode:
        said = (told.stderr.strip().splitlines() or ["it said nothing"])[-1]
        judged = failed(said).during("while its libraries were imported")
        return Import(arm=arm, repeat=repeat, judgement=judged)
    # What a library prints while it is imported comes first.
    python_cpu, wall, cpu, rss, added = map(int, told.stdout.split()[-5:])
    return Import(
        arm=arm,
        repeat=repeat,
        judgement=EXACT,
        python_cpu_ns=python_cpu,
        wall_ns=wall,
        cpu_ns=cpu,
        rss_bytes=rss,
        modules=added,
    )


def _run(
    seat: Seat, modules: Sequence[str], cores: Sequence[int]
) -> subprocess.CompletedProcess[str]:
    environment = seat.worker.environment
    program = [environment.python, str(Path(importing.__file__))]
    return subprocess.run(
        [*program, ",".join(map(str, cores)), *modules],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        env=variables(None, environment),
        cwd=environment.rooms,
        check=False,
    )
