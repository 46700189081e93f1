"""pyperf with its `compare_to`: Student's t over all values of all its processes.

Default settings: 20 processes with 3 values each, unless told otherwise.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from harness.core import stats
from harness.validity.outcome import Outcome
from studies.validity.others import field as fields
from studies.validity.others.field import Field
from studies.validity.others.pairs import Found, vanished, wrong_answers
from studies.validity.others.point import DEFECTS, VARIABLE, Order

PACKAGE = "pyperf"
NAME = "pyperf"
PROCESSES = 20
"""pyperf's own default."""

_SCRIPT = """import pyperf

from studies.validity.others import point

pyperf.Runner().bench_func("{name}", point.op())
"""
_FEW = ("--processes=2", "--values=2")
"""Enough to see whether it complains at all."""


@dataclass(frozen=True, slots=True)
class Pyperf:
    """`pyperf compare_to` after two runs; `options` are added to both."""

    processes: int = PROCESSES
    options: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """With the number of processes where it is not pyperf's own."""
        return NAME if self.processes == PROCESSES else f"{NAME}-{self.processes}-processes"

    @property
    def tool(self) -> str:
        """The name in the table."""
        few = f", {self.processes} processes"
        return NAME if self.processes == PROCESSES else f"{NAME}{few}"

    def compare(self, field: Field, folder: Path, burdens: Sequence[float]) -> list[Found]:
        """Run a base, then compare each run with it."""
        options = (f"--processes={self.processes}", *self.options)
        fields.checked(_run(folder, field.order(), "base", *options))
        base = _mean_s(folder, "base")
        found = []
        for burden in burdens:
            order, name = field.order(burden), f"burden_{burden:.2f}"
            fields.checked(_run(folder, order, name, *options))
            said = fields.checked(_compare(folder, order, name)).stdout
            put = field.put(burden, base * 1e9)
            shift = stats.log_ratio(_mean_s(folder, name), base)
            found.append(Found(self.tool, burden, put, shift, _significant(said)))
        return found


def _run(
    folder: Path, order: Order, save: str, *options: str, name: str = "point"
) -> subprocess.CompletedProcess[str]:
    (folder / "bench_point.py").write_text(_SCRIPT.format(name=name))
    out = folder / f"{save}.json"
    out.unlink(missing_ok=True)  # pyperf does not write over a file
    told = ("--quiet", f"--inherit-environ={VARIABLE},PYTHONPATH", "--output", out)
    return fields.python(["bench_point.py", *told, *options], order, folder)


def _compare(folder: Path, order: Order, save: str) -> subprocess.CompletedProcess[str]:
    command = ("-m", "pyperf", "compare_to", "--verbose", "base.json", f"{save}.json")
    return fields.python(command, order, folder)


def _significant(said: str) -> bool:
    """What `compare_to --verbose` says of one benchmark."""
    if "Not significant!" in said or "not significant" in said:
        return False
    if "Significant" not in said:
        raise AssertionError(f"pyperf compare_to says neither: {said[:200]}")
    return True


def _mean_s(folder: Path, save: str) -> float:
    """The mean of all values, as pyperf shows it."""
    (benchmark,) = json.loads((folder / f"{save}.json").read_text())["benchmarks"]
    return fmean(value for run in benchmark["runs"] for value in run.get("values", ()))


# --- what needs no pairs --------------------------------------------------------------


def broken(field: Field) -> Iterator[Outcome]:
    """Ops whose answers are wrong."""
    timed = {}
    for defect in DEFECTS:
        folder = field.raw(f"{NAME}-broken-{defect}")
        done = _run(folder, field.order(defect=defect), "base", *_FEW)
        if not done.returncode:
            timed[defect] = _mean_s(folder, "base")
    yield wrong_answers(NAME, len(DEFECTS), timed)


def nothing_measured(field: Field) -> Iterator[Outcome]:
    """What was compared last time is gone: does the comparison fail?"""
    folder = field.raw(f"{NAME}-nothing")
    fields.checked(_run(folder, field.order(), "base", *_FEW))
    fields.checked(_run(folder, field.order(), "renamed", *_FEW, name="renamed"))
    done = _compare(folder, field.order(), "renamed")
    if "in common" not in done.stderr:
        fields.checked(done)  # another failure says nothing of the rule
    yield vanished(NAME, done.returncode)
