"""What a report says first: answers, cards, families and causes, all from the runs."""

from __future__ import annotations

import dataclasses
import statistics

import fake_runs
import pytest
from msgspec.structs import replace

from harness.core.verdicts import Code, Verdict
from harness.render import html, markdown
from harness.report import view
from harness.report.answers import SILENT, TaskAnswer
from harness.report.cards import better_of, wheel
from harness.report.view import Report
from harness.results.records import Check, Run


def tagged(run: Run, task: str) -> Run:
    """The run with all its cells tagged."""
    cells = [replace(cell, task=task) for cell in run.header.cells]
    return replace(run, header=replace(run.header, cells=cells))


def answer(report: Report, task: str) -> TaskAnswer:
    (found,) = [answer for answer in report.answers if answer.task == task]
    return found


def checked(*checks: Check) -> Run:
    return replace(fake_runs.check(types=()), checks=list(checks))


def checks_of(**verdicts: str) -> list[Check]:
    """A check of one cell for each driver, with this verdict."""
    pattern = fake_runs.check().checks[0]
    return [
        fake_runs.changed(
            pattern, driver=driver, cell="types/x#read", scenario="types/x",
            verdict=verdict, observed="int: 1", expected="int: 2", detail=f"{verdict}!",
        )
        for driver, verdict in verdicts.items()
    ]  # fmt: skip


def test_who_wins_a_task_is_named_with_a_rate_and_its_interval():
    report = view.build(
        [tagged(fake_runs.bench(rows=fake_runs.CELLS[:2]), "small-queries")]
    )
    told = answer(report, "Many small queries")
    firsts = {
        row.arm for cell in report.runs[0].cells for row in cell.rows if row.rank == 1
    }
    assert told.winners
    assert set(told.winners) <= firsts
    assert "ops/s (" in told.figure
    assert "of 2 questions" in told.wins
    assert told.cell in {cell.facts.id for cell in report.runs[0].cells}


def test_without_rounds_nobody_wins():
    run = tagged(fake_runs.bench(rows=fake_runs.CELLS[:2], rounds=3), "json")
    told = answer(view.build([run]), "JSON")
    assert told.winners == ()
    assert told.sentence == (
        "Nobody leads: no exact answer to 2 questions had quiet rounds enough for a rank."
    )


def test_threads_and_tasks_each_have_an_answer_of_their_own():
    run = tagged(fake_runs.bench(rows=fake_runs.CELLS[10:11]), "many-clients")
    report = view.build([run])
    groups = {group.label: group for group in report.runs[0].cells[0].groups}
    for label, kind in (("tasks", "each an asyncio task"), ("threads", "each in a thread")):
        told = answer(report, f"Many clients, {kind}")
        own = {row.arm for row in groups[label].rows}
        assert {*told.winners} <= own
        assert not any(arm in told.rest for row in groups.values() if row.label != label
                       for arm in {row.arm for row in row.rows} - own)  # fmt: skip
    assert len(report.answers) == 2


def test_what_no_scenario_is_tagged_with_has_no_answer():
    report = view.build([fake_runs.bench(rows=fake_runs.CELLS[:2])])
    assert report.answers == ()


def test_a_catch_is_what_was_seen_of_a_winner_at_its_task():
    run = tagged(fake_runs.bench(rows=fake_runs.CELLS[:1]), "small-queries")
    winner = answer(view.build([run]), "Many small queries").winners[0]
    scenario = run.header.cells[0].scenario
    hung = replace(checks_of(**{winner: "hung"})[0], scenario=scenario)
    told = answer(view.build([run, checked(hung)]), "Many small queries")
    assert tuple(map(str, told.catches)) == (
        f"{winner} can stop for ever here, in 1 question (types/x#read)",
    )


def test_silent_changes_are_counted_by_question():
    checks = checks_of(psycopg="exact", asyncpg="lossy", psqlpy="exact")
    told = answer(view.build([checked(*checks)]), SILENT)
    assert set(told.winners) == {"psycopg", "psqlpy"}
    assert told.others == "asyncpg most often, in 1"
    assert [*map(str, told.examples)] == [
        "asyncpg, 1 question: int: 1 instead of int: 2 (types/x#read)"
    ]


