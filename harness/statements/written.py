"""A question as the text of a scenario file, which the loader reads like any other."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.conditions import Condition
from harness.core.sql import shortened
from harness.core.toml import text
from harness.statements.examining import Examined

CASE = "statement"
_TITLE_CHARS = 60


def scenario_text(question: Examined, conditions: Sequence[Condition] = ()) -> str:
    """The whole file: one case, quick to time, under these conditions."""
    parts = [
        _head(question),
        _fixture(question),
        _case(question),
        _conditions(conditions),
        _bench(question),
    ]
    return "\n".join(filter(None, parts))


def _head(question: Examined) -> str:
    title, why = (
        shortened(question.sql, _TITLE_CHARS),
        "A statement of one's own: pgdyno try.",
    )
    if question.fixture:
        return _table("", schema=1, title=title, why=why)
    return _table("", schema=1, title=title, why=why, search_path="server")


def _fixture(question: Examined) -> str:
    if not question.fixture:
        return ""
    return _table("[fixture]", scope="trial", sql=question.fixture)


def _bench(question: Examined) -> str:
    if question.untimed:
        return ""
    if question.reset:
        return _table("[case.bench]", tier="quick", reset=question.reset)
    return _table("[case.bench]", tier="quick")


def _case(question: Examined) -> str:
    values = {"name": CASE, "op": question.op, "sql": question.sql}
    if question.params:
        values["params"] = question.params
    lines = _table("[[case]]", **values)
    if question.state:
        lines += f"expect.state = {text(question.state)}\n"
    return f"{lines}expect.unordered = true\n" if question.unordered else lines


def _conditions(conditions: Sequence[Condition]) -> str:
    if not conditions:
        return ""
    vias = list(dict.fromkeys(condition.via for condition in conditions))
    rtts = list(dict.fromkeys(condition.rtt_ms for condition in conditions))
    return _table("[case.conditions]", via=vias, rtt=rtts)


def _table(head: str, **values: object) -> str:
    lines = [head] if head else []
    lines += [f"{key} = {_value(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return str(value)
