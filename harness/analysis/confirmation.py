"""Was it there again? What a comparison flagged, judged once more on fresh data.

The cells that look worst among many are partly those that had bad luck. Fresh data know
nothing of that luck, so a regression counts only if it is in both.
"""

from __future__ import annotations

from dataclasses import replace

from harness.analysis.changes import CellChange, Comparison, worst_first
from harness.core.verdicts import Change


def confirmed(found: Comparison, fresh: Comparison) -> Comparison:
    """The comparison with what fresh data say of what it flagged."""
    if not found.flagged:
        return found
    if fresh.invalid:
        reasons = tuple(f"the fresh data: {reason}" for reason in fresh.invalid)
        return replace(found, invalid=reasons)
    again = {(row.cell, row.arm): row for row in fresh.changes}
    changes = [_again(row, again.get((row.cell, row.arm))) for row in found.changes]
    return replace(found, changes=worst_first(changes))


def _again(row: CellChange, fresh: CellChange | None) -> CellChange:
    """One row after fresh data: they decide what became of a regression."""
    if row.change is not Change.REGRESSED:
        return row
    if fresh is None:
        return replace(row, reason=_joined(row.reason, "not measured again"))
    if fresh.change is Change.REGRESSED:
        return replace(row, fresh=fresh, reason=_joined(row.reason, "confirmed"))
    change = Change.SAME if fresh.change is Change.SAME else Change.INCONCLUSIVE
    why = f"regressed at first, {_word(fresh)} on fresh data"
    return replace(row, change=change, fresh=fresh, reason=why)


def _word(fresh: CellChange) -> str:
    return f"{fresh.change.replace('-', ' ')}{f' ({fresh.reason})' if fresh.reason else ''}"


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))
