"""What became of parts of runs: for a terminal in 80 columns, as Markdown and as JSON."""

from __future__ import annotations

import json as format_json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from harness.core.visible import safe_json, visible
from harness.render import markdown_across as across
from harness.render.across_text import columns_text, machines_text
from harness.report import format as fmt
from harness.report.merged import Merged, MergedRun
from harness.results.records import CellFacts

WIDTH = 80
_MOST = 20
"""So many files, jobs and remarks are listed; the numbers are of all."""


def text(merged: Merged) -> str:
    """For a terminal; the conclusion is the last line."""
    blocks = [list(_run(run)) for run in merged.runs]
    if merged.machines:
        blocks.append([machines_text(merged.machines)])
    if merged.variants:
        blocks.append([columns_text(merged.variants)])
    blocks += [_listed(title, lines) for title, lines in _lists(merged)]
    if merged.runs:
        blocks.append(
            [f"pgdyno report {shlex.quote(_folder(merged))}/*.jsonl --out report"]
        )
    blocks.append(fmt.wrapped(merged.conclusion, WIDTH))
    return visible("\n\n".join("\n".join(block) for block in blocks if block)) + "\n"


def _folder(merged: Merged) -> str:
    return str(Path(merged.runs[0].file).parent)


def _run(run: MergedRun) -> Iterator[str]:
    yield from fmt.wrapped(run.file, WIDTH, rest="  ")
    for line in (_contents(run), f"{run.machine} ({run.machine_key})", *_few(run.remarks)):
        yield from fmt.wrapped(line, WIDTH, first="  ", rest="    ")


def _contents(run: MergedRun) -> str:
    drivers = ", ".join(run.drivers) or "no drivers"
    counts = (fmt.plural(run.parts, "part"), fmt.plural(run.cells, "cell"), run.server)
    return " · ".join((*counts, drivers))


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    found = [title]
    for line in _few(lines):
        found += fmt.wrapped(line, WIDTH, first="  ", rest="    ")
    return found


def _lists(merged: Merged) -> Iterator[tuple[str, Sequence[str]]]:
    yield "APART, though of one plan", merged.apart
    yield "LEFT OUT", [f"{file}: {why}" for file, why in merged.left_out]
    yield "MISSING of the plan", merged.missing


def _few(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST
    return [*lines[:_MOST], *([f"… and {more:,} more"] if more > 0 else [])]


def markdown(merged: Merged) -> str:
    """For a merge request, or the summary of a CI job."""
    head = "| file | parts | cells | server | machine |\n|---|--:|--:|---|---|"
    rows = [
        f"| {_cell(run.file)} | {run.parts} | {run.cells} | {_cell(run.server)} | "
        f"{_cell(run.machine)} ({run.machine_key}) |"
        for run in merged.runs
    ]
    blocks = ["\n".join([head, *rows])] if rows else []
    if merged.machines:
        blocks.append("\n".join(across.machines(merged.machines)))
    if merged.variants:
        blocks.append("\n".join(across.variants(merged.variants)))
    for title, lines in _lists(merged):
        if lines:
            items = "\n".join(f"- {_cell(line)}" for line in _few(lines))
            blocks.append(f"**{title}**\n\n{items}")
    return "\n\n".join([*blocks, _cell(merged.conclusion)]) + "\n"


def _cell(value: str) -> str:
    """A text that Markdown takes as it is."""
    plain = visible(value).replace("\n", " ").replace("&", "&amp;").replace("<", "&lt;")
    return plain.replace("|", "\\|").replace("`", "\\`").replace("*", "\\*")


def json(merged: Merged) -> str:
    """For programs."""
    document = {
        **asdict(merged),
        "left_out": [{"file": file, "why": why} for file, why in merged.left_out],
        "exit_code": merged.exit_code,
    }
    text = format_json.dumps(document, indent=2, ensure_ascii=False, default=_named)
    return safe_json(text) + "\n"


def _named(facts: CellFacts) -> str:
    """A cell within what machines say, by its id."""
    return facts.id
