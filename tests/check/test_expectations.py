"""Expectations: what drifts and what does not, how they are written, and the verb."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from fake_runs import changed
from fake_runs import check as checked_run
from msgspec.structs import replace
from pages import everything

from harness.check import baseline_files, expectations, known
from harness.check.deviations import Deviation
from harness.check.expectations import Baseline, Expectation
from harness.check.known import Known
from harness.cli import main
from harness.core.errors import DriverError, ResultsError, UsageError
from harness.core.verdicts import Verdict
from harness.render import html, junit, markdown, text
from harness.render import json as json_form
from harness.report import matrix, view

EXACT, LOSSY, HUNG = Verdict.EXACT, Verdict.LOSSY, Verdict.HUNG
ONE, TWO = ("a/b#one", "default"), ("a/b#two", "default")


def expecting(*verdicts: Verdict, version: str = "lib 1") -> Expectation:
    return Expectation(verdicts, version)


def made(**cells: Expectation) -> Baseline:
    return Baseline(
        "lib", 18, {(f"a/b#{name}", "default"): one for name, one in cells.items()}
    )


# --- drift --------------------------------------------------------------------------


def test_the_expected_verdict_is_no_drift():
    assert not expectations.drift(expecting(LOSSY), LOSSY, "lib 1")


def test_better_is_drift_too():
    told = expectations.drift(expecting(LOSSY), EXACT, "lib 1")
    assert told == "exact instead of lossy, with the same version: lib 1"


def test_another_version_is_no_excuse_but_is_said():
    told = expectations.drift(expecting(EXACT), LOSSY, "lib 2")
    assert "the version differs: lib 2 instead of lib 1" in told
    assert not expectations.drift(expecting(EXACT), EXACT, "lib 2")


def test_what_flickers_may_do_so():
    both = expecting(EXACT, HUNG)
    assert not expectations.drift(both, EXACT, "")
    assert not expectations.drift(both, HUNG, "")
    assert expectations.drift(both, LOSSY, "") == "lossy instead of exact or hung"


def test_what_the_server_lacks_says_nothing_about_the_driver():
    assert not expectations.drift(expecting(EXACT), Verdict.SKIPPED, "", lacking=True)
    # Skipped for another reason: the driver could not be loaded.
    assert expectations.drift(expecting(EXACT), Verdict.SKIPPED, "", lacking=False)
    assert expectations.drift(expecting(EXACT), LOSSY, "", lacking=True)


def test_a_fact_that_changed_is_drift_although_it_is_neither_right_nor_wrong():
    expected = Expectation((EXACT,), "lib 1", ("idle in transaction",))
    assert not expectations.drift(expected, EXACT, "lib 1", trait="idle in transaction")
    told = expectations.drift(expected, EXACT, "lib 2", trait="idle")
    assert told.startswith("idle, instead of idle in transaction; the version differs")


def test_a_trait_is_kept_in_its_file(tmp_path):
    after = expectations.updated(made(), {ONE: EXACT}, "lib 1", traits={ONE: "idle"})
    assert after.cells[ONE].traits == ("idle",)
    baseline_files.save(tmp_path, after)
    read = baseline_files.load(tmp_path, after.server, after.driver)
    assert read is not None
    assert read.cells[ONE] == Expectation((EXACT,), "lib 1", ("idle",))
    other = expectations.updated(after, {ONE: EXACT}, "lib 1", traits={ONE: "active"})
    assert expectations.changes(after, other).changed == 1


def test_a_trait_may_flicker_if_its_file_says_so(tmp_path):
    flickers = Expectation((EXACT,), "lib 1", ("idle", "active"))
    assert not expectations.drift(flickers, EXACT, "lib 1", trait="active")
    before = Baseline("lib", 18, {ONE: flickers})
    baseline_files.save(tmp_path, before)
    assert baseline_files.load(tmp_path, 18, "lib") == before
    kept = expectations.updated(before, {ONE: EXACT}, "lib 1", traits={ONE: "idle"})
    assert kept == before


def test_our_own_fault_is_no_drift():
    assert not expectations.drift(expecting(EXACT), Verdict.INVALID, "lib 1")


# --- update -------------------------------------------------------------------------


def test_an_update_keeps_what_was_not_checked():
    before = made(one=expecting(EXACT), two=expecting(LOSSY))
    after = expectations.updated(before, {ONE: LOSSY}, "lib 2")
    assert after.cells == {ONE: expecting(LOSSY, version="lib 2"), TWO: expecting(LOSSY)}
    assert str(expectations.changes(before, after)) == "0 new, 1 changed, 0 removed"


def test_an_update_forgets_cells_that_are_gone():
    before = made(one=expecting(EXACT), two=expecting(LOSSY))
    after = expectations.updated(before, {ONE: EXACT}, "lib 1", {TWO[0]})
    assert set(after.cells) == {ONE}
    assert expectations.changes(before, after).removed == 1


def test_an_update_keeps_several_allowed_verdicts():
    before = made(one=expecting(EXACT, HUNG))
    kept = expectations.updated(before, {ONE: HUNG}, "lib 1")
    assert kept.cells[ONE].verdicts == (EXACT, HUNG)
    gone = expectations.updated(before, {ONE: LOSSY}, "lib 1")
    assert gone.cells[ONE].verdicts == (LOSSY,)


@pytest.mark.parametrize("verdict", [Verdict.SKIPPED, Verdict.INVALID])
def test_nobody_expects_a_skip_or_a_fault(verdict):
    assert not expectations.updated(made(), {ONE: verdict}, "lib 1").cells
    before = made(one=expecting(EXACT))
    assert expectations.updated(before, {ONE: verdict}, "lib 1") == before


def test_versions_are_those_that_decide():
    asyncpg = {"library": "asyncpg", "version": "0.31", "libpq": "none (its own)"}
    assert expectations.version_of(asyncpg) == "asyncpg 0.31"
    psycopg = {"library": "psycopg", "version": "3.3", "libpq": "18.0"}
    assert expectations.version_of(psycopg) == "psycopg 3.3, libpq 18.0"
    assert expectations.version_of({}) == ""


# --- files --------------------------------------------------------------------------


def test_a_file_gives_back_what_was_written(tmp_path):
    cells = {
        ("a/b#two", "default"): expecting(EXACT, HUNG),
        ("a/b#one@x=é", "configured"): expecting(LOSSY),
        ("a/b#one@x=é", "default"): expecting(EXACT, version="lib 0"),
    }
    written = Baseline("lib+x", 18, cells)
    path = baseline_files.save(tmp_path, written)
    assert path == tmp_path / "pg18" / "lib+x.json"
    assert baseline_files.load(tmp_path, 18, "lib+x") == written
    assert [one.name for one in path.parent.iterdir()] == ["lib+x.json"]


def test_a_file_has_one_line_per_cell_in_order():
    two = made(
        two=expecting(EXACT), one=expecting(LOSSY, version="lib 0"), z=expecting(EXACT)
    )
    lines = baseline_files.dump(two).splitlines()
    assert ' "version": "lib 1",' in lines
    cells = [line for line in lines if "a/b" in line]
    assert cells == [
        '  "a/b#one": {"default": "lossy", "versions": {"default": "lib 0"}},',
        '  "a/b#two": {"default": "exact"},',
        '  "a/b#z": {"default": "exact"}',
    ]
    assert json.loads(baseline_files.dump(two))["driver"] == "lib"


def test_nothing_expected_is_no_error(tmp_path):
    assert baseline_files.load(tmp_path, 18, "lib") is None
    empty = Baseline("lib", 18)
    baseline_files.save(tmp_path, empty)
    assert baseline_files.load(tmp_path, 18, "lib") == empty


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not a baseline"),
        ('{"schema": 1}', "missing required field"),
        ('{"schema":1,"driver":"lib","server":16,"version":"","cells":{}}', "SQL 16"),
        ('{"schema":1,"driver":"lib","server":18,"version":"","cells":{"a":'
         '{"default":"fine"}}}', "fine"),
        ('{"schema":1,"driver":"lib","server":18,"version":"","cells":{"a":'
         '{"defualt":"exact"}}}', "defualt"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_a_clear_error(tmp_path, content, words):
    path = baseline_files.path_of(tmp_path, 18, "lib")
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(ResultsError, match=words):
        baseline_files.load(tmp_path, 18, "lib")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


def test_an_update_does_not_mix_with_uncommitted_changes(tmp_path):
    folder = tmp_path / "results" / "baselines"
    baseline_files.check_clean(folder)  # there is none yet
    path = baseline_files.save(folder, made(one=expecting(EXACT)))
    baseline_files.check_clean(folder)  # outside of git
    git(tmp_path, "init")
    with pytest.raises(UsageError, match=r"pg18/lib\.json"):
        baseline_files.check_clean(folder)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "expect")
    baseline_files.check_clean(folder)
    path.write_text(path.read_text() + "\n")
    with pytest.raises(UsageError, match="not committed") as caught:
        baseline_files.check_clean(folder)
    assert "--force" in caught.value.hint


def test_the_committed_baselines_can_be_read():
    for path in baseline_files.FOLDER.rglob("*.json"):
        server = int(path.parent.name.removeprefix("pg"))
        found = baseline_files.load(baseline_files.FOLDER, server, path.stem)
        assert found is not None
        assert baseline_files.dump(found) == path.read_text("utf-8"), "pgdyno would sort it"


# --- what is known marks checks, and checks fail by it ------------------------------

DEVIATION = Deviation(
    "values/*", (LOSSY,), "a known thing", "https://example.org/1", where="lib.toml, 1"
)


def marked(verdict: Verdict, *, expected=None, deviation=None):
    check = changed(checked_run().checks[0], verdict=verdict.value, driver="lib")
    key = (check.cell, check.profile)
    found = {"lib": Baseline("lib", 18, {key: expecting(expected)})} if expected else {}
    declared = {"lib": (deviation,)} if deviation else {}
    terms = {"library": "lib", "version": "1"}
    return Known(18, found, declared).mark(check, terms, lacking=False)


@pytest.mark.parametrize(
    ("verdict", "expected", "deviation", "fails"),
    [
        (EXACT, None, None, False),
        (LOSSY, None, None, True),
        (LOSSY, LOSSY, None, False),
        (LOSSY, None, DEVIATION, False),
        (EXACT, LOSSY, None, True),
        (EXACT, None, DEVIATION, True),
        (HUNG, LOSSY, DEVIATION, True),
        (Verdict.SKIPPED, None, DEVIATION, False),
    ],
)
def test_what_fails(verdict, expected, deviation, fails):
    one = marked(verdict, expected=expected, deviation=deviation)
    assert known.fails(one, LOSSY) is fails
    assert bool(one.drift) is (fails and bool(expected or deviation))


INHERITED = """
[[deviation]]
cell = "values/*"
profile = "configured"
verdict = "lossy"
reason = "The driver below has it."
link = "https://example.org/below"
"""


def of_a_layer(verdict: Verdict, *, own: tuple[Deviation, ...] = (), layers: int = 1):
    """A check of a driver that stands on the plug-in `out`, or on a layer on it."""
    terms = {"library": "lib", "version": "1", "wraps": "between", "wrapped_wraps": "out"}
    if layers == 1:
        terms = {"library": "lib", "version": "1", "wraps": "out"}
    check = changed(checked_run().checks[0], verdict=verdict.value, driver="lib")
    return Known(18, {}, {"lib": own}).mark(check, terms, lacking=False)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_layer_inherits_what_is_declared_below_it(outside, layers):
    (outside / "out_package" / "deviations.toml").write_text(INHERITED)
    check = of_a_layer(LOSSY, layers=layers)
    assert check.deviation == "The driver below has it."
    assert check.link == "https://example.org/below"
    assert not check.drift
    assert not known.fails(check, LOSSY)


@pytest.mark.parametrize("verdict", [EXACT, HUNG])
def test_another_verdict_of_a_layer_is_its_own(outside, verdict):
    (outside / "out_package" / "deviations.toml").write_text(INHERITED)
    check = of_a_layer(verdict)
    assert (check.deviation, check.drift) == ("", "")
    assert known.fails(check, LOSSY) is (verdict is HUNG)


def test_a_layers_own_deviation_comes_before_an_inherited_one(outside):
    (outside / "out_package" / "deviations.toml").write_text(INHERITED)
    assert of_a_layer(LOSSY, own=(DEVIATION,)).deviation == "a known thing"
    assert of_a_layer(EXACT, own=(DEVIATION,)).drift


def test_a_driver_that_stands_on_nothing_inherits_nothing(outside):
    (outside / "out_package" / "deviations.toml").write_text(INHERITED)
    assert known.fails(marked(LOSSY), LOSSY)


def test_a_wrong_deviation_below_is_a_clear_error(outside):
    (outside / "out_package" / "deviations.toml").write_text("[[deviation]]")
    with pytest.raises(DriverError, match=r"deviations\.toml, deviation 1"):
        of_a_layer(LOSSY)


def test_a_check_without_expectation_is_new():
    known_ = Known(18, {"lib": Baseline("lib", 18)}, {})
    check = changed(checked_run().checks[0], driver="lib", verdict="exact")
    assert known_.new([check, changed(check, verdict="skipped")]) == 1
    assert known_.new([replace(check, driver="other")]) == 0


def test_under_a_condition_nothing_is_new_and_nothing_drifts(outside):
    known_ = Known(18, {"lib": Baseline("lib", 18)}, {"lib": (DEVIATION,)})
    plain = changed(checked_run().checks[0], driver="lib", verdict="exact")
    far = changed(plain, cell=f"{plain.cell}[via=pgbouncer,rtt=5]")
    assert known_.new([plain]) == 1
    assert known_.new([far]) == 0
    terms = {"library": "lib", "version": "1"}
    assert known_.mark(plain, terms, lacking=False).drift
    assert not known_.mark(far, terms, lacking=False).drift
    lossy = known_.mark(changed(far, verdict="lossy"), terms, lacking=False)
    assert lossy.deviation == "a known thing"
    assert not known.fails(lossy, LOSSY)


def test_drift_and_deviations_are_shown_everywhere():
    drifted = marked(EXACT, expected=LOSSY)
    declared = replace(marked(LOSSY, deviation=DEVIATION), cell="values/int4#other")
    both = [drifted, declared]
    table = matrix.build(both)
    for shown in (text.matrix(table), markdown.matrix(table)):
        assert "exact instead of lossy" in shown
        assert "a known thing https://example.org/1" in " ".join(shown.split())
    run = replace(checked_run(), checks=both)
    page = everything(html.render(view.build([run])))
    assert "exact instead of lossy" in page
    assert "a known thing" in page
    assert 'failures="1"' in junit.render(both)
    assert 'type="drift"' in junit.render([drifted])
    assert 'skipped="1"' in junit.render([declared])
    one, two = json.loads(json_form.render(both))
    assert (one["expected_verdict"], two["expected_verdict"]) == ("lossy", "")
    assert "exact instead of lossy" in one["drift"]
    assert (two["deviation"], two["link"]) == ("a known thing", "https://example.org/1")


# --- the verb -----------------------------------------------------------------------

SCENARIO = """
schema = 1
title = "Numbers"
why = "For the tests of the verb."

