"""What several runs say together, as it is read: sentences, text, Markdown and the page."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import fake_runs
import pytest
from fake_runs import MACHINE, SERVER, arm_facts
from msgspec.structs import replace

from harness.core.verdicts import EXACT, Code, Judgement, Verdict
from harness.render import html, markdown, text
from harness.render.across_text import WIDTH, columns_text, machines_text
from harness.render.forest import forest
from harness.report import format as fmt
from harness.report import view
from harness.report.across import across
from harness.report.machines import MachinesView
from harness.report.variants import VariantsView
from harness.results.records import Run

ARMS = [*map(arm_facts, ("psycopg", "asyncpg", "psqlpy"))]
HOSTILE = "<b>EPYC</b>|*_"
FACTORS = (0.5, 0.6, 0.7, 1.4, 1.5)


def machine_run(number: int, factor: float, **named) -> Run:
    machine = replace(MACHINE, hostname_hash=f"h{number}", **named)
    return fake_runs.bench(
        run=f"run-{number}",
        seed=number,
        rows=fake_runs.CELLS[:2],
        arms=ARMS,
        rounds=8,
        slices=4,
        machine=machine,
        factor={"asyncpg": factor, "psqlpy": 3.0},
    )


@pytest.fixture(scope="module")
def many() -> list[Run]:
    runs = [machine_run(number, factor) for number, factor in enumerate(FACTORS)]
    return [*runs, machine_run(9, 1.0, cpu=HOSTILE, memory_bytes=2**34)]


def machines_of(runs: Sequence[Run]) -> MachinesView:
    found = across(runs).machines()
    assert found is not None
    return found


def test_the_conclusion_says_what_may_be_expected(many: list[Run]) -> None:
    found = machines_of(many)
    assert found.conclusion == (
        "6 machines, 4 ratios to psycopg. Another machine like these is expected to show "
        "the same direction in 2 of 4: the whole prediction interval is on one side of 1. "
        "2 of them change direction from machine to machine."
    )
    asyncpg, psqlpy = found.cells[0].rows
    assert asyncpg.arm == "asyncpg"
    assert asyncpg.turns
    assert not asyncpg.settled
    assert psqlpy.settled
    assert psqlpy.direction == "slower on all 6"
    assert psqlpy.mean is not None
    assert psqlpy.spread is not None
    assert psqlpy.spread == pytest.approx(1.0, abs=0.05)
    assert asyncpg.spread is not None
    assert asyncpg.spread > 1.4


def test_few_machines_are_told_one_by_one_and_nothing_is_promised(many: list[Run]) -> None:
    found = machines_of(many[:3])
    assert not found.enough
    assert "expect on another one takes at least 5" in found.conclusion
    assert all(row.mean is None for cell in found.cells for row in cell.rows)
    shown = machines_text(found)
    assert "next machine" not in shown
    assert re.search(r"× psycopg +m1 +m2 +m3\n", shown)
    assert re.search(r"asyncpg( +[\d.]{4} [\d.]{4}–[\d.]{4}){3}\n", shown)


def test_a_terminal_shows_a_dozen_questions_and_counts_the_others(many: list[Run]) -> None:
    found = machines_of(many)
    long = dataclasses.replace(found, cells=found.cells * 20)
    shown = machines_text(long)
    assert shown.count(found.cells[0].facts.id) <= 12
    assert f"and {len(long.cells) - 12} more questions: all are in the report" in shown


def test_what_differs_between_machines_is_a_table_of_its_own(many: list[Run]) -> None:
    found = machines_of(many)
    assert found.differs == ("CPU", "memory")
    assert {machine.values for machine in found.machines} == {
        (MACHINE.cpu, "7.8 GiB"),
        (HOSTILE, "16.0 GiB"),
    }
    assert "cores 2" in found.common
    assert "PostgreSQL 18.4" in found.common


def test_other_versions_of_a_driver_are_a_difference() -> None:
    first, second = machine_run(0, 1.0), machine_run(1, 1.0)
    arms = [arm_facts("psycopg", version="3.2.0"), *ARMS[1:]]
    second = replace(second, header=replace(second.header, arms=arms))
    assert machines_of([first, second]).differs == ("psycopg, version",)


def test_a_single_machine_and_a_single_version_have_no_section(many: list[Run]) -> None:
    report = view.build([many[0], fake_runs.check()])
    assert report.machines is None
    assert report.variants is None
    page = html.render(report)
    assert 'id="machines"' not in page
    assert 'id="variants"' not in page


def test_every_form_shows_the_machines(many: list[Run]) -> None:
    report = view.build(many)
    page, document, plain = (
        html.render(report),
        markdown.render(report),
        text.render(report),
    )
    assert page.count('<svg viewBox="0 0 100 28"') == 4
    assert '<a href="#machines">Machines</a>' in page
    assert HOSTILE not in page
    assert HOSTILE not in document
    for shown in (page, document, plain):
        assert "next machine" in shown
        assert "4 ratios to psycopg" in " ".join(shown.split())
    assert "## Machines" in document


def test_text_keeps_to_its_width_and_ends_with_the_conclusion(many: list[Run]) -> None:
    for runs in (many, many[:2], many[:3]):
        found = machines_of(runs)
        shown = machines_text(found)
        assert max(map(len, shown.splitlines())) <= WIDTH
        assert " ".join(shown.split()).endswith(found.conclusion)


def test_marks_stand_where_the_numbers_say(many: list[Run]) -> None:
    cell = machines_of(many).cells[0]
    drawn = forest(cell)
    strip = drawn.strips[0]
    assert len(strip.machines) == 6
    assert strip.prediction is not None
    assert strip.mean is not None
    assert strip.prediction.low < strip.mean.low < strip.mean.at < strip.mean.high
    assert strip.prediction.low < drawn.equal < strip.prediction.high
    faster = [mark.at < drawn.equal for mark in strip.machines]
    assert faster == [dot.ratio.point < 1 for dot in cell.rows[0].dots]


# --- versions -----------------------------------------------------------------------------

REJECTED = Judgement(Verdict.REJECTED, Code.ERROR, "<i>no</i>")


def checked(
    version: str, wrong: Sequence[str] = (), server: str = "18.4", run: str = ""
) -> Run:
    """A run of one arm that rejects some cells."""
    arm = arm_facts(f"asyncpg=={version}", version=version)
    told = fake_runs.check(drivers=["asyncpg"], types=["int4", "text", "uuid"])
    checks = [
        replace(
            check,
            driver=arm.id,
            judgement=REJECTED if check.cell in wrong else EXACT,
        )
        for check in told.checks
    ]
    header = replace(
        told.header,
        run=run or f"{version}-{server}",
        arms=[arm],
        server=replace(SERVER, version=server),
    )
    return replace(told, header=header, checks=checks)


UUIDS = [f"values/uuid#{trip}" for trip in ("read", "parameter")]


def variants_of(runs: Sequence[Run]) -> VariantsView:
    found = across(runs).variants()
    assert found is not None
    return found


@pytest.fixture
def versions() -> list[Run]:
    return [
        checked(version, UUIDS if version < "0.30.0" else (), server)
        for version in ("0.28.0", "0.29.0", "0.30.0", "0.32.0")
        for server in ("16.14", "18.4")
    ]


def test_a_cause_names_its_columns(versions: list[Run]) -> None:
    found = variants_of(versions)
    (driver,) = found.drivers
    (matrix,) = driver.matrices
    (row,) = matrix.rows
    assert row.sentence == "0.29.0 and earlier: rejected (error); 0.30.0 and later: exact"
    assert row.cells == ("values/uuid#parameter", "values/uuid#read")
    assert row.doubt == ""
    assert [column.label for column in matrix.columns] == [
        "0.28.0",
        "0.29.0",
        "0.30.0",
        "0.32.0",
    ]
    assert found.conclusion == (
        "asyncpg: 2 questions differ by version, 10 the same in all columns."
    )


def test_servers_are_named_by_what_they_are() -> None:
    runs = [checked("0.30.0", UUIDS, "16.14"), checked("0.30.0", (), "18.4")]
    (row,) = variants_of(runs).drivers[0].matrices[0].rows
    assert row.sentence == "PostgreSQL 16: rejected (error); PostgreSQL 18: exact"
    assert row.doubt == "seen once: check again to tell it from chance"


def test_what_no_single_axis_explains_names_the_odd_ones_and_is_doubted() -> None:
    odd = {("0.28.0", "16.14"), ("0.30.0", "18.4")}
    runs = [
        checked(version, UUIDS if (version, server) in odd else (), server)
        for version in ("0.28.0", "0.29.0", "0.30.0")
        for server in ("16.14", "18.4")
    ]
    (row,) = variants_of(runs).drivers[0].matrices[0].rows
    assert row.sentence == (
        "0.28.0 on PostgreSQL 16, 0.30.0 on PostgreSQL 18: rejected (error); "
        "all others: exact"
    )
    assert row.doubt == (
        "no version or PostgreSQL alone explains it: check again to tell it from chance"
    )


def test_what_is_not_stable_is_apart(versions: list[Run]) -> None:
    again = checked("0.32.0", UUIDS[:1], "18.4", run="again")
    found = variants_of([*versions, again])
    (driver,) = found.drivers
    assert {row.cell for row in driver.unstable} == {UUIDS[0]}
    assert driver.matrices[0].cells == 1
    assert driver.unstable[0].text == (
        "1× exact, 1× rejected (error) (0.32.0, PostgreSQL 18; configured profile)"
    )
    assert found.conclusion == (
        "asyncpg: 1 question differs by version, 1 not stable, 10 the same in all columns."
    )


def test_every_form_shows_the_versions(versions: list[Run]) -> None:
    report = view.build(versions)
    page, document, plain = (
        html.render(report),
        markdown.render(report),
        text.render(report),
    )
    assert '<a href="#variants">Versions</a>' in page
    assert "| By version | 0.28.0 | 0.29.0 | 0.30.0 | 0.32.0 |" in document
    sentence = "2 questions differ by version, 10 the same in all columns."
    for shown in (page, document, plain):
        assert sentence in " ".join(shown.split())
    assert "<i>no" not in page


def test_columns_text_keeps_to_its_width(versions: list[Run]) -> None:
    found = variants_of(versions)
    shown = columns_text(found)
    assert max(map(len, shown.splitlines())) <= WIDTH
    assert " ".join(shown.split()).endswith(found.conclusion)
    assert "  2× 0.29.0 and earlier: rejected (error); 0.30.0 and later: exact" in shown


def test_a_slower_version_is_told() -> None:
    arms = [
        arm_facts(f"asyncpg=={version}", version=version) for version in ("0.9", "0.10")
    ]
    run = fake_runs.bench(
        rows=fake_runs.CELLS[:1], arms=arms, rounds=12, slices=4, factor={arms[1].id: 1.2}
    )
    found = variants_of([run])
    assert not found.drivers
    (step,) = found.steps
    assert step.title == "asyncpg 0.9 → 0.10"
    assert found.conclusion == (
        "asyncpg 0.9 → 0.10: 1 of 1 timed question changes beyond the margin."
    )
    assert re.fullmatch(
        r"1\.(19|2\d)× \(1\.\d\d…1\.\d\d\) on Python 3\.11\.9, PostgreSQL 18\.4",
        step.cells[0].sentence,
    )


def test_machines_are_named_as_their_files_are_and_few_stand_side_by_side() -> None:
    runs = [machine_run(number, factor) for number, factor in enumerate(FACTORS[:3])]
    found = machines_of(runs)
    keys = [machine.key for machine in found.machines]
    assert sorted(keys) == sorted(run.header.machine.key for run in runs)
    page = html.render(view.build(runs))
    for told in (machines_text(found), page):
        assert all(key in told for key in keys)
    first = found.cells[0].rows[0].dots[0].ratio
    section = page.partition('<section id="machines"')[2].partition("</section>")[0]
    assert f'<td class="num">{fmt.times(first.point)}<small>' in section


def test_sections_that_each_run_has_are_linked_once() -> None:
    runs = [machine_run(number, factor) for number, factor in enumerate(FACTORS[:3])]
    page = html.render(view.build(runs))
    bar = page.partition('<nav class="bar"')[2].partition("</nav>")[0]
    titles = re.findall(r">([^<]+)</a>", bar)
    assert len(titles) == len(set(titles))
    assert "Noise" in titles


def test_a_fact_that_differs_is_shown_and_many_columns_are_sentences() -> None:
    observed = dataclasses.replace(EXACT, code=Code.OBSERVED, observed="sessions: 2")
    for versions, table in ((3, True), (5, False)):
        runs = []
        for number in range(versions):
            for server in ("16.14", "18.4"):
                run = checked(f"0.3{number}.0", (), server)
                odd = number == versions - 1 and server == "18.4"
                other = dataclasses.replace(observed, observed="sessions: 0")
                said = other if odd else observed
                checks = [
                    replace(check, judgement=said) if check.cell == UUIDS[0] else check
                    for check in run.checks
                ]
                runs.append(replace(run, checks=checks))
        section = html.render(view.build(runs)).partition('id="variants"')[2]
        section = section.partition("</section>")[0]
        assert "sessions: 0" in section
        assert ("<table" in section) is table
