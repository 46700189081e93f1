"""What pages say: versions, places that differ, what is withheld; values by hand."""

from __future__ import annotations

import fake_runs
import pytest
from msgspec.structs import replace
from site_runs import PYTHONS, asked, check_of, gathered, site

from harness.core.verdicts import Code, Judgement, Verdict
from harness.site.versions import DriverVersion

VERDICTS = {"types/text#a": "exact", "types/text#b": "lossy", "copy/in#a": "exact"}
ASYNCPG = DriverVersion("asyncpg", "0.32.0")


def test_a_version_has_its_share_and_its_badge():
    (page,) = site(asked(VERDICTS)).versions
    assert page.version == ASYNCPG
    assert (page.card.right.right, page.card.right.asked) == (2, 3)
    assert page.badge.said == "66 % right, 1 silent"
    assert page.badge.slug == "asyncpg-0.32.0"


def test_the_better_profile_counts():
    run = asked({"types/text#a": "lossy"})
    better = check_of("types/text#a", "asyncpg", "exact", "configured")
    (page,) = site(replace(run, checks=[*run.checks, better])).versions
    assert page.badge.said == "100 % right, 0 silent"


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"machine": "e4f5"}, "differs between machines"),
        ({"server": "16.14"}, "differs between PostgreSQL versions"),
        ({"python": PYTHONS[1]}, "differs between Python versions"),
        ({}, "differs between runs"),
    ],
)
def test_places_that_disagree_are_shown_and_the_worst_counts(other, told):
    again = asked(VERDICTS | {"copy/in#a": "hung"}, run="aa02", **other)
    found = site(asked(VERDICTS), again)
    (page,) = found.versions
    (dissent,) = page.dissents
    assert dissent.cell == "copy/in#a"
    assert dissent.answer.conflict == told
    assert [said.verdict for said in dissent.answer.said] == ["hung", "exact"]
    assert page.badge.said == "33 % right, 1 silent"
    assert page.fatal == 1


def test_a_server_and_a_machine_that_go_together_are_named_by_the_server():
    """What could be either is said of what is more likely to decide an answer."""
    wrong = VERDICTS | {"copy/in#a": "hung"}
    again = asked(wrong, run="aa02", machine="e4f5", server="16.14")
    (page,) = site(asked(VERDICTS), again).versions
    assert page.dissents[0].answer.conflict == "differs between PostgreSQL versions"


def test_what_a_server_lacks_is_no_dissent():
    again = asked({"copy/in#a": "skipped", "copy/in#b": "exact"}, run="aa02", server="14.9")
    (page,) = site(asked(VERDICTS), again).versions
    assert page.dissents == ()
    assert page.card.right.asked == 4


def test_the_latest_version_stands_first_and_changes_are_told():
    old = asked(
        {"types/text#a": "rejected", "types/text#b": "lossy", "copy/in#z": "exact"},
        run="aa02",
        version="0.9.0",
    )
    beta = asked(VERDICTS, run="aa03", version="0.32.0b1")
    (driver,) = site(old, beta, asked(VERDICTS)).drivers()
    numbers = [page.version.number for page in driver.versions]
    assert numbers == ["0.32.0", "0.32.0b1", "0.9.0"]
    assert [move.changed for move in driver.moves] == [
        (),
        (("types/text#a", Verdict.REJECTED, Verdict.EXACT),),
    ]


def test_causes_of_a_driver_name_its_versions_and_how_to_see_them():
    old = asked(VERDICTS, run="aa02", version="0.31.0")
    new = asked({"types/text#b": "exact"})
    (driver,) = site(old, new).drivers()
    (cause,) = driver.causes
    assert cause.drivers == ("asyncpg==0.31.0",)
    assert cause.example.command.endswith("--driver asyncpg==0.31.0 --run")


