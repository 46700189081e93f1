"""pytest-benchmark, as in CI: a run is saved, the next one is compared and may fail.

Default calibration: rounds for one second. Each run is a process of its own. The rule
looks one way only: it fails when a statistic is more than 5 % worse. So of equal runs it
can flag at most one half, and it sees 5 % no more often than not.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core import stats
from harness.validity.outcome import Outcome
from studies.validity.others import field as fields
from studies.validity.others.field import Field
from studies.validity.others.pairs import Found, vanished, wrong_answers
from studies.validity.others.point import DEFECTS, Order

PACKAGE = "pytest_benchmark"
NAME = "pytest-benchmark"
RULES = {"mean": NAME, "min": f"{NAME}, min"}
"""Statistic that is compared → the name in the table."""

_TEST = """from studies.validity.others import point

op = point.op()


def test_{name}(benchmark):
    benchmark(op)
"""
_REGRESSED = re.compile(r"Field '(\w+)' has failed")
# One option with all rules: of the same option given twice, the last one alone counts.
_COMPARE = (
    "--benchmark-compare=0001",
    "--benchmark-compare-fail",
    *(f"{statistic}:5%" for statistic in RULES),
)


@dataclass(frozen=True, slots=True)
class PytestBenchmark:
    """`--benchmark-compare-fail` with mean:5% and min:5%; `options` go to every run."""

    options: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The name of its files."""
        return NAME

    def compare(self, field: Field, folder: Path, burdens: Sequence[float]) -> list[Found]:
        """Save a base, then compare each run with it."""
        _begin(folder, field.order(), *self.options)
        base = _stats(folder, "base")
        return [
            pair
            for burden in burdens
            for pair in _found(field, folder, base, burden, self.options)
        ]


def _found(
    field: Field,
    folder: Path,
    base: dict[str, float],
    burden: float,
    options: tuple[str, ...],
) -> Iterator[Found]:
    name = f"burden_{burden:.2f}"
    done = _run(folder, field.order(burden), name, *_COMPARE, *options)
    regressed = set(_REGRESSED.findall(done.stdout + done.stderr))
    if bool(done.returncode) != bool(regressed):
        fields.checked(done)
        raise AssertionError(f"pytest-benchmark lets {regressed} pass")
    now = _stats(folder, name)
    for statistic, tool in RULES.items():
        yield Found(
            tool,
            burden,
            field.put(burden, base[statistic] * 1e9),
            stats.log_ratio(now[statistic], base[statistic]),
            statistic in regressed,
        )


def _begin(folder: Path, order: Order, *options: str) -> None:
    """Save a base, as run 0001: nothing is left of what was interrupted here."""
    shutil.rmtree(folder / "store", ignore_errors=True)
    fields.checked(_run(folder, order, "base", *options))


def _run(
    folder: Path, order: Order, save: str, *options: str, test: str = "point"
) -> subprocess.CompletedProcess[str]:
    """One process of pytest, with an ini of its own: no project around has a say."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_point.py").write_text(_TEST.format(name=test))
    command = ["-m", "pytest", "test_point.py", "-c", "pytest.ini", "--benchmark-only"]
    keeping = ["-p", "no:cacheprovider", "--benchmark-storage=file://./store"]
    return fields.python(
        [*command, *keeping, f"--benchmark-save={save}", *options], order, folder
    )


def _stats(folder: Path, save: str) -> dict[str, float]:
    """What a saved run says, in seconds."""
    (file,) = folder.glob(f"store/*/*_{save}.json")
    found: dict[str, float] = json.loads(file.read_text())["benchmarks"][0]["stats"]
    return found


# --- what needs no pairs --------------------------------------------------------------


def broken(field: Field) -> Iterator[Outcome]:
    """Ops whose answers are wrong, written as in the tool's documentation."""
    timed = {}
    for defect in DEFECTS:
        folder = field.raw(f"{NAME}-broken-{defect}")
        shutil.rmtree(folder / "store", ignore_errors=True)
        done = _run(folder, field.order(defect=defect), "base")
        if not done.returncode:
            timed[defect] = _stats(folder, "base")["median"]
    yield wrong_answers(NAME, len(DEFECTS), timed)


def nothing_measured(field: Field) -> Iterator[Outcome]:
    """What was compared last time is gone: does the comparison fail?"""
    folder = field.raw(f"{NAME}-nothing")
    _begin(folder, field.order())
    done = _run(folder, field.order(), "renamed", *_COMPARE, test="renamed")
    if "Comparing against" not in done.stdout + done.stderr:
        fields.checked(done)  # it could not even look: that says nothing of the rule
    yield vanished(NAME, done.returncode)
