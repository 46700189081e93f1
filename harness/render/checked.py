"""The end of a check for a terminal: 80 columns, plain text, the conclusion last."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from harness.core.verdicts import Verdict
from harness.core.visible import visible
from harness.report import format as fmt
from harness.report.checked import COLUMNS, Asked, Cause, Checked, Standing

WIDTH = 80
_WIDTHS = (8, 8, 6, 12, 7, 13)
_NAMES, _MOST_NAMES = 15, 20
"""How wide names are: `asyncpg==0.29.0%3.11` is still told in full."""
_PROFILES = {"default": "as installed", "configured": "configured"}
_MOST = 8


def render(end: Checked) -> str:
    """The whole end; the conclusion is its last line."""
    parts = [
        [_head(end)],
        *(_table(end, profile) for profile in end.profiles),
        list(_notes(end)),
        _told("NEW, not declared", end.new, partial(_new_cause, asked=end.asked)),
        _told("INVALID, no driver’s fault", end.invalid, _in_full),
        _listed("KNOWN, worst causes", end.known),
        _listed(f"MILDER than {end.fail_on}, not declared", end.milder),
    ]
    body = "\n".join("\n".join(part) + "\n" for part in parts if part)
    return visible(f"{body}{_last(end)}\n")


def _head(end: Checked) -> str:
    parts = [
        fmt.plural(end.questions, "question"),
        f"PostgreSQL {end.asked.server}" if end.asked.server else "",
        fmt.span(end.asked.elapsed_ns) if end.asked.elapsed_ns else "",
    ]
    return fmt.shorten(f"check  {' · '.join(filter(None, parts))}", WIDTH)


def _table(end: Checked, profile: str) -> list[str]:
    head = "".join(f"{name:>{width}}" for name, width in zip(COLUMNS, _WIDTHS, strict=True))
    own = [standing for standing in end.standings if standing.profile == profile]
    own.sort(key=lambda standing: -(standing.right or 0))
    longest = max((len(visible(standing.driver)) for standing in own), default=0)
    names = min(max(longest, _NAMES), _MOST_NAMES)
    title = _PROFILES.get(profile) or fmt.shorten(profile, names)
    return [f"{title:<{names}} right{head}", *(_row(each, names) for each in own)]


def _row(standing: Standing, names: int) -> str:
    """The share is rounded down: 100 % is said of no driver that got one answer wrong."""
    right = standing.right
    share = fmt.NONE if right is None else f"{math.floor(right * 100)} %"
    counts = zip(standing.counts, _WIDTHS, strict=True)
    numbers = "".join(f"{count:>{width},}" for count, width in counts)
    return f"{fmt.shorten_arm(standing.driver, names):<{names}}{share:>6}{numbers}"


def _notes(end: Checked) -> Iterator[str]:
    skipped = f" ({end.skipped:,} skipped)" if end.skipped else ""
    text = f"right: of what the server has{skipped}."
    if end.profiles == ("default",):
        text += " --profile configured does the documented registrations first."
    yield from fmt.wrapped(text, WIDTH)


def _told(
    title: str, causes: Sequence[Cause], lines_of: Callable[[Cause], Iterable[str]]
) -> list[str]:
    """What somebody must look at, in full."""
    if not causes:
        return []
    checks = sum(len(cause.checks) for cause in causes)
    lines = [f"{title} ({checks:,})"]
    for cause in causes[:_MOST]:
        lines += lines_of(cause)
    if len(causes) > _MOST:
        lines.append(f" and {len(causes) - _MOST:,} more causes: --details")
    return lines


def _in_full(cause: Cause) -> Iterable[str]:
    first, more = cause.checks[0], len(cause.cells) - 1
    cells = first.cell + (f" and {more:,} more" if more else "")
    start = f" {_mark(cause.verdict)} {_drivers(cause):<10} "
    said = f"{cells}: {cause.reason}".rstrip(": ")
    if first.drift and first.drift not in said:
        said += f" (drift: {first.drift})"
    return fmt.wrapped(fmt.shorten(said, 300), WIDTH, first=start, rest=" " * 14)


def _new_cause(cause: Cause, asked: Asked) -> Iterator[str]:
    """What nobody has declared or expected, with the way to see it."""
    yield from _in_full(cause)
    first = cause.checks[0]
    profile = "" if first.profile == "default" else f" --profile {first.profile}"
    driver, cell = _word(first.driver), _word(asked.cell(first))
    yield f"{'':14}pgdyno show {cell} --driver {driver}{profile} --run"


def _word(text: str) -> str:
    """A word of a command that can be copied into a shell."""
    return text if re.fullmatch(r"[\w/.@=,+:-][\w/.#@=,+:-]*", text) else shlex.quote(text)


def _listed(title: str, causes: Sequence[Cause]) -> list[str]:
    if not causes:
        return []
    count = f"{len(causes):,}"
    if len(causes) > _MOST:
        count = f"{_MOST} of {len(causes):,}; all: --details"
    return [f"{title} ({count})", *map(_known_cause, causes[:_MOST])]


def _known_cause(cause: Cause) -> str:
    start = f" {_mark(cause.verdict)} {_drivers(cause):<14}{len(cause.cells):>5,}  "
    return start + fmt.shorten(" ".join(cause.reason.split()), WIDTH - len(start))


def _drivers(cause: Cause) -> str:
    if not cause.drivers:
        return "all"
    if len(cause.drivers) == 1:
        return fmt.shorten_arm(cause.drivers[0], 13)
    return f"{len(cause.drivers)} drivers"


def _mark(verdict: Verdict) -> str:
    return fmt.SYMBOLS[verdict]


def _last(end: Checked) -> str:
    kept = shlex.quote(end.asked.out) if end.asked.out else ""
    how = f"pgdyno report {kept}" if kept else "--out RUN.jsonl, then pgdyno report"
    line = f"{end.conclusion}  HTML: {how}"
    return line if len(line) <= WIDTH else f"HTML: {how}\n{end.conclusion}"
