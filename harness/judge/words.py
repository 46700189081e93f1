"""The words of steps: `@{pid}` in an argument is what an earlier step saved as pid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness import values
from harness.core.steps import Step

PLACE = ("to", "user", "password", "dbname")
"""Arguments of an act upon a DSN that say which DSN, and do not reach the act."""


_WORD = re.compile(r"@\{(\w+)\}")


def filled(value: Any, words: Mapping[str, str]) -> Any:
    """An argument as the act gets it: words put in, constructors made."""
    if isinstance(value, str):
        return _WORD.sub(lambda word: words.get(word[1], word[0]), value)
    if isinstance(value, Mapping):
        given = {name: filled(item, words) for name, item in value.items()}
        return values.construct(given) if "py" in value else given
    if isinstance(value, list | tuple):
        return [filled(item, words) for item in value]
    return value


def expecting(step: Step, words: Mapping[str, str]) -> Step:
    """The step with what it expects filled in."""
    expect = replace(
        step.expect,
        value=tuple(filled(item, words) for item in step.expect.value),
        has=filled(step.expect.has, words),
        like=filled(step.expect.like, words),
    )
    return replace(step, expect=expect)
