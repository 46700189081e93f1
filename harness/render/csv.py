"""Checks or derived numbers as CSV: a line per row, below the names; empty is unknown."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from harness.render.json import fields, flat
from harness.report.numbers import Number
from harness.results.records import Check


def render(rows: Sequence[Check] | Sequence[Number]) -> str:
    """In the order given; numbers have all their digits."""
    target = io.StringIO()
    writer = csv.DictWriter(target, fields(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat(rows))
    return target.getvalue()
