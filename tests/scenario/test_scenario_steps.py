"""Steps in scenario files: what a slip gives, and what becomes of what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import scenario
from harness.core.calls import Op
from harness.core.errors import ScenarioError

HEAD = 'schema = 1\ntitle = "T"\nwhy = "W"\n[[case]]\nname = "c"\n'
GOOD = """
[[case.step]]
op = "connect"
save = "a"
with = { autocommit = { py = "none" } }
[[case.step]]
on = "a"
op = "fetch_val"
sql = "select 1"
expect.value = 1
"""


def cell(folder: Path, text: str, head: str = HEAD):
    file = folder / "steps.toml"
    file.write_text(head + text)
    return scenario.load(file).cells[0]


def refused(folder: Path, text: str, head: str = HEAD) -> str:
    with pytest.raises(ScenarioError) as caught:
        cell(folder, text, head)
    return f"{caught.value} {caught.value.hint}"


def step(**keys: str) -> str:
    return "\n".join(
        [
            "[[case.step]]",
            *(f"{name.replace('__', '.')} = {one}" for name, one in keys.items()),
        ]
    )


def test_steps_are_an_op(tmp_path):
    made = cell(tmp_path, GOOD)
    assert made.op is Op.STEPS
    first, second = made.steps
    assert (first.on, first.op, first.save) == ("main", "connect", "a")
    assert second.arguments == {"sql": "select 1"}
    assert second.expect.value == (1,)
    assert second.label == "a.fetch_val"


def test_an_expected_null_is_an_expectation(tmp_path):
    made = cell(
        tmp_path,
        step(op='"fetch_val"', sql='"select null"', expect='{ value = { py = "none" } }'),
    )
    assert made.steps[0].expect.value == ({"py": "none"},)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (step(op='"fetch_vall"', sql='"x"'), "did you mean `fetch_val`"),
        (step(op='"fetch_val"', sq='"x"'), "did you mean `sql`"),
        (step(op='"fetch_val"'), "needs the argument `sql`"),
        (step(op='"fetch_val"', sql='"x"', **{"with": "{ times = 1 }"}), "no argument"),
        (step(op='"connect"', **{"with": '{ to = "mars" }'}), "no place called 'mars'"),
        (step(on='"control"', op='"fetch_all"', sql='"x"'), "no op `fetch_all`"),
        (step(on='"server"', op='"restat"'), "no op `restat`"),
        (step(join='"x"'), "nothing was started as 'x'"),
        (step(op='"cancel_task"', on='"x"'), "nothing was started as 'x'"),
        (
            step(op='"execute"', sql='"x"', start='"s"', expect="{ trait = true }"),
            "started and never joined",
        ),
        (step(op='"execute"', sql='"x"'), "none of its steps expects anything"),
        (
            step(op='"execute"', sql='"x"', expect="{ trait = true, rejected = true }"),
            "expect.rejected beside expect.trait",
        ),
        (
            step(op='"execute"', sql='"x"', expect='{ vaule = 1 }'),
            "did you mean `value`",
        ),
        (
            step(op='"fetch_val"', sql='"x"', expect='{ value = { py = "nope" } }'),
            "unknown constructor 'nope'",
        ),
    ],
)  # fmt: skip
def test_a_slip_is_said(tmp_path, text, told):
    assert told in refused(tmp_path, text)


def test_steps_stand_alone(tmp_path):
    assert "beside steps" in refused(tmp_path, GOOD, HEAD + 'sql = "select 1"\n')
    assert "an op of its own" in refused(tmp_path, GOOD, HEAD + 'op = "execute"\n')


def test_a_case_needs_an_op_or_a_step(tmp_path):
    assert "neither an op nor a step" in refused(tmp_path, "")


def test_words_leave_operators_alone(tmp_path):
    from harness.judge.words import filled

    sql = "select '@{pid}', a @> b, c @@ d, '@{other}'"
    assert filled(sql, {"pid": "7"}) == "select '7', a @> b, c @@ d, '@{other}'"
    assert filled([{"py": "str", "value": "@{pid}"}], {"pid": "7"}) == ["7"]
