"""What pictures have in common: colours, markers, and texts that are no mathematics."""

from __future__ import annotations

from harness.core.visible import visible_line

TEXT, SOFT, LINE = "#1c1f24", "#5d646f", "#e4e4e0"
ACCENT, BAD, GOOD = "#0b6363", "#b3261e", "#2f6b3c"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b0508a", "#56a5d8", "#c98a00", "#6f6f78",
           "#7b6b2c")  # fmt: skip
"""Those of drivers, in the order of the page's hues."""


def literal(text: str) -> str:
    """A text without mathematics: matplotlib takes `$…$` for TeX."""
    return visible_line(text).replace("$", r"\$")
