"""Patterns of cells and arms, as people write them: `*` stands for any text.

Nothing else is special, because ids hold brackets and question marks.
"""

from __future__ import annotations

import re
from functools import cache


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern means this whole text."""
    if "*" not in pattern:
        return pattern == text
    return _compiled(pattern).fullmatch(text) is not None


def names_cell(pattern: str, cell: str) -> bool:
    """Whether a pattern means this cell: by its id, its case, its scenario or its family.

    `copy`, `copy/in`, `copy/in#rows` and `copy/*@format=binary*` all mean the cell
    `copy/in#rows@format=binary,rows=1000`, and that cell under every condition.
    """
    return any(matches(pattern + rest, cell) for rest in ("", "@*", "#*", "/*", "[*"))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = map(re.escape, pattern.split("*"))
    return re.compile(".*".join(parts), re.DOTALL)
