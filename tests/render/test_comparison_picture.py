"""A comparison as a picture: whatever there is to draw, and the same each time."""

from __future__ import annotations

from dataclasses import replace

import fake_runs
import pytest

from harness.analysis.changes import Comparison
from harness.render import comparison_png
from harness.report.comparison import Request, compare


def compared(rounds: int, base: str = "psycopg", candidate: str = "psycopg2") -> Comparison:
    run = fake_runs.bench(rows=fake_runs.CELLS[:3], rounds=rounds)
    return compare(Request(run, run, base, candidate))


@pytest.mark.parametrize("rounds", [1, 8])
def test_a_comparison_is_drawn(rounds: int) -> None:
    drawn = comparison_png.render(compared(rounds))
    assert drawn.startswith(b"\x89PNG")
    assert comparison_png.render(compared(rounds)) == drawn


def test_nothing_to_draw_is_an_empty_picture() -> None:
    nothing = replace(compared(8), changes=())
    assert comparison_png.render(nothing).startswith(b"\x89PNG")