def test_a_scenario_has_every_version_side_by_side():
    verdicts = {"types/text#a": "differs", "types/text#c": "exact"}
    other = asked(verdicts, run="aa02", driver="psqlpy", version="1.0")
    found = site(asked(VERDICTS), other)
    copy, text = found.scenarios
    assert (copy.name, copy.worst) == ("copy/in", "exact")
    assert [version.label for version in copy.versions] == ["asyncpg 0.32.0"]
    assert [version.label for version in text.versions] == ["asyncpg 0.32.0", "psqlpy 1.0"]
    first, second, _ = text.cells
    assert [answer.worst.verdict for answer in first.answers] == ["exact", "differs"]
    assert second.answers[1] is None
    assert [alike.versions for alike in second.wrong] == [(ASYNCPG,)]
    assert found.places["types/text#b"].startswith("scenarios/types-text.html#b~")


def test_a_name_that_looks_like_a_version_is_not_taken_for_it():
    forged = replace(asked(VERDICTS, run="aa02"), checks=[])
    arm = replace(forged.header.arms[0], id="x", driver="asyncpg==0.32.0", terms={})
    checks = [check_of(cell, "x", "exact") for cell in VERDICTS]
    forged = replace(forged, header=replace(forged.header, arms=[arm]), checks=checks)
    found = site(asked(VERDICTS), forged)
    assert [page.badge.said for page in found.versions] == [
        "66 % right, 1 silent",
        "100 % right, 0 silent",
    ]
    (types,) = [row for row in found.heat if row.family == "types"]
    assert [share.right for share in types.shares] == [1, 2]


def test_what_a_project_expected_of_itself_is_not_told():
    run = asked({"types/text#b": "lossy", "types/text#a": "exact"})
    marked = run.checks[0].marked(
        expected_verdict="lossy", drift="it was exact", deviation="declared", link=""
    )
    (page,) = site(replace(run, checks=[marked, run.checks[1]])).versions
    assert [(cause.reason, cause.new) for cause in page.causes] == [("declared", False)]
    assert page.checks[0].drift == ""


def test_times_stay_with_their_run():
    found = site(asked(VERDICTS), fake_runs.bench(run="bb01", rounds=8, slices=3))
    (driver,) = [page for page in found.drivers() if page.name == "asyncpg"]
    (timed,) = driver.times
    assert timed.run.name == "bb01"
    arms = [name for name, _ in timed.arms]
    assert arms == list(fake_runs.ARMS)
    (point,) = [row for row in timed.rows if row.family == "point"]
    assert min(ratio for ratio in point.ratios if ratio) >= 1.0
    assert {version.driver for _, version in timed.arms} == set(fake_runs.ARMS)


# --- what is withheld ---------------------------------------------------------------------


def test_a_run_in_which_everything_failed_is_withheld_and_told():
    down = asked(dict.fromkeys(VERDICTS, "rejected"), run="dead")
    found = gathered(asked(VERDICTS), down)
    assert [run.name for run in found.runs] == ["aa01"]
    (left,) = found.withheld
    assert left.sentence.startswith("run dead: nothing is exact; 1 of 3 times because: ")
    assert len(found.said) == 1


def test_a_bench_run_in_which_everything_failed_is_withheld():
    failed = fake_runs.bench(
        run="dead",
        rounds=1,
        override=lambda trial: fake_runs.changed(
            trial, verdict="rejected", detail="no server", slices=None
        ),
    )
    (left,) = gathered(failed).withheld
    assert "because: no server" in left.why


def test_a_driver_that_was_not_there_is_withheld_and_the_others_stay():
    run = asked(VERDICTS)
    missing = Judgement(Verdict.SKIPPED, Code.NO_DRIVER, "no module named psqlpy")
    lost = replace(check_of("types/text#a", "psqlpy", "exact"), judgement=missing)
    found = gathered(replace(run, checks=[*run.checks, lost]))
    assert [left.sentence for left in found.withheld] == [
        "psqlpy in run aa01: no module named psqlpy"
    ]
    assert [version.driver for version in found.said] == ["asyncpg"]


def test_a_site_of_nothing_says_so():
    found = site(asked(dict.fromkeys(VERDICTS, "hung")))
    assert (found.versions, found.scenarios, list(found.drivers())) == ([], [], [])
    assert len(found.withheld) == 1