[[case]]
name = "one"
op = "fetch_val"
sql = "select 1"

[[case]]
name = "as-text"
op = "fetch_val"
sql = "select 'infinity'::date"
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, dsn):
    """`pgdyno check` in a folder of its own; its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(SCENARIO)

    def check(*arguments: str) -> tuple[int, str, str]:
        code = main.main(
            ["check", "mine.toml", "--driver", "psycopg2", "--profile", "default",
             "--server", dsn, *arguments]
        )  # fmt: skip
        return code, *capsys.readouterr()

    return check


def test_update_then_check_then_drift(run):
    code, _, _ = run()
    assert code == 1  # infinity is lossy, and nobody expects it
    code, _, told = run("--update")
    assert code == 0
    assert "2 new, 0 changed, 0 removed" in told
    (path,) = Path("results/baselines").rglob("psycopg2.json")
    assert '"mine#as-text": {"default": "lossy"}' in path.read_text()
    assert run()[0] == 0

    path.write_text(path.read_text().replace('"lossy"', '"exact"').replace("2.9", "2.8"))
    code, out, told = run()
    assert code == 1
    assert "lossy instead of exact; the version differs" in " ".join(out.split())
    assert "1 of 2 checks drifted" in told

    objects = json.loads(run("--format", "json")[1])
    assert [one["expected_verdict"] for one in objects] == ["exact", "exact"]
    assert [bool(one["drift"]) for one in objects] == [False, True]


def test_an_update_of_some_cells_and_what_is_new(run):
    run("--update")
    (path,) = Path("results/baselines").rglob("psycopg2.json")
    content = json.loads(path.read_text())
    del content["cells"]["mine#one"]
    path.write_text(json.dumps(content))
    code, _, told = run()
    assert code == 0
    assert "1 of 2 checks have no expectation" in told


def test_what_is_gone_from_the_library_is_forgotten_and_own_files_are_not(run):
    run("--update")
    (path,) = Path("results/baselines").rglob("psycopg2.json")
    names = ("query/constant#gone", "query/gone#x", "other#x")
    more = "".join(f'"{name}": {{"default": "exact"}},\n' for name in names)
    path.write_text(path.read_text().replace('"cells": {', f'"cells": {{{more}'))
    # Of a scenario that is not asked for only an update reads the cells.
    assert "1 cell of the baseline is no longer in any scenario" in run()[2]
    assert "2 removed" in run("--update")[2]
    assert "other#x" in path.read_text()
    assert "gone" not in path.read_text()


def test_an_update_refuses_a_dirty_tree(run, tmp_path):
    run("--update")
    git(tmp_path, "init")
    code, _, told = run("--update")
    assert code == 2
    assert "not committed" in told
    assert run("--update", "--force")[0] == 0
