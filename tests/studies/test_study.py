"""The long study: its parts, what many trials say, and how it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.validity import live, suite
from harness.validity.outcome import CALIBRATION
from studies import ROOT
from studies.validity import __main__ as command
from studies.validity import many, study


def test_fewer_trials_are_never_more():
    few = study.at_most(study.FULL, 3)
    assert (few.trials, few.hog_trials, few.burden_repeats) == (3, 3, 4)
    assert study.at_most(study.FULL, 1_000) == study.FULL


def test_a_line_is_drawn_by_either_clock_that_knows_what_was_put_in(tmp_path: Path):
    burdens = (0.0, 0.02, 0.1, 0.2)
    trial = [live.ArmPair(x, x, 1.1 * x + 0.004, 1.1 * x, 0.5) for x in burdens]
    told = live.Told(live.Series(tmp_path, 1, 6, 8), [trial], 1.0)
    lines = {one.test: (one.measured, one.ok) for one in many.calibration(told)}
    assert lines == {
        CALIBRATION: ("1.100", False),
        "calibration, intercept": ("+0.00 %", True),
        "calibration, slope by processor time": ("1.000", True),
        "calibration, intercept by processor time": ("-0.40 %", False),
        "A/A, mean shift": ("+0.00 %", True),
    }


def test_a_server_whose_processor_time_is_hidden_has_one_line(tmp_path: Path):
    trial = [live.ArmPair(x, x, None, x, 0.5) for x in (0.0, 0.1)]
    told = live.Told(live.Series(tmp_path, 1, 6, 8), [trial], 1.0)
    assert [one.test for one in many.calibration(told)] == [
        CALIBRATION,
        "calibration, intercept",
        "A/A, mean shift",
    ]


def test_every_quick_test_is_in_the_study():
    names = [name for name, _ in study.parts(study.FULL)]
    assert len(names) == len(set(names))
    assert {name for name, _ in suite.QUICK} < set(names)


def test_every_option_is_in_the_docs():
    page = (ROOT / "docs" / "validity.md").read_text("utf-8")
    options = [
        action.option_strings[-1]
        for action in command.parser()._actions
        if action.dest != "help"
    ]
    assert len(options) > 3
    assert not [option for option in options if f"`{option}" not in page]


def test_no_trial_is_a_wrong_question(capsys):
    assert command.main(["--trials", "0"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "studies: no trial can say anything",
        "  hint: --trials 1 or more",
    ]


def test_trials_of_nobody_knows_which_version_are_refused(dsn: str, tmp_path: Path, capsys):
    (tmp_path / "complete-1.jsonl").write_text("{}\n")
    code = command.main(["--keep", str(tmp_path), "--server", dsn, "--trials", "1"])
    said = capsys.readouterr()
    assert code == 4
    assert "nothing says what measured the trials that are in it" in said.err
    assert "remove the folder" in said.err
    assert not said.out


def test_the_package_has_no_long_study(capsys):
    from harness.cli import main

    assert main.main(["doctor", "--validate", "--full"]) == 2
    assert "nox -s validity" in capsys.readouterr().err


def test_the_package_needs_nothing_of_the_studies(tmp_path: Path):
    code = (
        "import sys\n"
        "from harness.validity import listing, suite\n"
        "assert not [name for name in sys.modules if name.startswith('studies')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    files = [*(ROOT / "harness").rglob("*.py")]
    assert files
    assert not [file for file in files if "import studies" in file.read_text("utf-8")]
    assert not [file for file in files if "from studies" in file.read_text("utf-8")]
