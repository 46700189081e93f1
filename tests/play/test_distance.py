"""What a long way to the server does to judgements, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.core.arms import Arm
from harness.core.calls import Op
from harness.core.cells import Arrivals, BenchSpec, Cell, Fixture
from harness.core.conditions import DIRECT, Condition
from harness.core.expect import Expect
from harness.core.verdicts import EXACT, Code, Judgement, Verdict
from harness.play import distance

MS = 1_000_000
FAR = Condition(rtt_ms=45)
POOLED = Condition("pgbouncer")
HUNG = Judgement(Verdict.HUNG, Code.NO_ANSWER, "no answer within 30 s")
MISSING = 'X [26000]: prepared statement "s1" does not exist'


def cell(condition: Condition, arrivals: Arrivals | None = None) -> Cell:
    bench = BenchSpec("quick", "ops", 1, "", arrivals=arrivals)
    made = Cell("s", "c", (), "T", Op.FETCH_ALL, Fixture(), Expect(), bench=bench)
    return replace(made, condition=condition)


def rejected(detail: str) -> Judgement:
    return Judgement(Verdict.REJECTED, Code.ERROR, detail, facts={"message": detail})


@pytest.mark.parametrize(
    ("op_ms", "of", "calls"), [(0, 200, 200), (1, 200, 200), (45, 200, 22), (5000, 200, 1)]
)
def test_as_many_calls_are_verified_as_a_second_holds(op_ms, of, calls):
    assert distance.calls_in_time(op_ms * MS, of) == calls


def test_an_op_that_takes_too_long_is_skipped_with_its_time_and_the_limit():
    assert distance.too_long(cell(FAR), 2999 * MS) is None
    judged = distance.too_long(cell(FAR), 45_100 * MS)
    assert judged is not None
    assert (judged.verdict, judged.code) == (Verdict.SKIPPED, Code.NOT_COUNTED)
    assert judged.detail == (
        "one op takes 45.1 s at an RTT of 45 ms: too long to time (limit 3 s)"
    )
    assert judged.facts == {"message": judged.detail, "seconds": 45.1}


def test_of_a_mix_the_whole_cycle_must_not_take_too_long():
    assert distance.too_long(cell(FAR), 45 * MS, turns=60) is None
    judged = distance.too_long(cell(FAR), 45 * MS, turns=100)
    assert judged is not None
    assert "one cycle of 100 ops takes 4.5 s at an RTT of 45 ms" in judged.detail


def test_an_open_loop_that_falls_behind_is_skipped():
    slow, quick = Arrivals("poisson", 50, 1), Arrivals("uniform", 20, 1)
    assert distance.too_long(cell(FAR, quick), 46 * MS) is None
    judged = distance.too_long(cell(FAR, slow), 46 * MS)
    assert judged is not None
    assert "one op takes 46.0 ms at an RTT of 45 ms, and one is due every 20 ms" in (
        judged.detail
    )


def test_a_program_whose_slices_begin_slowly_has_no_part():
    assert distance.slow_program(cell(FAR), 11) is None
    judged = distance.slow_program(cell(FAR), 240)
    assert judged is not None
    assert "240 ops, which take 10.8 s at an RTT of 45 ms" in judged.detail


def test_what_does_not_end_in_time_is_charged_to_the_network_where_there_is_one():
    assert distance.explained(HUNG, cell(DIRECT), Arm("a"), ()) is HUNG
    assert distance.explained(HUNG, cell(POOLED), Arm("a"), ()) is HUNG
    judged = distance.explained(HUNG, cell(FAR), Arm("a"), ())
    assert (judged.verdict, judged.code) == (Verdict.SKIPPED, Code.NOT_COUNTED)
    assert "at an RTT of 45 ms (no answer within 30 s): too long to time" in judged.detail
    assert distance.explained(EXACT, cell(FAR), Arm("a"), ()) is EXACT


@pytest.mark.parametrize(
    "detail", [MISSING, 'while opening: prepared statement "_pg3_0" already exists']
)
def test_behind_pgbouncer_a_missing_statement_is_explained_with_the_option(detail):
    told = rejected(detail)
    judged = distance.explained(told, cell(POOLED), Arm("asyncpg"), ["noprepare"])
    assert judged.detail.startswith(f"{detail}; behind PgBouncer in transaction mode")
    assert "--driver asyncpg+noprepare" in judged.detail
    assert (judged.verdict, judged.code, judged.facts) == (
        Verdict.REJECTED, Code.ERROR, told.facts,
    )  # fmt: skip
    again = distance.explained(judged, cell(POOLED), Arm("asyncpg"), ["noprepare"])
    assert again == judged


@pytest.mark.parametrize(
    ("options", "offered"), [((), ()), (("noprepare",), ("noprepare",))]
)
def test_no_option_is_advised_that_is_not_there_or_taken_already(options, offered):
    arm = Arm("psqlpy", options)
    judged = distance.explained(rejected(MISSING), cell(POOLED), arm, offered)
    assert "behind PgBouncer" in judged.detail
    assert "--driver" not in judged.detail


def test_an_answer_to_somebody_elses_statement_is_explained_too():
    judged = Judgement(Verdict.BROKEN, Code.DESYNC, "another query's answer came back")
    told = distance.explained(judged, cell(POOLED), Arm("psqlpy"), ())
    assert told.verdict is Verdict.BROKEN
    assert "behind PgBouncer" in told.detail


def test_elsewhere_nothing_is_explained():
    for condition in (DIRECT, FAR, Condition("tls")):
        judged = rejected(MISSING)
        assert distance.explained(judged, cell(condition), Arm("a"), ()) is judged
