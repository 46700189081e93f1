"""A comparison for a merge request and for CI: it fits whatever its size."""

from __future__ import annotations

from dataclasses import replace as replace_row
from xml.etree import ElementTree as ET

import fake_runs
import pytest
from fake_runs import arm_facts, bench
from msgspec.structs import replace

from harness.analysis.changes import CellChange, Comparison
from harness.analysis.compare import compare
from harness.core.stats import Estimate
from harness.core.verdicts import Change
from harness.render import comparison as shown
from harness.render import comparison_junit, comparison_markdown

ROWS = fake_runs.CELLS[:4]


def pair(**candidate):
    quiet = {"rows": ROWS, "rounds": 12, "noise": 0.002}
    return (
        bench(run="before", seed=1, **quiet),
        bench(run="after", seed=2, **{**quiet, **candidate}),
    )


def row(number, change, reason="", name="copy/in#rows"):
    shift = Estimate(0.2, 0.1, 0.3, 12, 0.95)
    return CellChange(f"{name}@n={number}", "asyncpg", change, reason, 1e4, 2e4,
                      shift=shift, trimmed=shift, margin=0.03, detectable=0.02)  # fmt: skip


def comparison(rows, **options):
    return Comparison("a", "b", False, 0.03, 0.05, changes=tuple(rows), **options)


# --- Markdown ---------------------------------------------------------------------------


@pytest.mark.parametrize("count", [300, 3_000])
@pytest.mark.parametrize("name", ["copy/in#rows", "ünï|cödé*" * 40, "x" * 5_000])
def test_a_comment_has_at_most_60_kilobytes(count, name):
    rows = [row(number, Change.REGRESSED, name, name) for number in range(count)]
    many = [f"server setting {number}: {name} → off" for number in range(1_000)]
    found = comparison_markdown.render(
        comparison(rows, differences=tuple(many), warnings=tuple(many))
    )
    assert len(found.encode()) <= 60_000
    assert found.startswith("### REGRESSION: ")
    shown_rows = sum(line.startswith("| regressed |") for line in found.splitlines())
    assert shown_rows
    left_out = f"… and {count - shown_rows:,} more; `pgdyno compare --all` lists them."
    assert (left_out in found) == (shown_rows < count)
    assert "Hodges–Lehmann" in found.splitlines()[-1]


def test_a_comment_is_short_when_nothing_changed():
    found = comparison_markdown.render(compare(*pair()))
    assert found.startswith("### PASS: 24 same")
    assert len(found) < 1_000
    assert "|---|" not in found


def test_what_differs_comes_first():
    arms = [arm_facts("psycopg"), arm_facts("asyncpg", version="0.33.0")]
    newer = replace(fake_runs.MACHINE, python="3.12.1")
    found = compare(*pair(arms=arms, machine=newer))
    text, markdown = shown.text(found), comparison_markdown.render(found)
    assert "asyncpg, version: 0.32.0 → 0.33.0" in " ".join(text.split())
    for rendered in (text, markdown):
        assert rendered.index("3.12.1") < rendered.index("in one of the files only")
    assert text.splitlines()[2].startswith("differs    Python: 3.11.9 → 3.12.1 · ")


def test_text_shows_controls_and_what_was_measured_again():
    again = row(1, Change.INCONCLUSIVE)
    rows = [replace_row(row(1, Change.REGRESSED, "confirmed"), fresh=again)]
    control = row(2, Change.INCONCLUSIVE)
    found = shown.text(comparison(rows, controls=(control,), drift=0.1))
    assert "controls   1 comparison, +22.1 % … +22.1 %: the machine moved" in found
    assert "measured again" in found
    assert max(map(len, found.splitlines())) <= 80
    assert found.splitlines()[-1] == "exit 1"


# --- JUnit ------------------------------------------------------------------------------


def test_junit_has_a_case_for_each_row():
    rows = [
        row(1, Change.REGRESSED),
        row(2, Change.IMPROVED),
        row(3, Change.INCONCLUSIVE, "the interval reaches beyond the threshold"),
        row(4, Change.NOT_COMPARABLE, "was exact, is skipped"),
        row(5, Change.SAME),
    ]
    root = ET.fromstring(comparison_junit.render(comparison(rows)))
    (suite,) = root
    assert dict(suite.attrib) == {
        "name": "asyncpg", "tests": "5", "failures": "1", "errors": "1", "skipped": "1",
    }  # fmt: skip
    assert [case[0].tag for case in suite] == [
        "failure", "system-out", "skipped", "error", "system-out",
    ]  # fmt: skip
    assert suite[0][0].get("message") == "regressed: +22.1 % (+10.5 … +35.0 %)"
    assert suite[3][0].get("message").endswith("was exact, is skipped")


def test_junit_of_what_cannot_be_compared_is_an_error():
    found = comparison((), invalid=("different machines: a and b\x1b[2J",))
    root = ET.fromstring(comparison_junit.render(found))
    (error,) = root.iter("error")
    assert error.get("message") == "different machines: a and b\\x1b[2J"