def test_who_changes_values_is_told_with_what_and_why():
    (check,) = checks_of(asyncpg="lossy")
    known = fake_runs.changed(
        check, observed="timedelta: datetime.timedelta(days=30)",
        expected="interval: 'P1M'", deviation="A timedelta has no months.",
    )  # fmt: skip
    told = answer(view.build([checked(known)]), SILENT)
    assert [example.text for example in told.examples] == [
        "asyncpg, 1 question: A timedelta has no months; "
        "datetime.timedelta(days=30) instead of interval: 'P1M'"
    ]


def test_a_name_that_changes_with_every_run_is_shown_as_its_kind():
    (check,) = checks_of(asyncpg="lossy")
    facts = {"repr": "['@{channel}_a']", "expected_repr": "['@{channel}_b']"}
    said = dataclasses.replace(
        check.judgement, code=Code.WRONG_VALUE, facts=facts,
        observed="list[str]: ['@{channel}_a']", expected="list[str]: ['@{channel}_b']",
    )  # fmt: skip
    (cause,) = view.build([checked(replace(check, judgement=said))]).causes
    told = (cause.reason, cause.example.observed, cause.example.expected)
    assert told == (
        "answers ['<channel>_a'] instead of ['<channel>_b']",
        "list[str]: ['<channel>_a']",
        "list[str]: ['<channel>_b']",
    )


def test_what_steps_answered_is_told_with_what_they_are_for():
    (check,) = checks_of(asyncpg="lossy")
    facts = {"step": 7, "label": "join of_a", "repr": "[[44]]", "expected_repr": "[[42]]"}
    said = dataclasses.replace(check.judgement, code=Code.WRONG_VALUE, facts=facts)
    (cause,) = view.build([checked(replace(check, judgement=said))]).causes
    assert cause.reason == "answers [[44]] instead of [[42]], in “types/x#read”"


@pytest.mark.parametrize(
    ("tags", "shown"),
    [("py3-none-any", "pure Python"),
     ("cp311-cp311-manylinux_2_17_x86_64, cp311-cp311-manylinux2014_x86_64",
      "cp311 manylinux x86_64"),
     ("cp313-cp313t-musllinux_1_2_aarch64", "cp313t musllinux aarch64"),
     ("cp39-abi3-win_amd64", "abi3 win_amd64"),
     ("", "")],
)  # fmt: skip
def test_the_tags_of_a_wheel_are_told_in_a_few_words(tags, shown):
    assert wheel(tags) == shown


def test_a_card_counts_the_better_of_two_profiles():
    (bad,) = checks_of(psqlpy="lossy")
    good = fake_runs.changed(bad, profile="configured", verdict="exact")
    assert better_of([bad, good]) == {"types/x#read": Verdict.EXACT}
    report = view.build([fake_runs.bench(rows=fake_runs.CELLS[:1]), checked(bad, good)])
    (card,) = [card for card in report.cards if card.name == "psqlpy"]
    assert (card.right.right, card.right.asked) == (1, 1)
    assert card.counts[Verdict.LOSSY] == 0
    (row,) = [row for row in report.heat if row.family == "types"]
    assert row.shares[report.drivers.index("psqlpy")].value == 1
    assert row.shares[report.drivers.index("asyncpg")] is None


@pytest.mark.parametrize(
    ("known", "new"),
    [({}, True), ({"deviation": "known"}, False), ({"expected_verdict": "lossy"}, False),
     ({"expected_verdict": "lossy", "drift": "it changed"}, True)],
)  # fmt: skip
def test_what_nobody_declared_or_expected_is_new(known, new):
    (check,) = checks_of(asyncpg="lossy")
    (cause,) = view.build([checked(replace(check, **known))]).causes
    assert cause.new is new
    assert cause.example.observed == "int: 1"
    assert cause.example.command == "pgdyno show 'types/x#read' --driver asyncpg --run"


def test_causes_stand_in_the_order_in_which_one_looks():
    known = [replace(check, deviation=f"declared: {check.verdict}")
             for check in checks_of(asyncpg="lossy", psqlpy="broken")]  # fmt: skip
    fresh = checks_of(psycopg="differs")
    found = view.build([checked(*known, *fresh)]).causes
    assert [(cause.new, str(cause.verdict)) for cause in found] == [
        (True, "differs"), (False, "broken"), (False, "lossy"),
    ]  # fmt: skip


