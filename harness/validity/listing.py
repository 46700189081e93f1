"""Outcomes as a person sees them: one by one as they come, or all in another form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

from harness.validity.outcome import Outcome


def printed(
    found: Iterable[Outcome], form: Callable[[Sequence[Outcome]], str] | None = None
) -> list[Outcome]:
    """All outcomes, printed: as text when each is there, or in a form at the end.

    Who interrupts an hour's work gets those that it had.
    """
    outcomes: list[Outcome] = []
    try:
        for outcome in found:
            outcomes.append(outcome)
            if form is None:
                print(_line(outcome), flush=True)
    finally:
        if form is not None:
            print(form(outcomes))
    return outcomes


def as_json(outcomes: Sequence[Outcome]) -> str:
    """A list of objects: test, mark, measured, ok, tool."""
    return json.dumps([outcome.as_dict() for outcome in outcomes], indent=1)


def _line(outcome: Outcome) -> str:
    sign = "ok" if outcome.ok else "--"
    return f"{sign:<3} {outcome.test}\n{'':<4}{outcome.mark}: {outcome.measured}"
