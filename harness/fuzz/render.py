"""What a search found: for people, for programs, and as a scenario that shows it again."""

from __future__ import annotations

import json as _json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from harness.core.toml import quoted
from harness.core.visible import safe_json
from harness.fuzz.findings import Finding, Searched
from harness.report import format as fmt

_LONG = 240


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """By verdict, then by type, direction and driver."""
    return sorted(
        findings,
        key=lambda finding: (
            -finding.verdict.severity,
            finding.type,
            finding.direction,
            finding.driver,
            finding.literal,
        ),
    )


def line(finding: Finding) -> str:
    """A finding in one line: `✗ lossy psqlpy, numeric, read: '1e-29'`."""
    what = f"{finding.driver}, {finding.type}, {finding.direction}"
    shown = fmt.shorten(ascii_only(finding.literal), _LONG)
    return f"{fmt.SYMBOLS[finding.verdict]} {finding.verdict} {what}: '{shown}'"


def ascii_only(text: str) -> str:
    """A text in which odd characters stand as escapes, so that they can be seen."""
    return text.encode("unicode_escape").decode().replace("\\\\", "\\")


# --- text -------------------------------------------------------------------------------


def text(findings: Sequence[Finding], searched: Sequence[Searched], seed: int) -> str:
    """The findings, worst first, and how much was looked at."""
    lines = [part for finding in worst_first(findings) for part in _finding(finding)]
    return "\n".join([*lines, summary(findings, searched, seed)]) + "\n"


def _finding(finding: Finding) -> Iterator[str]:
    yield line(finding)
    judged = finding.judgement
    if judged.observed and judged.expected:
        yield f"    got      {fmt.shorten(ascii_only(judged.observed), _LONG)}"
        yield f"    expected {fmt.shorten(ascii_only(judged.expected), _LONG)}"
    else:
        yield f"    {fmt.shorten(ascii_only(judged.detail), _LONG)}"
    if not finding.confirmed:
        yield "    not seen again in a session of its own: it needs what came before it"
    yield ""


def summary(findings: Sequence[Finding], searched: Sequence[Searched], seed: int) -> str:
    """What was found in how many examples, and the seed that gives them again."""
    tried = [search for search in searched if search.examples]
    examples = sum(search.examples for search in tried)
    types = len({search.type for search in tried})
    drivers = len({search.driver for search in tried})
    found = fmt.plural(len(findings), "finding") if findings else "nothing found"
    where = f"{fmt.plural(types, 'type')}, {fmt.plural(drivers, 'driver')}"
    return f"{found} in {fmt.plural(examples, 'example')}: {where}, seed {seed}"


# --- json -------------------------------------------------------------------------------


def json(findings: Sequence[Finding], searched: Sequence[Searched], seed: int) -> str:
    """The same for programs."""
    document = {
        "seed": seed,
        "findings": [_flat(finding) for finding in worst_first(findings)],
        "searched": [asdict(search) for search in searched],
    }
    return safe_json(_json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


def _flat(finding: Finding) -> dict[str, Any]:
    document = asdict(finding)
    judgement: dict[str, Any] = document.pop("judgement")
    return document | judgement


# --- toml -------------------------------------------------------------------------------


def toml(findings: Sequence[Finding], searched: Sequence[Searched], seed: int) -> str:
    """A scenario file: one `[[value]]` per literal, which `pgdyno check FILE` confirms.

    Empty where nothing was confirmed: a scenario without a question does not load.
    """
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in worst_first(findings):
        if finding.confirmed:
            key = (finding.type, finding.direction, finding.literal)
            groups.setdefault(key, []).append(finding)
    if not groups:
        return f"# {summary(findings, searched, seed)}\n"
    parts = [_HEAD.format(_comment(summary(findings, searched, seed)))]
    parts += [_value(number, group) for number, group in enumerate(groups.values(), 1)]
    return "\n".join(parts)


_HEAD = """\
schema = 1
title = "Values that were found by a search"
why = \'\'\'
Each of these did not come back as it went in. {}.
\'\'\'
"""


def _value(number: int, group: Sequence[Finding]) -> str:
    first = group[0]
    slug = re.sub(r"[^a-z0-9]+", "-", first.type.lower()).strip("-")
    lines = [_said(finding) for finding in group]
    lines += [
        "[[value]]",
        f"type = {quoted(first.type)}",
        f'name = "{slug}-{number}"',
        f"literals = [{quoted(first.literal)}]",
        f'directions = ["{first.direction}"]',
        "",
    ]
    return "\n".join(lines)


def _said(finding: Finding) -> str:
    detail = finding.judgement.detail or fmt.MEANINGS[finding.verdict]
    profile = "" if finding.profile == "configured" else f" ({finding.profile})"
    return f"# {finding.driver}{profile}: {finding.verdict}: {_comment(detail)}"


def _comment(words: str) -> str:
    """A comment is one line without control characters."""
    return fmt.shorten(ascii_only(words), _LONG)
