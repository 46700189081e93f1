"""The end of a bench for a terminal: questions × drivers in 80 columns, plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from harness.core.conditions import parted
from harness.core.verdicts import Verdict
from harness.core.visible import visible
from harness.report import format as fmt
from harness.report.cells import CellView, RankGroup, Row
from harness.report.latency import BENT, LatencySummary
from harness.report.measured import Measured, is_ranked

WIDTH = 80
_COLUMN = 11
_DRIVERS = 5
_EXTRA = 13
_FAILURES = 5
_SAVINGS = 10
_REASON_CHARS = 300
_SILENT = (Verdict.UNSUPPORTED, Verdict.SKIPPED)
_LEGEND = "▶ fastest, or tied with it · ( ) not ranked · – not offered"


def render(end: Measured) -> str:
    """The table, how noisy it was, and the conclusion as the last line."""
    lines = [_head(end)]
    for start in range(0, len(end.arms), _DRIVERS):
        lines += _block(end.cells, end.arms[start : start + _DRIVERS])
    lines.append(_LEGEND)
    lines += _failures(end)
    lines += _turns(end)
    lines += _network(end.network)
    lines += _saved(end.saved)
    for sentence in (*_noise(end), end.advice, end.conclusion):
        lines += fmt.wrapped(sentence, WIDTH)
    return visible("\n".join(line.rstrip() for line in lines)) + "\n"


def _turns(end: Measured) -> Iterator[str]:
    """How often drivers wait for the server, where that is not the same for all."""
    name = WIDTH - _COLUMN * _DRIVERS
    told = [
        (cell, group)
        for cell in end.cells
        for group in cell.groups
        if len({row.turns.text for row in group.rows if row.turns}) > 1
    ]
    if told:
        yield ""
        yield "turns per op (speak, then wait for the server), where drivers differ"
    for start in range(0, len(end.arms) if told else 0, _DRIVERS):
        arms = end.arms[start : start + _DRIVERS]
        yield from _names(arms)
        before: CellView | None = None
        for cell, group in told:
            found = {row.arm: row.turns.text for row in group.rows if row.turns}
            marks = "".join(f"{found.get(arm, ''):>{_COLUMN}}" for arm in arms)
            yield f"{_question(before, cell, group, name - 1):<{name}}{marks}"
            before = cell


def _failures(end: Measured) -> Iterator[str]:
    """Why drivers have no number, each reason once."""
    reasons: dict[tuple[str, str], None] = {}
    for row in (row for cell in end.cells for row in cell.rows if not row.time):
        if row.verdict and row.verdict not in _SILENT and not row.verdict.timeable:
            reasons[row.arm, f"{row.verdict}, {row.detail}"] = None
    for arm, reason in list(reasons)[:_FAILURES]:
        text = fmt.shorten(" ".join(reason.split()), _REASON_CHARS)
        yield from fmt.wrapped(f"{arm}: {text}", WIDTH, rest="  ")
    if (more := len(reasons) - _FAILURES) > 0:
        yield f"and {fmt.plural(more, 'more reason')}: pgdyno report RUN.jsonl"


def _names(arms: Sequence[str]) -> Iterator[str]:
    heads = list(_heads(arms))
    for line in range(-max(map(len, heads), default=0), 0):
        words = (head[line] if len(head) >= -line else "" for head in heads)
        indent = " " * (WIDTH - _COLUMN * _DRIVERS)
        yield indent + "".join(f"{word:>{_COLUMN}}" for word in words)


def _head(end: Measured) -> str:
    questions = fmt.plural(len(end.cells), "question")
    parts = [f"{questions} × {fmt.plural(len(end.arms), 'driver')}"]
    if end.spending:
        timed = f"{end.spending.timed * 100:.0f} % timed"
        parts.append(f"{fmt.span(end.spending.wall_ns)} ({timed})")
    parts.append(f"{sum(map(is_ranked, end.cells))} ranked")
    return f"bench  {' · '.join(parts)}"


def _noise(end: Measured) -> Iterator[str]:
    """How noisy it was, and what was left out. What the time went for has its place in
    the report: the first line says how much of it was timed."""
    yield end.noise
    if end.screening:
        yield end.screening.sentence
        yield end.screening.effect


def _block(cells: Sequence[CellView], arms: Sequence[str]) -> Iterator[str]:
    name = WIDTH - _COLUMN * _DRIVERS
    yield from _names(arms)
    rows = [
        (_question(before, cell, group, name - 1), cell, group)
        for before, cell in zip((None, *cells), cells, strict=False)
        for group in cell.groups
    ]
    alike = Counter(question for question, _, _ in rows)
    for question, cell, group in rows:
        if alike[question] > 1:  # cut short they are one: each says in full what it is
            yield fmt.shorten(cell.facts.title, WIDTH)
            question = f"  {_place(cell, group)}"
        marks = "".join(f"{_entry(group, arm):>{_COLUMN}}" for arm in arms)
        yield f"{fmt.shorten(question, name - 1):<{name}}{marks}"


def _network(lines: Sequence[LatencySummary]) -> Iterator[str]:
    """t₀ and k of each driver, below the id of each question."""
    if lines:
        yield f"{'network: t = t₀ + k · RTT':<34}{'t₀':>10}{'k, turns':>26}{'counted':>10}"
    for cell, group in groupby(lines, lambda line: line.cell):
        yield fmt.shorten(cell, WIDTH)
        for line in group:
            name = fmt.shorten_arm(line.arm, 30)
            yield f"  {name:<32}{line.fixed:>10}{line.turns:>26}{line.counted:>10}"
    if any(line.turns.startswith(BENT) for line in lines):
        yield from fmt.wrapped(
            f"{BENT} of the two longest RTTs: nearer ones lie on no line, because an op "
            "costs more of itself when caches and cores have gone cold.",
            WIDTH,
        )


def _saved(sentences: Sequence[str]) -> Iterator[str]:
    """From which RTT on waiting less often pays."""
    for told in sentences[:_SAVINGS]:
        yield from fmt.wrapped(told, WIDTH, rest="  ")
    if (more := len(sentences) - _SAVINGS) > 0:
        yield f"and {more} more like these: pgdyno report RUN.jsonl"


def _heads(arms: Sequence[str]) -> Iterator[list[str]]:
    """Names that fit, on as many lines as they have parts; `psycopg-async` beside
    `psycopg` is `-async`."""
    for before, arm in zip(("", *arms), arms, strict=False):
        long = len(visible(arm)) >= _COLUMN
        rest = arm.removeprefix(before) if before and long else arm
        yield _lines(visible(rest or arm))


def _lines(name: str) -> list[str]:
    """A name in lines that fit: the parts of a stack's name, or one line cut short."""
    if len(name) < _COLUMN or any(sign in name for sign in "=@%+"):
        return [fmt.shorten_arm(name, _COLUMN - 1)]
    first, *parts = name.split("-")
    lines = [first]
    for part in parts:
        fits = len(lines[-1]) + len(part) + 1 < _COLUMN
        lines[-1:] = [f"{lines[-1]}-{part}"] if fits else [lines[-1], f"-{part}"]
    return [fmt.shorten(line, _COLUMN - 1) for line in lines]


