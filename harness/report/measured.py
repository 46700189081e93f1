"""What a bench says at its end: what was answered, how noisy it was, what to do next."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.analysis.times import has_time
from harness.core.errors import EXIT_INCONCLUSIVE, EXIT_INVALID
from harness.core.stats import MIN_ROUNDS
from harness.report import format as fmt
from harness.report.cells import CellView
from harness.report.latency import LatencySummary
from harness.report.quality import SelfTest
from harness.report.screened import Screening
from harness.report.spent import Spending
from harness.results.records import Run

if TYPE_CHECKING:
    from harness.report.view import RunView

_NUMBER = re.compile(r"\d[\d.,]*")


@dataclass(frozen=True, slots=True)
class Measured:
    """The end of a bench of times. `spending` is where its time went, `screening` which
    passes were left out, `advice` what to do where something was not answered, `network`
    are lines over RTTs, `saved` says from which RTT on waiting less often pays."""

    cells: tuple[CellView, ...]
    arms: tuple[str, ...]
    spending: Spending | None
    screening: Screening | None
    noise: str
    conclusion: str
    advice: str
    network: tuple[LatencySummary, ...] = ()
    saved: tuple[str, ...] = ()


def build(run: Run, shown: RunView, code: int) -> Measured:
    """The end of a bench that ends with this exit code."""
    return Measured(
        cells=shown.cells,
        arms=tuple(arm.id for arm in shown.competitors),
        spending=shown.spending,
        screening=shown.screening,
        noise=noise_sentence(shown.self_tests),
        conclusion=f"exit {code}: {_answered(run, shown.cells, code)}.",
        advice=_advice(shown.cells, code),
        network=shown.latency.summary if shown.latency else (),
        saved=shown.latency.saved if shown.latency else (),
    )


# --- what was answered ----------------------------------------------------------------


def is_ranked(cell: CellView) -> bool:
    """Whether a question says who is fastest."""
    return any(row.rank == 1 for row in cell.rows)


def too_few_rounds(cell: CellView) -> bool:
    """Whether only more quiet rounds would have ranked a question."""
    timed = any(row.verdict and row.verdict.timeable for row in cell.rows)
    return timed and not is_ranked(cell)


def ranked_sentence(cells: Sequence[CellView]) -> str:
    """`5 of 11 questions are ranked; 6 had too few quiet rounds`."""
    ranked = sum(map(is_ranked, cells))
    few = sum(map(too_few_rounds, cells))
    none = len(cells) - ranked - few
    verb = "is" if ranked == 1 else "are"
    parts = [f"{ranked or 'none'} of {fmt.plural(len(cells), 'question')} {verb} ranked"]
    parts += [f"{few} had too few quiet rounds"] if few else []
    parts += [f"{none} {'has' if none == 1 else 'have'} no time"] if none else []
    return "; ".join(parts)


def _answered(run: Run, cells: Sequence[CellView], code: int) -> str:
    if code == EXIT_INCONCLUSIVE:
        return f"nothing is ranked, because every block was disturbed{_disturbance(run)}"
    if run.missing_arms and any(map(has_time, run.trials)):
        return f"{', '.join(run.missing_arms)} took no part; {ranked_sentence(cells)}"
    if code == EXIT_INVALID:
        return f"nothing was timed{_obstacle(cells)}"
    return ranked_sentence(cells)


def _disturbance(run: Run) -> str:
    """The commonest reason why blocks were not counted, as it was told first."""
    told = [trial.disturbed for trial in run.trials if trial.disturbed]
    return f", mostly because {commonest(told)[0]}" if told else ""


def commonest(reasons: Sequence[str]) -> tuple[str, int]:
    """The reason that was given most often, whatever its numbers, with those of its first
    time; and how often."""
    kinds = Counter(_NUMBER.sub("…", reason) for reason in reasons)
    kind, count = kinds.most_common(1)[0]
    return next(reason for reason in reasons if _NUMBER.sub("…", reason) == kind), count


def _obstacle(cells: Sequence[CellView]) -> str:
    """The commonest reason why there is no number."""
    told = Counter(f"{row.status}: {row.detail}" for cell in cells for row in cell.rows)
    return f", mostly because {told.most_common(1)[0][0]}".rstrip(": ") if told else ""


def _advice(cells: Sequence[CellView], code: int) -> str:
    if code == EXIT_INCONCLUSIVE:
        return (
            "The medians above are in doubt. Stop what else runs on this machine, or move "
            "to a quieter one, and run again; pgdyno doctor shows what it offers."
        )
    if code != EXIT_INVALID and any(map(too_few_rounds, cells)):
        return (
            f"A rank needs {MIN_ROUNDS} quiet rounds: choose fewer questions or a higher "
            "--effort, or stop what else runs on this machine."
        )
    return ""


# --- how sure ---------------------------------------------------------------------------


def noise_sentence(tests: Sequence[SelfTest]) -> str:
    """How far drivers were from themselves; empty where none was run twice."""
    return " ".join(map(_noise, tests))


def _noise(test: SelfTest) -> str:
    """How far a driver was from itself; the widest of all questions."""
    points = [comparison.shift.point for comparison in test.cells]
    low, high = fmt.change(min(points)), fmt.change(max(points))
    worst = f"{low.removesuffix(' %')} … {high} at worst" if len(points) > 1 else high
    doubt = " The numbers are doubtful: it differs from itself." if test.doubtful else ""
    return f"noise: {test.original} against itself {worst}.{doubt}"
