"""The end of a bench: a table, how noisy it was, what was answered and what to do."""

from __future__ import annotations

import re

import fake_runs
import pytest
from fake_runs import arm_facts, bench, changed

from harness.cli.bench import outcome
from harness.render import measured as drawn
from harness.report import measured, view
from harness.report.findings import folded
from harness.report.measured import ranked_sentence
from harness.report.sections import Remark

SOME = ("psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy")


def arms(*names):
    return [*map(arm_facts, names), arm_facts("psycopg (A/A)", twin="psycopg")]


def end_of(run):
    shown = view.build([run]).runs[0]
    return measured.build(run, shown, outcome(run))


def lines_of(run):
    return drawn.render(end_of(run)).splitlines()


def test_the_fastest_has_its_time_and_the_others_their_ratio():
    run = bench(rows=fake_runs.CELLS[:1], arms=arms("psycopg", "psqlpy"), seed=4)
    lines = lines_of(run)
    assert lines[0].startswith("bench  1 question × 2 drivers · 19 min 12 s (")
    assert lines[0].endswith("timed) · 1 ranked")
    assert re.fullmatch(r" +psycopg +psqlpy", lines[1])
    assert re.fullmatch(r"One row by primary key +▶\d\d\.\d µs +\d\.\d\d×", lines[2])
    assert lines[3].startswith("▶ fastest, or tied with it")
    assert re.fullmatch(r"noise: psycopg against itself [−+]?\d\.\d %\.", lines[4])
    assert lines[-1] == "exit 0: 1 of 1 question is ranked."


def test_what_is_not_ranked_stands_in_brackets_and_what_is_not_offered_is_a_dash():
    run = bench(
        rows=fake_runs.CELLS[:1] + fake_runs.CELLS[4:12],
        arms=arms(*SOME),
        override=fake_runs.with_troubles,
    )
    rows = {line[:25].rstrip(): line[24:] for line in lines_of(run)}
    assert re.search(r"\(≠\d\.\d\d×\)", rows["JSONB: find documents b…"])
    assert re.search(r" – +– ", rows["A hundred small s… (100)"])
    assert rows["pgvector: the ten neare…"].endswith("✗ lossy")
    assert rows["Check a connection out …"].split()[2] == "!"
    assert rows["Point quer… (16 threads)"].split()[0].endswith("×")


def test_titles_that_are_alike_when_cut_short_are_given_in_full():
    rest = ({"rows": 1000}, "COPY in, from rows of %s columns", "copy_in", "rows", 1000)
    rows = [(f"copy/{n}", "rows", rest[0], rest[1] % n, *rest[2:], 0, 50) for n in (2, 20)]
    rows = [(scenario, case, point, title, title, *more)
            for scenario, case, point, title, *more in rows]  # fmt: skip
    lines = lines_of(bench(rows=rows, arms=arms("psycopg", "psqlpy")))
    at = lines.index("COPY in, from rows of 2 columns")
    assert re.match(r"  1000 +▶?\d", lines[at + 1])
    assert lines[at + 2] == "COPY in, from rows of 20 columns"


def test_noise_of_several_questions_is_a_range():
    lines = lines_of(bench(rows=fake_runs.CELLS[:3], arms=arms("psycopg", "psqlpy")))
    noise = r"noise: psycopg against itself [−+]?\d\.\d … [−+]?\d\.\d % at worst\."
    assert any(re.match(noise, line) for line in lines)


def test_why_a_driver_has_no_number_is_told_once_and_with_the_remedy():
    reason = "no prepared statement; --driver psqlpy+noprepare prepares none"

    def refused(trial):
        if trial.arm != "psqlpy":
            return trial
        return changed(trial, verdict="rejected", detail=reason, slices=None, latency_ns=[])

    run = bench(rows=fake_runs.CELLS[:3], arms=arms("psycopg", "psqlpy"), override=refused)
    lines = lines_of(run)
    assert lines.count(f"psqlpy: rejected, {reason}") == 1
    assert all(len(line) <= 80 for line in lines)


def test_below_six_rounds_nothing_is_ranked_and_the_end_says_what_to_do():
    lines = lines_of(bench(rows=fake_runs.CELLS[:2], arms=arms("psycopg"), rounds=5))
    assert "(" in lines[2]
    assert "▶" not in lines[2]
    said = " ".join(lines)
    assert "A rank needs 6 quiet rounds: choose fewer questions" in said
    assert lines[-1] == (
        "exit 0: none of 2 questions are ranked; 2 had too few quiet rounds."
    )


