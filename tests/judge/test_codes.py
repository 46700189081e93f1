"""Every judgement says its cause to programs, and what it rests on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal

import msgspec
import pytest

from harness.core.calls import ErrorFields, Op
from harness.core.errors import DriverError, OracleError, Unsupported, WorkerGone
from harness.core.expect import ExpectedError, StepExpect
from harness.core.steps import Step
from harness.core.tables import PgType, Table
from harness.core.tasks import Expected, Task
from harness.core.verdicts import (
    EXACT,
    Code,
    Judgement,
    Verdict,
    failed,
    stopped,
    unsupported,
)
from harness.judge import answers, shown, steps, verify
from harness.judge.activity import Activity, breach
from harness.judge.steps import StepOutcome

NUMBER = Table(("n", "v"), (PgType("int4"), PgType("numeric")), (("1", "1.10"),) * 2)
UNIQUE = ErrorFields("23505", "twice", constraint="t_pkey")
BARE = ErrorFields(message="twice")
ERROR = RuntimeError("twice")
WANTED = ExpectedError("23505", constraint="t_pkey", column="id")


def step(outcome: StepOutcome, within_ms: int = 0, **expect: object) -> Judgement:
    asked = Step("main", "execute", within_ms=within_ms, expect=StepExpect(**expect))
    return steps.judge(asked, outcome, None)


def results(native: object) -> Judgement:
    expected = Expected(calls=((NUMBER, NUMBER),))
    task = Task("c", Op.PIPELINE, expected, statements=(("a", None), ("b", None)))
    return answers.judge(task, None, native, 0)


class Unreadable:
    def __iter__(self) -> object:
        raise RuntimeError("no rows\nhere")


JUDGED: dict[str, tuple[Callable[[], Judgement], Code, dict[str, object]]] = {
    "right": (
        lambda: verify.judge_rows(NUMBER, [(1, Decimal("1.10"))] * 2),
        Code.RIGHT,
        {},
    ),
    "value": (
        lambda: verify.judge_rows(NUMBER, [(1, Decimal("1.10")), (1, Decimal("1.1"))]),
        Code.WRONG_VALUE,
        {
            "row": 2, "column": "v", "type": "Decimal", "repr": "Decimal('1.1')",
            "expected_type": "numeric", "expected_repr": "'1.10'",
        },
    ),
    "type": (
        lambda: verify.judge_rows(NUMBER, [(1, "1.10")] * 2),
        Code.WRONG_TYPE,
        {"column": "v", "type": "str", "value": "1.10", "usual_types": ["Decimal"]},
    ),
    "rows": (
        lambda: verify.judge_rows(NUMBER, [(1, Decimal("1.10"))]),
        Code.ROW_COUNT,
        {"rows": 1, "expected_rows": 2},
    ),
    "columns": (
        lambda: verify.judge_rows(NUMBER, [(1,)] * 2),
        Code.COLUMN_COUNT,
        {"row": 1, "columns": 1, "expected_columns": 2, "repr": "(1,)"},
    ),
    "results": (
        lambda: results([[]]),
        Code.RESULT_COUNT,
        {"results": 1, "expected_results": 2},
    ),
    "stream": (
        lambda: verify.judge_bytes(NUMBER, [b"1\\"]),
        Code.MALFORMED,
        {"format": "text"},
    ),
    "unreadable": (
        lambda: verify.judge_rows(NUMBER, Unreadable()),  # type: ignore[arg-type]
        Code.UNREADABLE,
        {"class": "RuntimeError", "message": "no rows"},
    ),
    "error": (
        lambda: verify.judge_error(None, False, UNIQUE, ERROR),
        Code.ERROR,
        {"class": "RuntimeError", "sqlstate": "23505", "message": "twice"},
    ),
    "panic": (
        lambda: verify.judge_error(None, True, BARE, KeyboardInterrupt()),
        Code.PANIC,
        {"class": "KeyboardInterrupt", "sqlstate": "", "message": "twice"},
    ),
    "no error": (
        lambda: verify.judge_no_error(WANTED),
        Code.NO_ERROR,
        {"expected_sqlstate": "23505"},
    ),
    "no SQLSTATE": (
        lambda: verify.judge_error(WANTED, False, BARE, ERROR),
        Code.NO_SQLSTATE,
        {"sqlstate": "", "expected_sqlstate": "23505", "class": "RuntimeError"},
    ),
    "other SQLSTATE": (
        lambda: verify.judge_error(ExpectedError("42P01"), False, UNIQUE, ERROR),
        Code.WRONG_SQLSTATE,
        {"sqlstate": "23505", "expected_sqlstate": "42P01"},
    ),
    "other constraint": (
        lambda: verify.judge_error(ExpectedError("", "other"), False, UNIQUE, ERROR),
        Code.WRONG_FIELD,
        {"field": "constraint", "named": "t_pkey", "expected_name": "other"},
    ),
    "no column": (
        lambda: verify.judge_error(WANTED, False, UNIQUE, ERROR),
        Code.NOT_TOLD,
        {"field": "column", "named": "", "expected_name": "id"},
    ),
    "trait": (
        lambda: verify.observe([1, None, "a"]),
        Code.OBSERVED,
        {"type": "list[int | str]", "repr": "[1, None, 'a']", "value": [1, None, "a"]},
    ),
    "trait that raises": (
        lambda: verify.observe_error(UNIQUE, ERROR),
        Code.OBSERVED,
        {"class": "RuntimeError", "sqlstate": "23505"},
    ),
    "desync": (lambda: verify.desync("a", "b"), Code.DESYNC, {"repr": "'a'"}),
    "step, value": (
        lambda: step(StepOutcome("a"), value=("b",)),
        Code.WRONG_VALUE,
        {"repr": "'a'", "expected_type": "str", "expected_repr": "'b'"},
    ),
    "step, type": (
        lambda: step(StepOutcome("1"), value=(1,)),
        Code.WRONG_TYPE,
        {"type": "str", "expected_type": "int"},
    ),
    "step, like": (
        lambda: step(StepOutcome("a"), like="b%"),
        Code.WRONG_VALUE,
        {"like": "b%", "value": "a"},
    ),
    "step, entry": (
        lambda: step(StepOutcome({"port": "1"}), has={"port": 2}),
        Code.WRONG_VALUE,
        {"entry": "port", "value": "1", "expected_repr": "2"},
    ),
    "step, no entry": (
        lambda: step(StepOutcome({}), has={"port": 2}),
        Code.NOT_TOLD,
        {"entry": "port", "expected_type": "int", "expected_repr": "2"},
    ),
    "waiting": (
        lambda: step(StepOutcome(done=False), within_ms=1_500),
        Code.WAITING,
        {"waited_ms": 1_500},
    ),
    "late": (
        lambda: step(StepOutcome(elapsed_ns=2_000_400_000), within_ms=1_500),
        Code.LATE,
        {"took_ms": 2_000, "within_ms": 1_500},
    ),
    "grows": (
        lambda: step(StepOutcome(grown_bytes=3 << 20), grows_mb=2),
        Code.GROWS,
        {"grown_bytes": 3 << 20, "limit_bytes": 2 << 20},
    ),
    "cancelled": (
        lambda: step(StepOutcome(cancelled=True)),
        Code.CANCELLED,
        {"cancelled": True},
    ),
    "capability": (
        lambda: unsupported(
            Unsupported(
                "lib cannot send many statements before it reads the first result",
                capability="pipeline",
            )
        ),
        Code.NOT_OFFERED,
        {"capability": "pipeline"},
    ),
    "act": (
        lambda: unsupported(
            Unsupported("lib has no `notices`: Run it", driver="lib", act="notices",
                        sentence="Run it")
        ),
        Code.NOT_OFFERED,
        {"act": "notices", "driver": "lib", "sentence": "Run it"},
    ),
    "lacking": (
        lambda: unsupported(NotImplementedError("lib has no such pool")),
        Code.NOT_OFFERED,
        {"message": "lib has no such pool"},
    ),
    "died": (
        lambda: stopped(WorkerGone("killed by SIGSEGV", verdict="crashed", exit_code=-11)),
        Code.WORKER_DIED,
        {"exit_code": -11},
    ),
    "no answer": (
        lambda: stopped(WorkerGone("no answer within 9 s", verdict="hung", seconds=9)),
        Code.NO_ANSWER,
        {"seconds": 9},
    ),
    "while timed": (
        lambda: failed("ValueError: no").during("while it was timed"),
        Code.ERROR,
        {"when": "while it was timed", "message": "ValueError: no"},
    ),
    "terms": (
        lambda: breach(Activity(1, "active", ""), {"autocommit": "on"}),
        Code.BREAKS_TERMS,
        {"term": "autocommit", "state": "active"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", JUDGED)
def test_code_and_facts(name: str) -> None:
    make, code, facts = JUDGED[name]
    judged = make()
    assert judged.code is code
    assert facts.items() <= judged.facts.items()


@pytest.mark.parametrize("name", JUDGED)
def test_a_judgement_comes_back_from_the_channel_and_from_a_file(name: str) -> None:
    judged = JUDGED[name][0]()
    assert Judgement.of(json.loads(json.dumps(asdict(judged)))) == judged
    assert msgspec.json.decode(msgspec.json.encode(judged), type=Judgement) == judged


def test_the_project_and_the_drivers_are_told_apart() -> None:
    assert stopped(OracleError("no table")).code is Code.SCENARIO_FAULT
    assert stopped(DriverError("no library")).code is Code.NO_DRIVER
    assert stopped(WorkerGone("an op failed", verdict="rejected")).code is Code.ERROR


@pytest.mark.parametrize(
    "value", [float("nan"), 2**64, "\ud800", "a\nb", (1,), {1: 2}, b"x", ["x"] * 500]
)
def test_a_value_that_json_cannot_say_is_left_out(value: object) -> None:
    facts = shown.seen(value)
    assert "value" not in facts
    assert facts["repr"]
    msgspec.json.encode(facts)


def test_when_something_happened_is_no_part_of_its_cause() -> None:
    judged = failed("E: m").during("while opening")
    assert (judged.detail, judged.code) == ("while opening: E: m", Code.ERROR)
    assert EXACT.facts == {}
    assert EXACT.verdict is Verdict.EXACT


def test_every_code_has_a_sentence() -> None:
    sentences = [code.sentence for code in Code]
    assert len(set(sentences)) == len(sentences)
    assert all(one.endswith(".") for one in sentences)
