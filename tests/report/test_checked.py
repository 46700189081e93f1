"""The end of a check: what each driver is worth, what is new, what is behind it."""

from __future__ import annotations

import fake_runs
import pytest
from fake_runs import changed
from msgspec.structs import replace

from harness.core.verdicts import Code, Judgement, Verdict
from harness.render import checked as shown
from harness.report import checked
from harness.report.checked import Asked, cause_of
from harness.results.records import Check


def check(driver="psycopg", cell="types/a#read", verdict="exact", **values) -> Check:
    texts = {name: values.pop(name) for name in fake_runs.TEXTS if name in values}
    scenario, _, case = cell.partition("#")
    return Check(
        scenario=scenario, case=case, cell=cell, driver=driver,
        judgement=fake_runs.judged(verdict, **texts), **{"profile": "default"} | values,
    )  # fmt: skip


def end_of(checks, failing=(), code=0, asked=None, fail_on=Verdict.LOSSY):
    return checked.build(checks, failing, asked or Asked(), code=code, fail_on=fail_on)


def test_a_driver_is_right_in_so_much_of_what_the_server_has():
    verdicts = ["exact", "exact", "lossy", "crashed", "skipped", "skipped", "invalid"]
    checks = [
        check(cell=f"t/a#{at}", verdict=verdict) for at, verdict in enumerate(verdicts)
    ]
    end = end_of(checks)
    (standing,) = end.standings
    assert standing.right == 0.5
    counts = dict(zip(checked.COLUMNS, standing.counts, strict=True))
    assert {name: count for name, count in counts.items() if count} == {
        "silent": 1,
        "broken": 1,
    }
    assert (end.questions, end.skipped) == (7, 2)


def test_what_is_checked_in_one_profile_counts_in_both():
    checks = [
        check(cell="t/a#steps", verdict="lossy"),
        check(cell="t/a#read"),
        check(cell="t/a#read", profile="configured"),
    ]
    default, configured = end_of(checks).standings
    assert default.counts == configured.counts == (1, 0, 0, 0, 0, 0)
    assert default.right == configured.right == 0.5


def test_no_driver_is_a_hundred_per_cent_right_with_one_wrong_answer():
    checks = [check(cell=f"t/a#{at}") for at in range(999)]
    text = shown.render(end_of([*checks, check(cell="t/a#x", verdict="differs")]))
    assert "  99 %" in text
    assert "100 %" not in text


def judged(code, detail="", verdict=Verdict.LOSSY, **facts) -> Check:
    judgement = Judgement(verdict, code, detail, facts=facts)
    return replace(check(), judgement=judgement)


TEXT = {"type": "str", "usual_types": ["dict"]}
ERROR = {"class": "x.DataError", "sqlstate": "22003"}


@pytest.mark.parametrize(
    ("first", "other"),
    [
        (
            judged(Code.WRONG_TYPE, "column owner: …", **TEXT, column="owner", row=1),
            judged(Code.WRONG_TYPE, "column body: …", **TEXT, column="body", row=9),
        ),
        (
            judged(Code.ERROR, "1 is out of range", **ERROR, message="1 is out of range"),
            judged(Code.ERROR, "wert zu gross", **ERROR, message="wert zu gross"),
        ),
        (
            judged(Code.GROWS, "by 65 MB", act="listen", grown_bytes=65 << 20),
            judged(Code.GROWS, "by 64 MB", act="listen", grown_bytes=64 << 20),
        ),
    ],
)
def test_values_places_and_words_make_no_other_cause(first, other):
    assert cause_of(first) == cause_of(other)
    (cause,) = checked.causes([first, other], [first])
    assert len(cause.checks) == 2


@pytest.mark.parametrize(
    "other",
    [
        judged(Code.WRONG_TYPE, "the same words", type="str", usual_types=["UUID"]),
        judged(Code.WRONG_TYPE, "the same words", type="bytes", usual_types=["dict"]),
        judged(Code.WRONG_FORM, "the same words", **TEXT),
        judged(Code.WRONG_TYPE, "the same words", Verdict.DIFFERS, **TEXT),
        judged(Code.ERROR, "the same words", **ERROR),
    ],
)
def test_the_same_words_of_another_code_or_fact_are_another_cause(other):
    first = judged(Code.WRONG_TYPE, "the same words", **TEXT)
    assert len(checked.causes([first, other], [first])) == 2


def test_what_a_cause_has_in_common_is_said_of_its_facts():
    def reason(*checks: Check) -> str:
        (cause,) = checked.causes(checks, checks)
        return cause.reason

    texts = [judged(Code.WRONG_TYPE, name, **TEXT) for name in ("a", "b")]
    errors = [judged(Code.ERROR, name, **ERROR, message=name) for name in ("a", "b")]
    values = [judged(Code.WRONG_VALUE, name, type="int", expected_type="numeric")
              for name in ("a", "b")]  # fmt: skip
    assert reason(*texts) == "comes as str instead of dict"
    assert reason(*errors) == "raises x.DataError [22003], as in “a”"
    assert reason(*values).endswith("without an error: int for numeric")
    plain = judged(Code.GROWS, "by 65 MB")
    assert reason(plain, plain) == "by 65 MB"


