"""Which arms of different runs are the same but for their version."""

from __future__ import annotations

import re

from harness.results.records import ArmFacts

_VERSION = re.compile(r"(==|@)[^%+ ]*")


def series_of(arm: ArmFacts) -> str:
    """An arm's id without its version: `psycopg+binary==3.2.9%3.12` is one of the series
    `psycopg+binary%3.12`. The usual profile goes without saying."""
    name = _VERSION.sub("", arm.id)
    return name if arm.profile == "configured" else f"{name} ({arm.profile})"


def commit_of(arm: ArmFacts) -> str:
    """The commit that an arm was made from; empty where it is none, or unknown."""
    return arm.terms.get("commit", "")
