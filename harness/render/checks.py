"""Checks as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from harness.results.records import Check, to_dict


def to_text(checks: Sequence[Check], form: str) -> str:
    """For now, JSON whatever the form."""
    return json.dumps([to_dict(c) for c in checks], indent=1) + "\n"
