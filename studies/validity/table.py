"""Outcomes as a Markdown table: a row for each test, a column for each tool. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.validity.outcome import PGDYNO, Outcome

_KEPT, _MISSED, _NONE = "✓", "✗", "–"


def of_outcomes(outcomes: Iterable[Outcome]) -> str:
    """The table of what was just measured."""
    return markdown(outcome.as_dict() for outcome in outcomes).rstrip("\n")


def markdown(outcomes: Iterable[Mapping[str, Any]], *, shared_only: bool = False) -> str:
    """The table of outcomes as JSON has them (`Outcome.as_dict`).

    Tests and tools stand in the order in which they come first, pgdyno before the others.
    The mark is pgdyno's where it took the test; a tool whose mark differs, because it has
    fewer pairs, says its own. `shared_only` leaves out tests that only one tool took.
    """
    rows = [*outcomes]
    tools = sorted(dict.fromkeys(map(_tool, rows)), key=lambda tool: tool != PGDYNO)
    tests = _by_test(rows)
    kept = [row for row in tests.values() if not shared_only or len(row) > 1]
    lines = [_line("test", "mark", *tools), _line(*["---"] * (len(tools) + 2))]
    lines += [_test(row, tools) for row in kept]
    return "\n".join(lines) + "\n"


def _tool(outcome: Mapping[str, Any]) -> str:
    return str(outcome.get("tool", PGDYNO))  # files from before there were other tools


def _by_test(
    rows: Iterable[Mapping[str, Any]],
) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Test → tool → outcome."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(str(row["test"]), {})[_tool(row)] = row
    return found


def _test(row: Mapping[str, Mapping[str, Any]], tools: Sequence[str]) -> str:
    """One line of the table."""
    leader = row.get(PGDYNO) or next(iter(row.values()))
    mark = str(leader["mark"])
    cells = [_cell(row.get(tool), mark) for tool in tools]
    return _line(str(leader["test"]), mark, *cells)


def _cell(outcome: Mapping[str, Any] | None, mark: str) -> str:
    if outcome is None:
        return _NONE
    sign = _KEPT if outcome["ok"] else _MISSED
    own = "" if outcome["mark"] == mark else f" (mark: {outcome['mark']})"
    return f"{sign} {outcome['measured']}{own}"


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
