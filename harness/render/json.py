"""Checks for programs: a JSON array with one object per cell, driver and profile."""

from __future__ import annotations

import json
from collections.abc import Sequence

from harness.results.records import Check

FIELDS = ("scenario", "case", "cell", "driver", "profile", "verdict", "code", "detail",
          "observed", "expected", "facts", "expected_verdict", "drift", "deviation",
          "link")  # fmt: skip


def render(checks: Sequence[Check]) -> str:
    """In the order given; texts are as the run recorded them."""
    objects = [{name: getattr(one, name) for name in FIELDS} for one in checks]
    return json.dumps(objects, indent=2, ensure_ascii=False) + "\n"
