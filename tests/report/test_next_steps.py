"""What a comparison tells to run next: commands that are ready, for what is left open."""

from __future__ import annotations

import argparse
import re
import shlex

import fake_runs
import pytest
from fake_runs import arm_facts, bench
from msgspec.structs import replace

from harness.analysis.changes import Comparison
from harness.cli.main import build_parser
from harness.render import comparison as shown
from harness.render import comparison_markdown
from harness.report.comparison import Request, compare
from harness.report.next_steps import MOST_CELLS, next_steps
from harness.results.records import Run

OLD, NEW = "asyncpg==0.31.0", "asyncpg==0.32.0"
ROWS = fake_runs.CELLS[:4]
IDS = [fake_runs.cell_facts(row).id for row in ROWS]


def versions(factor=1.0, *, called=(), rows=ROWS, noise=0.003, rounds=12) -> Run:
    """One run of two versions, as it was called."""
    run = bench(
        rows=rows,
        arms=[arm_facts(OLD), arm_facts(NEW)],
        rounds=rounds,
        noise=noise,
        factor=lambda cell, arm: factor if arm == NEW and cell == IDS[0] else 1.0,
    )
    return replace(run, header=replace(run.header, command=["bench", *called]))


def asked(run: Run, fresh: Run | None = None) -> Comparison:
    return compare(Request(run, run, OLD, NEW, fresh=fresh))


def parsed(words: list[str]) -> argparse.Namespace:
    """The command line as `pgdyno` reads it."""
    assert words[0] == "pgdyno"
    return build_parser(["bench"]).parse_args(words[1:])


def printed(text: str) -> list[list[str]]:
    """The commands that a reader of a terminal would copy, as a shell splits them."""
    joined = text.replace(" \\\n", " ")
    return [
        shlex.split(found) for found in re.findall(r"^next: (.*)$", joined, re.MULTILINE)
    ]


def test_what_regressed_is_to_be_confirmed():
    found = asked(versions(1.2))
    (words,) = next_steps(found)
    given = parsed(words)
    assert [str(path) for path in given.confirm] == list(found.runs)
    assert given.driver == [OLD, NEW]
    assert printed(shown.text(found)) == [words]


def test_what_is_inconclusive_is_to_be_measured_for_longer():
    found = asked(versions(rounds=5))
    (words,) = next_steps(found)
    given = parsed(words)
    assert (given.effort, given.path, given.driver) == ("gate", IDS, [OLD, NEW])
    assert printed(shown.text(found)) == [words]


def test_both_are_told_with_how_the_run_was_called():
    called = ["there/mine.toml", "--server", "wheel:16", "--profile=default", "--seed", "1"]
    run = versions(1.5, called=called, noise=0.08, rounds=14)
    found = asked(run)
    kinds = {row.change for row in found.changes}
    assert kinds >= {"regressed", "inconclusive"}
    confirm, again = map(parsed, next_steps(found))
    assert confirm.path == ["there/mine.toml"]
    assert IDS[0] not in again.path
    for given in (confirm, again):
        assert (given.server, given.profile, given.seed) == ("wheel:16", "default", None)


def test_nothing_is_left_once_it_is_confirmed():
    fresh = versions(1.2)
    fresh = replace(fresh, header=replace(fresh.header, run="fresh"))
    assert not next_steps(asked(versions(1.2), fresh))
    assert not next_steps(asked(versions()))


def test_two_runs_are_confirmed_by_both_files():
    before = bench(run="before", seed=1, rows=ROWS)
    after = bench(run="after", seed=2, rows=ROWS, factor={"asyncpg": 1.2})
    found = compare(Request(before, after))
    confirm = parsed(next_steps(found)[0])
    assert [str(path) for path in confirm.confirm] == [before.path, after.path]
    assert not confirm.driver


def test_two_arms_of_two_runs_cannot_be_confirmed_and_are_measured_again():
    before = bench(run="before", seed=1, rows=ROWS, arms=[arm_facts(OLD)])
    after = bench(run="after", seed=2, rows=ROWS, arms=[arm_facts(NEW)], factor={NEW: 1.2})
    (words,) = next_steps(compare(Request(before, after, OLD, NEW)))
    given = parsed(words)
    assert (given.driver, given.confirm, given.path) == ([NEW], [], IDS)


def test_many_cells_are_named_by_their_scenarios():
    rows = fake_runs.CELLS
    assert len(rows) > MOST_CELLS
    (words,) = next_steps(asked(versions(rows=rows, rounds=5)))
    scenarios = {fake_runs.cell_facts(row).scenario for row in rows}
    assert set(parsed(words).path) == scenarios


@pytest.mark.parametrize("factor", [1.0, 1.2])
def test_a_comment_has_the_command_as_code(factor):
    found = asked(versions(factor, rounds=5 if factor == 1.0 else 12))
    (line,) = [
        line
        for line in comparison_markdown.render(found).splitlines()
        if line.startswith("next: ")
    ]
    assert [shlex.split(line.removeprefix("next: `").removesuffix("`"))] == next_steps(
        found
    )
