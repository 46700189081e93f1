"""Arms that take no part in a run, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.arms import Arm


def told(greeted: Sequence[tuple[Arm, Mapping[str, Any]]]) -> list[str]:
    """Of each arm that said no terms why it takes no part, and what to do about it; once
    for all its profiles and copies."""
    found = [
        _sentence(arm.name, hello["problem"], hello.get("hint", ""))
        for arm, hello in greeted
        if "problem" in hello
    ]
    return list(dict.fromkeys(found))


def _sentence(name: str, problem: str, hint: str) -> str:
    named = problem if name in problem else f"{name}: {problem}"
    return f"{named}: it is left out" + (f"\n  hint: {hint}" if hint else "")