def disturbed(trial):
    return changed(trial, disturbed=f"{0.1 + trial.round / 10:.2f} cores went to others")


def test_a_run_in_which_every_block_was_disturbed_says_why_and_what_to_do():
    run = bench(rows=fake_runs.CELLS[:2], arms=arms("psycopg"), override=disturbed)
    end = end_of(run)
    assert end.conclusion == (
        "exit 3: nothing is ranked, because every block was disturbed, mostly because "
        "0.10 cores went to others."
    )
    assert end.advice.startswith("The medians above are in doubt. Stop what else runs")


def test_a_report_names_the_commonest_disturbance_with_its_numbers():
    run = bench(rows=fake_runs.CELLS[:2], arms=arms("psycopg"), override=disturbed)
    (found,) = [
        each for each in view.build([run]).runs[0].findings if "disturbed" in each.kind
    ]
    assert found.text.endswith("as in this one: 0.10 cores went to others.")


def test_a_run_without_any_time_says_why():
    def lost(trial):
        return changed(trial, verdict="lossy", detail="one row short", slices=None)

    run = bench(rows=fake_runs.CELLS[:2], arms=arms("psycopg"), override=lost)
    assert end_of(run).conclusion == (
        "exit 4: nothing was timed, mostly because lossy: one row short."
    )


@pytest.mark.parametrize("count", [1, 5, 6, 12])
def test_eighty_columns_however_many_drivers(count):
    names = [f"driver-with-a-name-{at}" for at in range(count)]
    lines = lines_of(bench(arms=arms(*names), rounds=6, slices=2))
    assert max(map(len, lines)) <= 80
    assert sum("driver-with" in line or " -with-a" in line for line in lines) == -(
        -count // 5
    )


def test_the_parts_of_a_stacks_name_stand_below_each_other():
    names = ["asyncpg", "sqlalchemy-core-asyncpg", "sqlalchemy-orm-asyncpg"]
    heads = lines_of(bench(arms=arms(*names), rounds=6, slices=2))[1:4]
    assert [head.split() for head in heads] == [
        ["sqlalchemy", "sqlalchemy"],
        ["-core", "-orm"],
        ["asyncpg", "-asyncpg", "-asyncpg"],
    ]


def test_a_sentence_counts_what_was_answered():
    def one_short(trial):
        late = trial.cell.startswith("rows") and trial.round > 3
        return changed(trial, disturbed="busy") if late else trial

    cells = view.build([bench(rows=fake_runs.CELLS[:4], override=one_short)]).runs[0].cells
    assert ranked_sentence(cells) == (
        "2 of 4 questions are ranked; 2 had too few quiet rounds"
    )


def test_a_question_under_several_conditions_is_named_once():
    point = fake_runs.CELLS[0]
    far = (*point[:1], "one-row[via=tls,rtt=5]", {}, f"{point[3]} · TLS, RTT 5 ms")
    other = (
        "point/other",
        "one-row[rtt=45]",
        {},
        "Another question of some length · RTT 45 ms",
    )
    rows = [point, (*far, *point[4:]), (*other, *point[4:])]
    lines = lines_of(bench(rows=rows, arms=arms("psycopg", "psqlpy"), seed=4))
    assert [line[:25].rstrip() for line in lines[2:5]] == [
        "One row by primary key",
        "  · TLS, RTT 5 ms",
        "Another que… · RTT 45 ms",
    ]


def test_findings_that_differ_in_numbers_and_places_only_are_folded():
    remarks = [
        Remark("warm-up", "off by -17.5 %", "a/b#c, psycopg"),
        Remark("warm-up", "off by +2,1 %", "a/b#d, asyncpg"),
        Remark("warm-up", "off by +2.1 %", grave=True),
        Remark("mean", "off by 1 %"),
    ]
    found = [(doubt.kind, doubt.text, len(doubt.places)) for doubt in folded(remarks)]
    assert found == [
        ("warm-up", "off by -17.5 %", 2),
        ("warm-up", "off by +2.1 %", 0),
        ("mean", "off by 1 %", 0),
    ]