def test_causes_are_worst_first_then_commonest():
    drivers = ("psycopg", "asyncpg", "psqlpy")
    checks = [check(driver, f"t/a#{at}", "lossy", detail="months become days")
              for driver in drivers for at in range(3)]  # fmt: skip
    checks += [check("psqlpy", "t/b#1", "broken", detail="panic at 17")]
    checks += [check("psqlpy", f"t/c#{at}", "lossy", detail=f"lost {at}") for at in (1, 2)]
    checks = [replace(record, deviation=record.detail) for record in checks]
    known = end_of(checks).known
    assert [(cause.drivers, cause.reason, len(cause.cells)) for cause in known] == [
        (("psqlpy",), "panic at 17", 1),
        ((), "months become days", 3),
        (("psqlpy",), "lost 1", 1),
        (("psqlpy",), "lost 2", 1),
    ]
    lines = shown.render(end_of(checks)).splitlines()
    assert " ✗ all               3  months become days" in lines


def test_drivers_stand_by_how_right_they_are():
    checks = [check("psqlpy", "t/a#1", "lossy"), check("asyncpg", "t/a#1")]
    lines = shown.render(end_of(checks)).splitlines()
    names = [line.split()[0] for line in lines[1:5] if "%" in line]
    assert names == ["asyncpg", "psqlpy"]


def test_what_is_new_says_how_to_see_it():
    new = check("psqlpy", "mine#two", "lossy", detail="one of two is missing")
    asked = Asked("18.4", 61_000_000_000, "runs/a b.jsonl", {"mine": "cases/mine.toml"})
    end = end_of([check(), new], [new], 1, asked)
    lines = shown.render(end).splitlines()
    assert lines[0] == "check  2 questions · PostgreSQL 18.4 · 1 min 1 s"
    assert "NEW, not declared (1)" in lines
    assert " ✗ psqlpy     mine#two: one of two is missing" in lines
    assert "              pgdyno show cases/mine.toml#two --driver psqlpy --run" in lines
    assert lines[-1] == (
        "exit 1: 1 undeclared silent change.  HTML: pgdyno report 'runs/a b.jsonl'"
    )


def test_known_new_and_milder_are_kept_apart():
    checks = [
        check(cell="t/a#1", verdict="lossy", detail="one", expected_verdict="lossy"),
        check(cell="t/a#2", verdict="lossy", detail="two", deviation="because"),
        check(cell="t/a#3", verdict="lossy", detail="three"),
        check(cell="t/a#4", verdict="differs", detail="four"),
        check(cell="t/a#5", verdict="exact", drift="exact instead of lossy"),
        check(cell="t/a#6", verdict="unsupported", detail="no pipeline"),
        check(cell="t/a#7", verdict="invalid", detail="no such table"),
    ]
    end = end_of(checks, [checks[2], checks[4]], 1)
    groups = (end.new, end.known, end.milder, end.invalid)
    assert [[cause.reason for cause in group] for group in groups] == [
        ["three", "exact instead of lossy"],
        ["because", "one"],
        ["four"],
        ["no such table"],
    ]
    assert end.conclusion == "exit 1: 1 undeclared silent change, 1 drift."
    text = shown.render(end)
    assert "MILDER than lossy, not declared (1)" in text
    assert "INVALID, no driver’s fault (1)" in text


@pytest.mark.parametrize(
    ("verdicts", "code", "words"),
    [
        (["exact", "exact"], 0, "exit 0: every answer is right."),
        (
            ["exact", "differs"],
            0,
            "exit 0: nothing is lossy or worse that was not expected",
        ),
        (["skipped", "skipped"], 4, "exit 4: every check was skipped."),
        (["exact", "invalid"], 4, "exit 4: 1 question is invalid, which is the scenario’s"),
        (["invalid", "invalid"], 4, "exit 4: 2 questions are invalid"),
    ],
)
def test_the_conclusion_is_the_last_line(verdicts, code, words):
    checks = [
        check(cell=f"t/a#{at}", verdict=verdict) for at, verdict in enumerate(verdicts)
    ]
    last = shown.render(end_of(checks, code=code)).splitlines()[-1]
    assert last.startswith(words)


def test_eighty_columns_and_few_lines_whatever_was_found():
    run = fake_runs.check(drivers=[f"driver-with-a-long-name-{at}" for at in range(9)])
    bad = [changed(record, verdict="lossy", detail=f"{chr(97 + at % 26)} " * 70)
           for at, record in enumerate(run.checks)]  # fmt: skip
    lines = shown.render(end_of(bad, bad, 1)).splitlines()
    commands = [line for line in lines if "pgdyno show" in line]
    assert max(len(line) for line in lines if line not in commands) <= 80
    assert len(commands) == 8
    assert " and 18 more causes: --details" in lines
    assert len(lines) < 80


def test_versions_and_pythons_are_told_in_full_within_eighty_columns():
    names = [f"asyncpg==0.{minor}.0%3.1{python}" for minor in (29, 30) for python in (1, 3)]
    lines = shown.render(end_of([check(driver=name) for name in names])).splitlines()
    told = [line.split()[0] for line in lines if line.startswith("asyncpg")]
    assert told == names
    assert max(map(len, lines)) <= 80


def test_hostile_text_commands_no_terminal():
    said = check("a\x1b[2J", "t/a#\u202e1", "lossy", detail="\x9b31m\r\u200b")
    text = shown.render(end_of([said], [said], 1))
    assert {char for char in text if not char.isprintable()} == {"\n"}
    assert "\\x1b[2J" in text
