"""What only many trials can say: whole tables of equal arms, and lines through burdens."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from statistics import fmean, linear_regression

from harness.bench.schedule import PLANS
from harness.core import stats
from harness.validity.live import Told
from harness.validity.outcome import ALPHA, Outcome

MATRICES, MATRIX_CELLS, MATRICES_FLAGGED = 20, 36, 3


def matrices(told: Told) -> Iterator[Outcome]:
    """Tables of equal arms, as large as a standard run: how many have any flag after Holm?

    Each table is replayed from rounds that were measured, drawn without putting back.
    """
    stored = [ratio for pair in told.equal for ratio in pair.rounds]
    rounds = PLANS["standard"].max_rounds
    rng = random.Random(MATRIX_CELLS)
    flagged, enough = 0, len(stored) >= MATRIX_CELLS * rounds
    for _ in range(MATRICES if enough else 0):
        drawn = rng.sample(stored, MATRIX_CELLS * rounds)
        cells = [drawn[at : at + rounds] for at in range(0, len(drawn), rounds)]
        flagged += (
            min(stats.holm([stats.signed_rank_p(ratios) for ratios in cells])) <= ALPHA
        )
    yield Outcome(
        f"A/A, {MATRICES} tables of {MATRIX_CELLS} cells after Holm",
        f"at most {MATRICES_FLAGGED} with a flag",
        f"{flagged} with a flag, from {len(stored)} rounds"
        if enough
        else f"{len(stored)} rounds are too few for one table",
        enough and flagged <= MATRICES_FLAGGED,
    )


def calibration(told: Told) -> Iterator[Outcome]:
    """Lines through what was put in and what was found, over all comparisons that have an
    estimate; and how far equal arms lie apart on average.

    What was put in is known from two clocks: that of the burdens, and those of both
    processes' processors, which also count what the burden has made dearer elsewhere.
    """
    equal = [pair.shift for pair in told.decided if not pair.burden]
    if not equal or len(equal) == len(told.decided):
        return
    of = ", 1,000 rows" if told.series.kind == "line" else ""
    yield from _line(
        f"calibration, %s{of}", [(pair.put, pair.shift) for pair in told.decided]
    )
    spent = [(pair.spent, pair.shift) for pair in told.decided if pair.spent is not None]
    if spent:
        yield from _line(f"calibration, %s by processor time{of}", spent)
    yield _centred(f"A/A, mean shift{of}", fmean(equal))


def _line(test: str, points: Sequence[tuple[float, float]]) -> Iterator[Outcome]:
    slope, intercept = linear_regression(*zip(*points, strict=True))
    yield Outcome(test % "slope", "1.00 ± 0.05", f"{slope:.3f}", abs(slope - 1) <= 0.05)
    yield _centred(test % "intercept", intercept)


def _centred(test: str, ratio: float) -> Outcome:
    shift = stats.percent(ratio)
    return Outcome(test, "± 0.3 %", f"{shift:+.2f} %", abs(shift) <= 0.3)