def asked(driver: str, *verdicts: str) -> list[Check]:
    """Checks of the cells types/0#read, types/1#read, …"""
    (pattern,) = checks_of(**{driver: "exact"})
    return [
        fake_runs.changed(pattern, cell=f"types/{at}#read", verdict=verdict)
        for at, verdict in enumerate(verdicts)
    ]


@pytest.mark.parametrize("unasked", ["skipped", "invalid"])
def test_what_a_profile_was_not_asked_the_other_says(unasked):
    (bad,) = checks_of(psqlpy="lossy")
    other = fake_runs.changed(bad, profile="configured", verdict=unasked)
    for checks in ([bad, other], [other, bad]):
        assert better_of(checks) == {"types/x#read": Verdict.LOSSY}


@pytest.mark.parametrize("unasked", ["skipped", "invalid"])
def test_a_driver_that_was_asked_nothing_is_neither_right_nor_wrong(unasked):
    report = view.build([checked(*asked("psqlpy", unasked), *asked("asyncpg", "lossy"))])
    assert {card.name: card.right is None for card in report.cards}["psqlpy"]
    assert "asyncpg" in html.render(report)
    assert "asyncpg" in markdown.render(report)
    assert answer(report, SILENT).winners == ("asyncpg",)


def test_silent_changes_are_compared_in_what_all_were_asked():
    few = asked("psqlpy", "exact", "skipped", "skipped")
    many = asked("asyncpg", "exact", "lossy", "lossy")
    told = answer(view.build([checked(*few, *many)]), SILENT)
    assert set(told.winners) == {"psqlpy", "asyncpg"}
    assert told.verb == "silently change a value in none of 1 question"


def test_all_who_are_worst_are_named():
    checks = checks_of(psycopg="exact", asyncpg="lossy", psqlpy="lossy")
    told = answer(view.build([checked(*checks)]), SILENT)
    assert told.others == "asyncpg and psqlpy most often, in 1"


def test_a_question_of_two_runs_is_one_question():
    run = tagged(fake_runs.bench(rows=fake_runs.CELLS[:2]), "small-queries")
    report = view.build([run, run])
    once = answer(view.build([run]), "Many small queries")
    assert answer(report, "Many small queries").wins == once.wins
    assert [row.timed for row in report.heat] == [
        row.timed for row in view.build([run]).heat
    ]
    assert {tile.words for tile in report.tiles} == {"of 2 timed questions ranked"}


def test_tiles_count_what_the_table_shows_and_speak_of_one_as_one():
    (bad,) = checks_of(psqlpy="lossy")
    good = fake_runs.changed(bad, profile="configured", verdict="exact")
    (crashed,) = checks_of(asyncpg="crashed")
    tiles = view.build([checked(bad, good, crashed)]).tiles
    assert [(tile.count, tile.words) for tile in tiles] == [
        (1, "question checked"), (1, "crashes a driver’s process"),
    ]  # fmt: skip


def test_who_is_timed_alone_is_not_called_fast():
    arms = [fake_runs.arm_facts("psycopg")]
    run = tagged(fake_runs.bench(rows=fake_runs.CELLS[:1], arms=arms), "json")
    told = answer(view.build([run]), "JSON")
    assert told.winners == ("psycopg",)
    assert told.verb == "is ranked alone, so nothing compares with it"
    assert told.wins == ""


def test_a_familys_means_are_over_the_same_questions():
    """asyncpg leads by far in one question, in which psqlpy is not ranked."""
    rows = [
        ("f/x", "c", {"rows": n}, "T", "", "fetch_all", "rows", 1, 0, 30) for n in (1, 2, 3)
    ]

    def factor(cell: str, arm: str) -> float:
        return 0.1 if cell.endswith("=1") and arm == "asyncpg" else 1.0

    def unranked(trial):
        lost = trial.arm == "psqlpy" and trial.cell.endswith("=1")
        return fake_runs.changed(trial, verdict="differs") if lost else trial

    run = fake_runs.bench(rows=rows, rounds=8, factor=factor, override=unranked)
    report = view.build([run])
    (row,) = report.heat
    means = dict(zip(report.drivers, row.ratios, strict=True))
    common = [cell for cell in report.runs[0].cells if not cell.facts.id.endswith("=1")]
    for arm in ("asyncpg", "psqlpy"):
        found = [r.ratio.point for cell in common for r in cell.rows if r.arm == arm]
        assert means[arm] == pytest.approx(statistics.geometric_mean(found))
