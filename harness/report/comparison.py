"""What a comparison says in sentences: its answer, its method, what makes it doubtful."""

from __future__ import annotations

from harness.analysis.compare import Comparison
from harness.core import stats
from harness.report import format as fmt


def headline(comparison: Comparison) -> str:
    """The answer in one sentence."""
    answer = comparison.answer.upper()
    if comparison.invalid:
        return f"{answer}: these two cannot be compared"
    counts = comparison.counts
    found = [f"{count} {kind}" for kind, count in counts.items() if count]
    of = fmt.plural(len(comparison.changes), "comparison")
    return f"{answer}: {', '.join(found)} (of {of})"


def method(comparison: Comparison) -> str:
    """How it was judged, so that a reader can disagree."""
    if comparison.lane == "instructions":
        return (
            "the whole range of ratios between all repeats must lie beyond the threshold; "
            f"threshold ±{comparison.threshold * 100:g} %"
        )
    paired, unpaired = "paired by round, signed rank", "two samples of rounds, Mann–Whitney"
    how = paired if comparison.paired else unpaired
    tests = sum(one.p is not None for one in comparison.changes)
    return (
        f"{how}; Hodges–Lehmann ratio with 95 % interval; "
        f"Holm over {fmt.plural(tests, 'test')} at {comparison.alpha:g}; "
        f"threshold ±{comparison.threshold * 100:g} %"
    )


def doubts(comparison: Comparison) -> list[str]:
    """Everything that makes the answer weaker, strongest first."""
    lines = list(comparison.invalid)
    shift = comparison.common_shift
    if comparison.shifted and shift is not None:
        direction = "slower" if shift > 0 else "faster"
        size = abs(stats.percent(shift))
        lines.append(
            f"the machine itself was {size:.1f} % {direction} in the candidate run: "
            "drivers that did not change share this, so no timing change is believed; "
            "measure again"
        )
    elif shift is not None:
        lines.append(f"common shift of unchanged drivers: {fmt.change(shift)} (tolerated)")
    return lines + list(comparison.warnings)
