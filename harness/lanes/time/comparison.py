"""Whether times changed: `harness.analysis.compare` judges, here are its words."""

from __future__ import annotations

from harness.analysis.changes import CellChange, Comparison
from harness.analysis.compare import compare
from harness.report import format as fmt
from harness.report.comparison import Words, margins

__all__ = ["WORDS", "compare"]


def _method(comparison: Comparison) -> str:
    paired, unpaired = "paired by round, signed rank", "two samples of rounds, Mann–Whitney"
    how = paired if comparison.paired else unpaired
    tests = sum(row.p is not None for row in comparison.changes)
    return (
        f"{how}; Hodges–Lehmann ratio with 95 % interval; "
        f"Holm over {fmt.plural(tests, 'test')} at {comparison.alpha:g}; "
        f"threshold {margins(comparison)}"
    )


def _detectable(row: CellChange) -> str:
    return fmt.change(row.detectable, sign=False)


WORDS = Words(
    regressed="slower",
    improved="faster",
    interval="95 % interval",
    trimmed="trimmed (Yuen)",
    last="detectable",
    unit="ns",
    note="Detectable: the smallest difference that this test finds four times in five "
    "(80 % power; ∞: none, for want of rounds).",
    number=fmt.duration,
    limit=_detectable,
    method=_method,
    again="--effort gate",
)
