"""The way from observations to a file."""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Literal

from pglast.parser import ParseError, parse_sql

from harness.core.sql import tokens
from harness.venue.control import Control
from harness.workload.observed import Observations, Observed, general
from harness.workload.relations import Hidden, Relations
from harness.workload.sorting import Refused
from harness.workload.statement import GeneralForm, generalised
from harness.workload.trial import Repeatable, tried
from harness.workload.writing import LeftOut, Workload, named

By = Literal["calls", "time"]
"""What the statements are ranked by."""


def imported(
    control: Control,
    observations: Observations,
    hidden: Hidden,
    seed: int,
    top: int,
    by: By = "calls",
) -> Workload:
    """What of it can be repeated, tried on the server, which is only read."""
    relations = Relations(control)
    left_out: list[LeftOut] = []
    statements = _general(observations.statements, relations, hidden, left_out)
    ranked = deque(sorted(statements, key=lambda item: -_weight(item[1], by)))
    kept = _repeatable(control, ranked, seed, top, left_out)
    left_out += [_left(seen, f"not among the first {top} by {by}") for _, seen in ranked]
    left_out += [
        LeftOut("(not known)", reason, calls)
        for reason, calls in observations.unseen.items()
    ]
    return Workload(
        source=observations.source,
        date=datetime.date.today().isoformat(),
        version=control.value("show server_version"),
        database=control.value("select current_database()"),
        seed=seed,
        cases=named(kept),
        left_out=_merged(left_out),
    )


def _repeatable(
    control: Control,
    ranked: deque[tuple[GeneralForm, Observed]],
    seed: int,
    top: int,
    left_out: list[LeftOut],
) -> list[tuple[Repeatable, float, float]]:
    """The first that can be repeated, taken from the ranked; those behind them stay."""
    kept: list[tuple[Repeatable, float, float]] = []
    while ranked and len(kept) < top:
        statement, seen = ranked.popleft()
        try:
            kept.append((tried(control, statement, seed), seen.calls, seen.total_ms))
        except Refused as refused:
            left_out.append(_left(seen, str(refused)))
    return kept


def _weight(seen: Observed, by: By) -> float:
    return seen.total_ms if by == "time" else seen.calls


def _general(
    observed: Iterable[Observed],
    relations: Relations,
    hidden: Hidden,
    left_out: list[LeftOut],
) -> Sequence[tuple[GeneralForm, Observed]]:
    """The general forms; texts that come to the same are one."""
    found: dict[str, tuple[GeneralForm, Observed]] = {}
    for seen in observed:
        try:
            statement = generalised(seen.text, relations, hidden)
        except Refused as refused:
            left_out.append(_left(seen, str(refused)))
            continue
        _, known = found.setdefault(statement.sql, (statement, Observed(statement.sql)))
        known.calls += seen.calls
        known.total_ms += seen.total_ms
    return list(found.values())


def _left(seen: Observed, reason: str) -> LeftOut:
    return LeftOut(_shown(seen.text), reason, seen.calls, seen.total_ms)


def _merged(parts: Iterable[LeftOut]) -> list[LeftOut]:
    """What looks the same, and is left out for the same reason, once; most calls first."""
    found: dict[tuple[str, str], LeftOut] = {}
    for part in parts:
        key = (part.text, part.reason)
        known = found.get(key, LeftOut(*key, 0))
        calls, total_ms = known.calls + part.calls, known.total_ms + part.total_ms
        found[key] = LeftOut(*key, calls, total_ms)
    return sorted(found.values(), key=lambda part: -part.calls)


def _shown(text: str) -> str:
    """A statement without its literals; of what is no SQL the first word only."""
    if is_parsed(text):
        return general(text).rstrip("; ")
    words = [token.text for token in tokens(text) if token.kind == "word"]
    return f"{words[0][:20]} …" if words else "(no word)"


def is_parsed(text: str) -> bool:
    """Whether it is SQL."""
    try:
        parse_sql(text)
    except (ParseError, ValueError, RecursionError):
        return False
    return True
