"""What comes of a claim, from records that were made for it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import fake_runs
import msgspec
import pytest
from fake_runs import arm_facts, bench, cell_facts
from msgspec.structs import replace

from harness.analysis.times import arm_times
from harness.claims import baseline, deciding, form, missing, naming, page
from harness.claims.evidence import (
    Evidence,
    LibrarySaid,
    digest,
    libraries_of_terms,
    versions_of,
)
from harness.claims.outcomes import ClaimOutcome, DecidedClaim, DecidedPart, outcome_of
from harness.core.verdicts import Code, Judgement, Verdict
from harness.lanes.memory.record import Footprint, Memory
from harness.render import claims as render
from harness.results.records import Check, Run
from harness.scenario import select

HOLDS, FAILS, DEPENDS, UNSURE, OPEN = (
    ClaimOutcome.HOLDS,
    ClaimOutcome.DOES_NOT_HOLD,
    ClaimOutcome.DEPENDS,
    ClaimOutcome.INCONCLUSIVE,
    ClaimOutcome.NOT_TRIED,
)
CELL = "prepared/automatic#ten-times"
ROW = fake_runs.CELLS[0]
TIMED = cell_facts(ROW).id
EXACT = Judgement(Verdict.EXACT, Code.RIGHT)
VERSIONS = versions_of(arm_facts("asyncpg"))


def condition(way: str, **keys) -> form.AnyCondition:
    return msgspec.convert({"by": way, **keys}, form.AnyCondition)


def checked(judgement: Judgement, cell: str = CELL, driver: str = "asyncpg") -> Check:
    scenario, _, case = cell.partition("#")
    return Check(
        judgement=judgement,
        scenario=scenario,
        case=case,
        cell=cell,
        driver=driver,
        profile="configured",
    )


def seen(*checks: Check, started: str = "2026-01-01") -> Run:
    run = bench(rows=(), rounds=0, arms=[arm_facts("asyncpg"), arm_facts("psycopg2")])
    header = replace(run.header, started=started)
    return replace(run, header=header, checks=list(checks))


def decide(asked: form.AnyCondition, *runs: Run, said=None) -> list[DecidedPart]:
    return list(
        deciding.parts_of(asked, Evidence(runs, said or {}), "pgdyno claims X --run")
    )


def only(asked: form.AnyCondition, *runs: Run, said=None) -> DecidedPart:
    (part,) = decide(asked, *runs, said=said)
    return part


# --- parts make an outcome ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "outcome"),
    [
        ([HOLDS, HOLDS], HOLDS),
        ([FAILS, FAILS], FAILS),
        ([HOLDS, FAILS], DEPENDS),
        ([HOLDS, FAILS, OPEN, UNSURE], DEPENDS),
        ([HOLDS, UNSURE], UNSURE),
        ([HOLDS, OPEN], OPEN),
        ([FAILS, OPEN], FAILS),
        ([OPEN, UNSURE], UNSURE),
    ],
)
def test_parts_make_an_outcome(parts: Sequence[ClaimOutcome], outcome):
    assert outcome_of([DecidedPart("", part, "") for part in parts]) is outcome


# --- cells ------------------------------------------------------------------------------


LOSSY = Judgement(
    Verdict.LOSSY, Code.WRONG_VALUE, "it is 1", "1", "2", facts={"sqlstate": "42804"}
)


@pytest.mark.parametrize(
    ("keys", "judgement", "outcome"),
    [
        ({}, EXACT, HOLDS),
        ({}, LOSSY, FAILS),
        ({"verdict": ["lossy", "differs"]}, LOSSY, HOLDS),
        ({"code": "wrong-value"}, LOSSY, HOLDS),
        ({"code": "wrong-type"}, LOSSY, FAILS),
        ({"detail": "it is *"}, LOSSY, HOLDS),
        ({"observed": ["2", "3"]}, LOSSY, FAILS),
        ({"facts": {"sqlstate": "42804"}}, LOSSY, HOLDS),
        ({"facts": {"sqlstate": "42805"}}, LOSSY, FAILS),
        ({}, Judgement(Verdict.UNSUPPORTED, Code.NOT_OFFERED, "no"), FAILS),
        ({}, Judgement(Verdict.SKIPPED, Code.SERVER_LACKS, "no TLS"), OPEN),
        ({"verdict": "skipped"}, Judgement(Verdict.SKIPPED, Code.NO_DRIVER), HOLDS),
    ],
)
def test_a_cell(keys, judgement, outcome):
    part = only(
        condition("cell", cell=CELL, driver="asyncpg", **keys), seen(checked(judgement))
    )
    assert part.outcome is outcome
    assert part.versions == VERSIONS
    assert not part.fault
    shown = f"pgdyno show '{CELL}' --driver asyncpg --profile configured --run"
    assert part.command == shown


def test_a_fault_of_ours_is_charged_to_nobody():
    judgement = Judgement(Verdict.INVALID, Code.HARNESS_FAULT, "the harness failed")
    part = only(condition("cell", cell=CELL, driver="asyncpg"), seen(checked(judgement)))
    assert part.outcome is OPEN
    assert part.fault


def test_a_pattern_means_every_cell_and_several_drivers_each_of_them():
    run = seen(
        checked(EXACT, "a/b#one@n=1"),
        checked(LOSSY, "a/b#one@n=2"),
        checked(EXACT, "a/b#one@n=1", "psycopg2"),
    )
    parts = decide(condition("cell", cell="a/b#one", driver=["asyncpg", "psycopg2"]), run)
    assert [part.outcome for part in parts] == [HOLDS, FAILS, HOLDS]
    assert parts[1].label == "asyncpg a/b#one@n=2"
    assert outcome_of(parts) is DEPENDS


@pytest.mark.parametrize(
    ("worse", "labels"),
    [
        ([], ["all"] * 4),
        (["a1", "a2"], ["asyncpg", "asyncpg", "the rest of all", "the rest of all"]),
        (["a1", "p1"], ["all s/c#1", "the rest of all", "all s/c#1", "the rest of all"]),
        (["a1"], ["asyncpg s/c#1", *["the rest of all"] * 3]),
    ],
)
def test_parts_are_told_as_briefly_as_they_are_clear(worse, labels):
    keys = {"a1": ("s/c#1", "asyncpg"), "a2": ("s/c#2", "asyncpg")}
    keys |= {"p1": ("s/c#1", "psycopg2"), "p2": ("s/c#2", "psycopg2")}
    run = seen(*(checked(LOSSY if k in worse else EXACT, *key) for k, key in keys.items()))
    cells, drivers = ["s/c#1", "s/c#2"], ["asyncpg", "psycopg2"]
    asked = condition("cell", cell=cells, driver=drivers, part="all")
    assert [part.label for part in decide(asked, run)] == labels


def test_the_latest_run_counts():
    runs = [seen(checked(EXACT), started="2026-02-02"), seen(checked(LOSSY))]
    asked = condition("cell", cell=CELL, driver="asyncpg")
    assert only(asked, *runs).outcome is HOLDS
    assert only(asked, *reversed(runs)).outcome is HOLDS


def test_what_nobody_ran_is_not_tried():
    part = only(condition("cell", cell=CELL, driver="asyncpg"))
    assert (part.outcome, part.command) == (OPEN, "pgdyno claims X --run")


def observed(*answers: dict) -> Check:
    told = "; ".join(f"{answer['label']}: {answer['repr']}" for answer in answers)
    facts = {"answers": list(answers)}
    return checked(Judgement(Verdict.EXACT, Code.OBSERVED, told, told, told, facts=facts))


def test_a_count():
    one = {"label": "statements", "type": "int", "repr": "1", "value": 1}
    text = {"label": "turns", "type": "str", "repr": "'7'"}
    name = {"label": "name", "type": "str", "repr": "'x'"}
    run = seen(observed(one, text, name))

    def counted(**keys) -> ClaimOutcome:
        return only(condition("count", cell=CELL, driver="asyncpg", **keys), run).outcome

    assert counted(answer="statements", **{"is": {"equals": 1}}) is HOLDS
    assert counted(answer="turns", **{"is": {"at_most": 6}}) is FAILS
    assert counted(answer="turns", **{"is": {"between": [5, 9]}}) is HOLDS
    assert counted(answer="name", **{"is": {"equals": 1}}) is OPEN
    assert counted(**{"is": {"equals": 1}}) is OPEN  # which of the two?


# --- times ------------------------------------------------------------------------------

ARMS = [arm_facts("psycopg2"), arm_facts("asyncpg")]


def timed(ratio: float, rounds: int = 12) -> Run:
    """A run in which psycopg2 takes so many times as long as asyncpg."""

    def made(factor: float) -> Run:
        slow = {"psycopg2": factor}
        return bench(
            run="times",
            seed=3,
            rows=[ROW],
            arms=ARMS,
            rounds=rounds,
            noise=0.004,
            factor=slow,
        )

    times = arm_times(made(1.0))
    usual = times[TIMED, "psycopg2"].number / times[TIMED, "asyncpg"].number
    return made(ratio / usual)


def compare(**ratio) -> form.AnyCondition:
    return condition("compare", cell=TIMED, arms=["psycopg2", "asyncpg"], ratio=ratio)


@pytest.mark.parametrize(
    ("ratio", "outcome"),
    [
        ({"at_least": 1.8}, HOLDS),
        ({"at_least": 2.2}, FAILS),
        ({"between": [1.9, 2.1]}, HOLDS),
        ({"at_most": 1.9}, FAILS),
        ({"at_most": 2.0}, UNSURE),
    ],
)
def test_an_interval_lies_inside_or_outside(ratio, outcome):
    part = only(compare(**ratio), timed(2.0))
    assert part.outcome is outcome, part.seen
    assert part.seen.startswith("psycopg2 takes 2.0")
    assert "12 rounds" in part.seen
    assert part.command.endswith(" --driver psycopg2 --driver asyncpg")
    assert part.versions == f"psycopg2 2.9.13, libpq 17.6; {VERSIONS}"


def test_too_few_rounds_decide_nothing():
    part = only(compare(at_least=1.5), timed(2.0, rounds=5))
    assert part.outcome is UNSURE
    assert "5 common quiet rounds, 6 are needed" in part.seen


def test_a_claim_that_holds_for_a_reason_nobody_named_says_so():
    part = only(compare(at_least=1.8), timed(2.0))
    told = "other terms: a row is tuple (psycopg2) and asyncpg.Record (asyncpg)"
    assert told in part.reasons
    assert not only(compare(at_least=2.2), timed(2.0)).reasons


def test_a_reason_that_is_true_is_told():
    because = {"says": "it waits", "cell": CELL, "driver": "asyncpg"}
    asked = msgspec.convert(
        {
            "by": "compare",
            "cell": TIMED,
            "arms": ["psycopg2", "asyncpg"],
            "ratio": {"at_least": 1.8},
            "because": [because],
        },
        form.AnyCondition,
    )
    assert "it waits" in only(asked, timed(2.0), seen(checked(EXACT))).reasons
    assert "it waits" not in only(asked, timed(2.0), seen(checked(LOSSY))).reasons


def test_an_arm_without_a_time_is_not_compared():
    def lossy(trial):
        judged = fake_runs.judged("lossy", "one row short")
        return replace(trial, judgement=judged, slices=None)

    run = bench(
        rows=[ROW],
        arms=ARMS,
        rounds=8,
        override=lambda trial: lossy(trial) if trial.arm == "asyncpg" else trial,
    )
    part = only(compare(at_least=1), run)
    assert part.outcome is OPEN
    assert part.seen == "no time of asyncpg: lossy: one row short"


def test_two_cells_are_compared_by_what_they_are_worth():
    rows = fake_runs.CELLS[:2]
    cells = [cell_facts(row) for row in rows]
    run = bench(rows=rows, arms=ARMS, rounds=12, noise=0.004)
    times = arm_times(run)
    usual = [times[cell.id, "asyncpg"].number / cell.units_per_op for cell in cells]
    near = usual[0] / usual[1]
    ids = [cell.id for cell in cells]
    ratio = {"between": [near * 0.9, near * 1.1]}
    part = only(condition("compare", driver="asyncpg", cells=ids, ratio=ratio), run)
    assert part.outcome is HOLDS, (part.seen, near)


def test_a_rate():
    run = timed(1.0)
    cell = cell_facts(ROW)

    def rate(**limits) -> DecidedPart:
        return only(condition("time", cell=TIMED, driver="asyncpg", per_second=limits), run)

    found = float(rate(at_least=1).seen.split()[0].replace(",", ""))
    assert rate(at_least=found * 0.9).outcome is HOLDS
    assert rate(at_least=found * 1.1).outcome is FAILS
    per_op_ms = 1000 / found * cell.units_per_op
    near = {"between": [per_op_ms * 0.9, per_op_ms * 1.1]}
    asked = condition("time", cell=TIMED, driver="asyncpg", ms=near)
    assert only(asked, run).outcome is HOLDS


def held(arm: str, per_connection: int, repeat: int) -> Footprint:
    memory = Memory(
        import_bytes=1,
        session_bytes=1,
        peak_bytes=1,
        page_bytes=4096,
        lead=1,
        ops=1,
        loop_bytes=[1],
        sessions=[1, 2, 3],
        sessions_bytes=[number * per_connection for number in (1, 2, 3)],
    )
    judged = fake_runs.judged()
    return Footprint(cell=TIMED, arm=arm, repeat=repeat, judgement=judged, memory=memory)


def test_memory_of_a_connection():
    made = bench(rows=[ROW], rounds=0, arms=ARMS)
    prints = [held("asyncpg", 40_960, n) for n in range(3)]
    prints += [held("psycopg2", 20_480, n) for n in range(3)]
    run = replace(made, lane_records=prints)

    def remembered(**keys) -> DecidedPart:
        return only(condition("memory", cell=TIMED, **keys), run)

    assert remembered(driver="asyncpg", kib={"equals": 40}).outcome is HOLDS
    assert remembered(driver="asyncpg", kib={"at_most": 39}).outcome is FAILS
    beside = remembered(driver="asyncpg", against="psycopg2", ratio={"between": [1.9, 2.1]})
    assert beside.outcome is HOLDS
    assert beside.seen.startswith("asyncpg: 41.0 kB")


# --- libraries --------------------------------------------------------------------------

ANSWER = {
    "exists": True,
    "type": "function",
    "text": "<function f>",
    "value": "",
    "is_a": {"m:Base": True},
    "parameters": ["a", "b"],
    "defaults": {"b": "false"},
}
RAISED = {
    "exists": True,
    "raised": ["DataError", "Error", "Exception"],
    "message": "too long",
    "text": "DataError: too long",
}


@pytest.mark.parametrize(
    ("expect", "answer", "outcome"),
    [
        ({"exists": True}, ANSWER, HOLDS),
        ({"exists": False}, ANSWER, FAILS),
        ({"exists": False}, {"exists": False, "text": "no"}, HOLDS),
        ({"parameters": ["a"]}, {"exists": False, "text": "no"}, FAILS),
        ({"parameters": ["b", "a"]}, ANSWER, HOLDS),
        ({"parameters": ["c"]}, ANSWER, FAILS),
        ({"lacks": ["c"]}, ANSWER, HOLDS),
        ({"lacks": ["a"]}, ANSWER, FAILS),
        ({"defaults": {"b": False}}, ANSWER, HOLDS),
        ({"defaults": {"b": 0}}, ANSWER, FAILS),
        ({"type": ["function", "type"]}, ANSWER, HOLDS),
        ({"is_a": "m:Base"}, ANSWER, HOLDS),
        ({"like": "<func*"}, ANSWER, HOLDS),
        ({"equals": []}, {**ANSWER, "value": "[]"}, HOLDS),
        ({"equals": []}, {**ANSWER, "value": "[1]"}, FAILS),
        ({"equals": 1}, {**ANSWER, "value": "true"}, FAILS),
        ({"raises": "Error"}, RAISED, HOLDS),
        ({"raises": "DataError: *long"}, RAISED, HOLDS),
        ({"raises": "TypeError"}, RAISED, FAILS),
        ({"raises": "Error"}, ANSWER, FAILS),
        ({"exists": True}, RAISED, FAILS),
    ],
)
def test_what_a_library_said(expect, answer, outcome):
    asked = condition("inspect", driver="asyncpg", path="m:f", expect=expect)
    said = {digest("asyncpg", asked): LibrarySaid(answer, versions="asyncpg 0.32.0")}
    part = only(asked, said=said)
    assert part.outcome is outcome, part.seen


def test_a_library_that_is_not_there_is_not_tried():
    asked = condition("inspect", driver="asyncpg", path="m:f", expect={"exists": True})
    said = {digest("asyncpg", asked): LibrarySaid(problem="not installed; pip install it")}
    part = only(asked, said=said)
    assert (part.outcome, part.seen) == (OPEN, "not installed; pip install it")


def test_another_expectation_is_no_other_question():
    a = condition("inspect", driver="asyncpg", path="m:f", expect={"exists": True})
    b = condition("inspect", driver="asyncpg", path="m:f", expect={"exists": False})
    c = condition("inspect", driver="asyncpg", path="m:g", expect={"exists": True})
    assert digest("asyncpg", a) == digest("asyncpg", b) != digest("asyncpg", c)
    assert digest("asyncpg==0.30.0", a) != digest("asyncpg", a)


def test_versions_of_all_layers():
    arm = arm_facts("asyncpg")
    terms = {f"wrapped_{name}": text for name, text in arm.terms.items()}
    over = replace(
        arm, terms={"library": "sqlspec", "version": "0.69", "libpq": "none", **terms}
    )
    assert versions_of(over) == f"sqlspec 0.69, on {VERSIONS}"
    assert libraries_of_terms(over.terms) == ["sqlspec", arm.terms["library"]]


# --- names, baselines, pages --------------------------------------------------------------


def source(*claims: form.Claim) -> form.ClaimSource:
    return form.ClaimSource(
        schema=1, id="XX", title="A page", date="2026", about="About.", claim=list(claims)
    )


def claim(*conditions: form.AnyCondition, number: int = 1) -> form.Claim:
    return form.Claim(
        id=f"XX-{number:02}", claim="It does `this`.", decide=list(conditions)
    )


def decided(*conditions: form.AnyCondition, runs: Sequence[Run] = ()) -> DecidedClaim:
    made = claim(*conditions)
    (found,) = naming.named([deciding.decided(source(made), made, Evidence(runs))])
    return found


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("prepared/automatik#ten-times", "did you mean `prepared/automatic`?"),
        ("prepared/automatic#tentimes", "did you mean `prepared/automatic#ten-times`?"),
    ],
)
def test_a_claim_that_names_no_cell_says_so(cell, told):
    found = decided(condition("cell", cell=cell, driver="asyncpg"))
    assert found.outcome is OPEN
    assert found.fault
    assert told in found.seen


def test_a_driver_that_nobody_brings():
    found = decided(condition("cell", cell=CELL, driver="asyncpq"))
    assert (found.outcome, found.fault) == (OPEN, False)
    assert "there is no driver 'asyncpq': did you mean `asyncpg`?" in found.seen


ASKED = condition("cell", cell=CELL, driver="asyncpg")


def test_drift_is_another_outcome_and_nothing_else():
    was = decided(ASKED, runs=[seen(checked(EXACT))])
    before = baseline.updated({}, [was], ["XX-01"])
    assert baseline.compared(was, before).drift == ""
    now = baseline.compared(decided(ASKED, runs=[seen(checked(LOSSY))]), before)
    told = "does not hold instead of holds, with the same version"
    assert now.drift == f"{told}: {VERSIONS}"
    untried = baseline.compared(decided(ASKED), before)
    assert (untried.outcome, untried.remembered, untried.drift) == (HOLDS, True, "")


def test_a_baseline_is_written_and_read(tmp_path):
    was = decided(ASKED, runs=[seen(checked(EXACT))])
    file = tmp_path / "claims" / "baseline.json"
    outcomes = baseline.updated({"XX-09": baseline.Remembered(HOLDS, "")}, [was], ["XX-01"])
    assert list(outcomes) == ["XX-01"]  # XX-09 is no claim any more
    baseline.save(file, outcomes)
    assert baseline.load(file) == outcomes
    assert len(file.read_text().splitlines()) == 6
    kept = baseline.updated(outcomes, [decided(ASKED)], ["XX-01"])
    assert kept == outcomes  # what was not tried changes nothing


def test_what_changes_from_run_to_run_is_not_kept():
    told = 'server at "127.0.0.1", port 37947 failed for pgdyno_3f1c09aa_12, 7 rows'
    assert (
        baseline.settled(told)
        == 'server at "127.0.0.1", port … failed for pgdyno_…, 7 rows'
    )


def test_a_page_counts_and_groups():
    found = [
        decided(ASKED, runs=[seen(checked(EXACT))]),
        decided(ASKED, runs=[seen(checked(LOSSY))]),
        decided(ASKED),
    ]
    shown = page.build(found)
    (first,) = shown.sources
    assert [group.outcome for group in first.groups] == [FAILS, HOLDS, OPEN]
    assert first.tally == "3 claims: 1 does not hold, 1 holds, 1 was not tried"


def test_an_interval_without_ends_is_no_number():
    limits = form.Limits(at_least=2)
    assert limits.holds(2, math.inf) is True
    assert limits.holds(1, 3) is None


# --- what is missing ----------------------------------------------------------------------


def test_cells_that_are_compared_are_measured_in_one_run():
    asked = [
        condition(
            "compare", cell="a#x", arms=["psycopg2", "asyncpg"], ratio={"at_least": 1}
        ),
        condition("time", cell="b#x", driver="psqlpy", ms={"at_most": 1}),
        condition("compare", cells=["a#x", "c#x"], driver="psycopg", ratio={"at_least": 1}),
        condition("memory", cell="a#x", driver="psqlpy", kib={"at_most": 1}),
        condition("compare", cell="d#x", arms=["nobody", "asyncpg"], ratio={"at_least": 1}),
    ]
    assert missing.times(asked, Evidence()) == [
        missing.Measuring("time", ("b#x",), ("psqlpy",)),
        missing.Measuring("time", ("a#x", "c#x"), ("psycopg2", "asyncpg", "psycopg")),
        missing.Measuring("memory", ("a#x",), ("psqlpy",)),
    ]
    assert missing.times([compare(at_least=1.8)], Evidence([timed(2.0)])) == []


def test_only_what_nobody_played_is_played():
    cells = [cell for found in select(["prepared/automatic"]) for cell in found.cells]
    asked = [condition("cell", cell="prepared/automatic#*", driver=["asyncpg", "nobody"])]
    (play,) = missing.cells(asked, cells, Evidence())
    assert [arm.name for arm in play.arms] == ["asyncpg"]
    assert CELL in {cell.id for cell in play.cells}
    (play,) = missing.cells(asked, cells, Evidence([seen(checked(EXACT))]))
    assert CELL not in {cell.id for cell in play.cells}


# --- how it is drawn ----------------------------------------------------------------------


def test_markdown_keeps_code_and_escapes_the_rest():
    told = form.Claim(id="XX-01", claim="`a_b` is *not* <b> `c`.", decide=[ASKED])
    drawn = DecidedClaim(source(told), told, FAILS, (DecidedPart("", FAILS, "it is [1]"),))
    text = render.markdown(page.build([drawn]))
    assert r"- **XX-01** `a_b` is \*not\* &lt;b&gt; `c`." in text
    assert r"seen: it is \[1\]" in text
    assert "not* &lt;b&gt; <code>c</code>" in render.html(page.build([drawn]))
