"""Which arms of different runs are the same but for their version."""

from __future__ import annotations

import re

from harness.results.records import ArmFacts

_FORM = re.compile(r"([^=@%#]*)(?:==[^%]*|@.*?)?(%[^%]*)?", re.DOTALL)
"""NAME[+option…][==VERSION | @PATH | @PATH#REV][%PYTHON]"""

_COMMIT = re.compile(r"\bcommit ([0-9a-f]{7,64})\b")


def series_of(arm: ArmFacts) -> str:
    """An arm's id without its version: `psycopg+binary==3.2.9%3.12` is one of the series
    `psycopg+binary%3.12`. The usual profile goes without saying."""
    form = _FORM.fullmatch(arm.id)
    name = form[1] + (form[2] or "") if form else arm.id
    return name if arm.profile == "configured" else f"{name} ({arm.profile})"


def commit_of(arm: ArmFacts) -> str:
    """The commit that an arm was built from, as it says of its source; else empty."""
    found = _COMMIT.search(arm.source)
    return found[1][:12] if found else ""


def python_of(arm: ArmFacts, run: str) -> str:
    """The interpreter of an arm; one that says nothing ran on the run's."""
    return arm.python or run
