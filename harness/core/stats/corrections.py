"""p-values of many tests, adjusted for their number."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm-adjusted p-values in the order given: for gates, where one alarm is too many."""
    m = len(p_values)
    adjusted, running = [0.0] * m, 0.0
    for step, place in enumerate(sorted(range(m), key=p_values.__getitem__)):
        running = max(running, min(1.0, (m - step) * p_values[place]))
        adjusted[place] = running
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini–Hochberg-adjusted p-values in the order given: for reports."""
    m = len(p_values)
    adjusted, running = [0.0] * m, 1.0
    order = sorted(range(m), key=p_values.__getitem__)
    for step in range(m - 1, -1, -1):
        place = order[step]
        running = min(running, p_values[place] * m / (step + 1))
        adjusted[place] = running
    return adjusted
