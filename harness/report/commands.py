"""Commands that a reader can run as they stand."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from harness.core.visible import visible_line

WIDTH = 80
_BREAK = " \\"
_INDENT = "    "


def command(*words: str, width: int = WIDTH) -> str:
    """The words as a shell reads them, over several lines where one is too short."""
    lines: list[str] = []
    for group in _groups(words):
        room = width - len(_BREAK)
        if lines and len(lines[-1]) + 1 + len(group) <= room:
            lines[-1] += f" {group}"
        else:
            lines.append(f"{_INDENT if lines else ''}{group}")
    return f"{_BREAK}\n".join(lines)


def one_line(*words: str) -> str:
    """The words as a shell reads them, for where no line is too long."""
    return " ".join(shlex.quote(visible_line(word)) for word in words)


def _groups(words: Sequence[str]) -> list[str]:
    """The words, quoted; an option stays with its value."""
    groups: list[str] = []
    for word in words:
        quoted = shlex.quote(visible_line(word))
        if groups and groups[-1].startswith("--") and " " not in groups[-1]:
            groups[-1] += f" {quoted}"
        else:
            groups.append(quoted)
    return groups


def path_of(cell: str, given: Sequence[str]) -> str:
    """What a verb calls a cell: its id, or its place in one of the files that were given,
    for a run knows a scenario outside of the catalogue by its name only."""
    scenario, _, local = cell.partition("#")
    files = (path.partition("#")[0] for path in given)
    return next(
        (
            f"{file}#{local}"
            for file in files
            if file.endswith(".toml") and Path(file).stem == scenario
        ),
        cell,
    )


_KEPT = ("--server", "--transport", "--profile")


def kept_options(called: Sequence[str]) -> list[str]:
    """Of how a run was called, what another one needs so that both can be compared."""
    kept: list[str] = []
    for word, following in pairwise([*called, ""]):
        if word in _KEPT:
            kept += [word, following]
        elif word.partition("=")[0] in _KEPT:
            kept.append(word)
    return kept