def _question(before: CellView | None, cell: CellView, group: RankGroup, width: int) -> str:
    """The title, shortened so that what tells it from its neighbours stays: its condition
    where the question before it is the same under another one."""
    extra = _place(cell, group)
    extra = f" ({fmt.shorten(extra, _EXTRA)})" if extra else ""
    (plain, condition), same = parted(cell.facts.id), before and parted(before.facts.id)[0]
    title = f"  · {condition}" if plain == same else cell.facts.title
    return fmt.shorten_title(title, width - len(extra)) + extra


def _place(cell: CellView, group: RankGroup) -> str:
    """What tells a question from others of its title: its clients, or its point."""
    if group.label:
        return f"{cell.facts.clients} {group.label}"
    return ", ".join(map(str, cell.facts.point.values()))


def _entry(group: RankGroup, arm: str) -> str:
    row = next((row for row in group.rows if row.arm == arm), None)
    if row is None:
        return ""
    if row.time is None:
        return _reason(row)
    ratio = fmt.times(row.ratio.point) if row.ratio else ""
    number = fmt.duration(row.time.point) if arm == group.first or not ratio else ratio
    if row.rank is None:
        mark = fmt.SYMBOLS[Verdict.DIFFERS] if row.verdict is Verdict.DIFFERS else ""
        return f"({mark}{number})"
    return f"▶{number}" if row.rank == 1 else number


def _reason(row: Row) -> str:
    """Why there is no number, in a word."""
    if row.verdict is Verdict.UNSUPPORTED:
        return fmt.NONE
    if row.verdict is None or row.verdict.timeable:
        return row.status
    return f"{fmt.SYMBOLS[row.verdict]} {row.verdict}"
