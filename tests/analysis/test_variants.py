"""Where versions, Pythons and servers differ, and what is chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import fake_runs
import pytest
from fake_runs import MACHINE, SERVER, arm_facts
from msgspec.structs import replace

from harness.analysis.variant_times import VariantTimes
from harness.analysis.variants import DriverColumns, Variants, in_order, shortened
from harness.core.verdicts import Code, Verdict
from harness.results.records import ArmFacts, Check, Run, ServerFacts

OLD = replace(SERVER, version="16.14", version_num=160014)
VERSIONS = ("0.9.2", "0.29.0", "0.30.0")
PYTHONS = ("3.9", "3.12")

Says = Callable[[str, str, str, str], str]
"""(cell, version, Python, major version of the server) → verdict."""


def arms(versions: Sequence[str] = VERSIONS, pythons: Sequence[str] = PYTHONS):
    for version in versions:
        for python in pythons:
            facts = arm_facts(f"asyncpg=={version}%{python}", version=version)
            yield replace(facts, python=f"CPython {python}.7")


def run_of(
    says: Says,
    *,
    server: ServerFacts = SERVER,
    cells: Sequence[str] = ("types/a#read",),
    asked: Sequence[ArmFacts] = (),
    profile: str = "default",
) -> Run:
    """A run of checks in which each arm says what it is told to."""
    asked = asked or tuple(arms())
    major = server.version.partition(".")[0]
    checks = []
    for cell in cells:
        for arm in asked:
            python = arm.python.removeprefix("CPython ").removesuffix(".7")
            version = arm.terms.get("version", "0.9.2")
            verdict = Verdict(says(cell, version, python, major))
            code = Code.RIGHT if verdict is Verdict.EXACT else Code.ERROR
            judgement = replaced(fake_runs.judged(), verdict, code)
            checks.append(
                Check(
                    scenario="types/a",
                    case="read",
                    cell=cell,
                    driver=arm.id,
                    profile=profile,
                    judgement=judgement,
                )
            )
    run = fake_runs.check(drivers=())
    header = replace(run.header, server=server, arms=list(asked))
    return replace(run, header=header, checks=checks)


def replaced(judgement, verdict: Verdict, code: Code):
    return type(judgement)(verdict, code, judgement.detail)


def told(*runs: Run) -> DriverColumns:
    variants = Variants()
    for run in runs:
        variants.add(run)
    (found,) = variants.result()
    return found


def by_version(cell: str, version: str, python: str, server: str) -> str:
    return "rejected" if version == "0.9.2" else "exact"


def pattern(found: DriverColumns) -> dict[tuple[str, ...], str]:
    (difference,) = found.differences
    return {values: str(answer.verdict) for values, answer in difference.pattern.answers}


def test_a_version_explains_it_whatever_the_python_and_the_server() -> None:
    found = told(run_of(by_version), run_of(by_version, server=OLD))
    assert found.driver == "asyncpg"
    assert found.axes == ("version", "python", "server")
    assert len(found.columns) == 12
    (difference,) = found.differences
    assert difference.pattern.axes == ("version",)
    assert pattern(found) == {
        ("0.9.2",): "rejected",
        ("0.29.0",): "exact",
        ("0.30.0",): "exact",
    }
    assert list(pattern(found)) == [("0.9.2",), ("0.29.0",), ("0.30.0",)]
    assert difference.least == 4
    assert found.same == 0


@pytest.mark.parametrize(
    ("axis", "says"),
    [
        ("python", lambda cell, version, python, server: python == "3.9"),
        ("server", lambda cell, version, python, server: server == "16"),
    ],
)
def test_a_python_or_a_server_explains_it(axis: str, says) -> None:
    def verdict(*place: str) -> str:
        return "lossy" if says(*place) else "exact"

    found = told(run_of(verdict), run_of(verdict, server=OLD))
    (difference,) = found.differences
    assert difference.pattern.axes == (axis,)
    assert difference.least == 6


def test_two_axes_explain_it_where_one_does_not() -> None:
    def both(cell: str, version: str, python: str, server: str) -> str:
        return "hung" if version == "0.30.0" and python == "3.12" else "exact"

    found = told(run_of(both), run_of(both, server=OLD))
    (difference,) = found.differences
    assert difference.pattern.axes == ("version", "python")
    assert pattern(found)["0.30.0", "3.12"] == "hung"
    assert difference.least == 2


def test_axes_that_changed_together_are_both_named() -> None:
    old, new = arms(["0.29.0"], ["3.9"]), arms(["0.30.0"], ["3.12"])

    def verdict(cell: str, version: str, python: str, server: str) -> str:
        return "rejected" if version == "0.29.0" else "exact"

    found = told(run_of(verdict, asked=[*old, *new]))
    (difference,) = found.differences
    assert difference.pattern.axes == ("version",)
    assert difference.pattern.otherwise == ("python",)
    assert difference.least == 1


def test_cells_that_differ_alike_are_a_group_and_the_others_are_counted() -> None:
    def verdict(cell: str, version: str, python: str, server: str) -> str:
        if cell.startswith("types/b"):
            return by_version(cell, version, python, server)
        return "exact"

    cells = [f"types/{name}#{number}" for name in "ab" for number in range(3)]
    found = told(run_of(verdict, cells=cells), run_of(verdict, cells=cells, server=OLD))
    (difference,) = found.differences
    assert difference.cells == ("types/b#0", "types/b#1", "types/b#2")
    assert (found.same, found.alone) == (3, 0)


def test_a_flaky_cell_is_not_sold_as_a_difference() -> None:
    """One column fails in one of three runs: that is chance, not a version."""
    once = iter([True])

    def flaky(cell: str, version: str, python: str, server: str) -> str:
        if version == "0.29.0" and python == "3.9" and next(once, False):
            return "hung"
        return "exact"

    found = told(run_of(flaky), run_of(flaky), run_of(flaky))
    assert not found.differences
    (shaky,) = found.unstable
    assert shaky.column.version == "0.29.0"
    assert [(str(answer.verdict), count) for answer, count in shaky.answers] == [
        ("exact", 2),
        ("hung", 1),
    ]
    assert found.same == 0


def test_what_was_seen_once_is_marked() -> None:
    def odd(cell: str, version: str, python: str, server: str) -> str:
        return "hung" if (version, python) == ("0.29.0", "3.9") else "exact"

    (difference,) = told(run_of(odd)).differences
    assert difference.least == 1
    (difference,) = told(run_of(odd), run_of(odd)).differences
    assert difference.least == 2


def test_what_hung_in_several_columns_of_a_run_was_seen_once() -> None:
    def stuck(cell: str, version: str, python: str, server: str) -> str:
        return "hung" if version == "0.9.2" else "exact"

    (difference,) = told(run_of(stuck)).differences
    assert difference.least == 1
    (difference,) = told(run_of(stuck), run_of(stuck)).differences
    assert difference.least == 2


def test_what_may_be_chance_stands_apart_from_what_is_not() -> None:
    both = run_of(
        by_version, cells=("types/a#1", "types/a#2"), asked=[*arms(pythons=["3.9"])]
    )
    again = run_of(by_version, cells=("types/a#1",), asked=[*arms(pythons=["3.9"])])
    first, second = sorted(told(both, again).differences, key=lambda found: found.least)
    assert (first.cells, first.least) == (("types/a#2",), 1)
    assert (second.cells, second.least) == (("types/a#1",), 2)
    assert first.pattern == second.pattern


@pytest.mark.parametrize("silent", ["invalid", "skipped"])
def test_what_nobody_answered_says_nothing_of_a_version(silent: str) -> None:
    def verdict(cell: str, version: str, python: str, server: str) -> str:
        return silent if version == "0.9.2" else "exact"

    found = told(run_of(verdict))
    assert not found.differences
    assert found.left_out == 2
    assert found.same == 1


def test_an_arm_that_took_no_part_is_told_and_is_no_column() -> None:
    def verdict(cell: str, version: str, python: str, server: str) -> str:
        return "skipped" if (version, python) == ("0.9.2", "3.12") else "exact"

    asked = [
        replace(arm, terms={}, problem="it does not build")
        if "0.9.2%3.12" in arm.id
        else arm
        for arm in arms()
    ]
    found = told(run_of(verdict, asked=asked))
    assert found.absent == (("asyncpg==0.9.2%3.12", "it does not build"),)
    again = told(run_of(verdict, asked=asked), run_of(verdict, server=OLD, asked=asked))
    assert again.absent == found.absent
    assert len(found.columns) == 5
    assert (found.differences, found.left_out, found.same) == ((), 0, 1)


def test_conditions_are_columns_of_the_same_cell() -> None:
    def verdict(cell: str, *_: str) -> str:
        return "rejected" if "pgbouncer" in cell else "exact"

    cells = ("types/a#read", "types/a#read[via=pgbouncer]")
    found = told(run_of(verdict, cells=cells, asked=[*arms(["0.29.0"], ["3.9"])]))
    assert found.axes == ("via",)
    assert pattern(found) == {("PgBouncer",): "rejected", ("direct",): "exact"}


def test_profiles_are_questions_of_their_own() -> None:
    """A codec may be what changed: then only the configured profile differs."""
    found = told(run_of(by_version, profile="configured"), run_of(lambda *_: "exact"))
    (difference,) = found.differences
    assert [question.profile for question in difference.questions] == ["configured"]
    assert found.same == 0


def test_an_arm_that_took_no_part_is_told() -> None:
    away = arm_facts("asyncpg==0.1", problem="it does not build on Python 3.12")
    run = run_of(by_version)
    run = replace(run, header=replace(run.header, arms=[*run.header.arms, away]))
    assert told(run).absent == (("asyncpg==0.1", "it does not build on Python 3.12"),)


def test_drivers_without_variants_are_left_out() -> None:
    variants = Variants()
    variants.add(fake_runs.check())
    variants.add(fake_runs.check())
    assert variants.result() == ()


def test_versions_are_as_short_as_tells_them_apart_and_in_order() -> None:
    assert shortened(["3.11.7", "3.12.1"], 2) == {"3.11.7": "3.11", "3.12.1": "3.12"}
    assert shortened(["18.3", "18.4"], 1) == {"18.3": "18.3", "18.4": "18.4"}
    assert in_order(["0.30.0", "0.9.2", "0.29.0"]) == ["0.9.2", "0.29.0", "0.30.0"]


# --- times --------------------------------------------------------------------------------

ROWS = fake_runs.CELLS[:2]


def timed(factor: float, **named) -> Run:
    versions = [*arms(["0.29.0", "0.30.0"])]
    slower = {arm.id: factor for arm in versions if arm.terms["version"] == "0.30.0"}
    return fake_runs.bench(
        rows=ROWS, arms=versions, factor=slower, rounds=12, slices=4, **named
    )


def test_a_slower_version_is_told_with_where_it_is_slower() -> None:
    times = VariantTimes()
    times.add(timed(1.2, run="a"))
    times.add(timed(1.2, run="b", server=OLD, machine=replace(MACHINE, hostname_hash="x")))
    changes = times.result()
    assert {change.cell for change in changes} == {
        "point/by-key#one-row",
        "point/by-key#one-value",
    }
    assert {change.step.axis for change in changes} == {"version"}
    for change in changes:
        assert (change.step.before, change.step.after) == ("0.29.0", "0.30.0")
        assert (len(change.found), change.judged) == (4, 4)  # two Pythons, two servers
        assert change.agree
        assert all(1.15 < shift.exp().point < 1.25 for _, shift in change.found)


def test_equal_versions_are_judged_and_none_is_told() -> None:
    times = VariantTimes()
    times.add(timed(1.0))
    assert times.result() == ()
    assert {(step.axis, count) for step, count in times.steps} == {
        ("version", 2),
        ("python", 2),
    }
