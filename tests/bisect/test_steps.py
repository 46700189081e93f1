"""Steps over runs that were made up: what is compared, told, passed over and concluded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import fake_runs
import pytest
from fake_runs import arm_facts, bench
from msgspec.structs import replace

from harness.analysis.gate import Gate
from harness.bisect.conclusion import Conclusion
from harness.bisect.contrasts import (
    STEP_TESTS,
    Contrast,
    Times,
    Verdicts,
    contrast,
    placed,
)
from harness.bisect.search import Search, Side
from harness.bisect.steps import Steps, ends
from harness.core.errors import (
    EXIT_FAILED,
    EXIT_INCONCLUSIVE,
    EXIT_PASS,
    DriverError,
)
from harness.core.verdicts import Code, Judgement, Verdict
from harness.results.records import Check, Run

ROWS = fake_runs.CELLS[:2]
CELLS = [fake_runs.cell_facts(row).id for row in ROWS]
CELL = CELLS[0]
VERSIONS = tuple(f"0.{number}.0" for number in range(26, 33))


def arm(version: str) -> str:
    return f"asyncpg=={version}"


def times_of(
    speed: Mapping[str, float],
    noise: Callable[[str, bool], float] = lambda version, more: 0.003,
    without: str = "",
) -> Callable[[Sequence[str], Sequence[str], bool], Run]:
    """Runs in which each version has its speed in the first cell, and 1 in any other."""

    def made(versions: Sequence[str], cells: Sequence[str], more: bool) -> Run:
        facts = [arm_facts(arm(version), version=version) for version in versions]
        factors = {arm(version): speed[version] for version in versions}
        run = bench(
            run="-".join(versions),
            rows=[row for row, cell in zip(ROWS, CELLS, strict=True) if cell in cells],
            arms=[known for known in facts if known.id != arm(without)],
            rounds=24 if more else 12,
            noise=max(noise(version, more) for version in versions),
            factor=lambda cell, name: factors[name] if cell == CELL else 1.0,
        )
        if arm(without) in factors:
            absent = replace(arm_facts(arm(without)), problem="no module of that name")
            header = replace(run.header, arms=[*run.header.arms, absent])
            return replace(run, header=header)
        return run

    return made


@dataclass
class FakeRuns:
    """Runs as they are made up; what was asked for is remembered."""

    make: Callable[[Sequence[str], Sequence[str], bool], Run]
    missing: tuple[str, ...] = ()
    asked: list[tuple[tuple[str, ...], bool]] = field(default_factory=list)

    def arm(self, version: str) -> str:
        return arm(version)

    def prepare(self, version: str) -> None:
        if version in self.missing:
            raise DriverError(f"{arm(version)} cannot be installed: no wheel")

    def run(self, versions: Sequence[str], cells: Sequence[str], *, more: bool) -> Run:
        self.asked.append((tuple(versions), more))
        return self.make(versions, cells, more)


def stepped(runs: FakeRuns, question=None, versions=VERSIONS):
    """The ends, then the steps to the end of the search; what was told."""
    question = question or Times(Gate(), tests=STEP_TESTS)
    told: list[str] = []
    found = ends(question, runs, versions[0], versions[-1], CELLS)
    steps = Steps(question, runs, found[0].cell, found[0], told.append)
    end = steps.search(versions)
    return Conclusion("asyncpg", end, steps.evidence, steps.reasons), told


def since(version: str, factor: float) -> dict[str, float]:
    place = VERSIONS.index(version)
    return {name: factor if at >= place else 1.0 for at, name in enumerate(VERSIONS)}


# --- times ------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_the_version_that_is_slower_is_found_with_its_evidence(version):
    runs = FakeRuns(times_of(since(version, 1.2)))
    conclusion, told = stepped(runs)
    before = VERSIONS[VERSIONS.index(version) - 1]
    assert (conclusion.found.before, conclusion.found.after) == (before, version)
    assert conclusion.exit_code == EXIT_FAILED
    assert (conclusion.evidence.before, conclusion.evidence.after) == (
        arm(before),
        arm(version),
    )
    assert conclusion.sentence == f"changed in asyncpg {version}"
    (detail,) = conclusion.details
    assert detail.startswith(f"{before} → {version}: +")
    assert re.match(r"\+(19|20)\.\d % \(", detail.partition(": ")[2])
    assert detail.endswith("slower")
    assert len(runs.asked) <= 1 + 3
    assert all(len(versions) == 3 for versions, _ in runs.asked[1:])
    assert any(line.startswith("  0.26.0 → ") and " … " in line for line in told)


def test_a_faster_version_is_found_and_passes():
    conclusion, _ = stepped(FakeRuns(times_of(since("0.30.0", 0.8))))
    assert conclusion.found.after == "0.30.0"
    assert conclusion.exit_code == EXIT_PASS
    assert conclusion.details[0].endswith("faster")


def test_a_version_that_is_missing_is_passed_over_with_the_reason():
    runs = FakeRuns(times_of(since("0.29.0", 1.2)), missing=("0.29.0",))
    conclusion, told = stepped(runs)
    assert (conclusion.found.before, conclusion.found.after) == ("0.28.0", "0.30.0")
    assert conclusion.exit_code == EXIT_INCONCLUSIVE
    assert "0.29.0: passed over, asyncpg==0.29.0 cannot be installed: no wheel" in told
    assert conclusion.sentence == "changed between asyncpg 0.28.0 and 0.30.0"
    assert conclusion.details[1:] == ["0.29.0: it cannot be had"]
    assert not any("0.29.0" in versions for versions, _ in runs.asked)


def test_a_version_that_cannot_be_loaded_is_passed_over():
    conclusion, told = stepped(FakeRuns(times_of(since("0.31.0", 1.2), without="0.29.0")))
    assert conclusion.found.after == "0.31.0"
    assert "0.29.0: passed over, no module of that name" in told


def test_what_is_inconclusive_gets_more_rounds_once_and_then_a_range():
    wild = {"0.29.0": 0.4}
    runs = FakeRuns(
        times_of(since("0.29.0", 1.2), lambda version, more: wild.get(version, 0.003))
    )
    conclusion, told = stepped(runs)
    tried = [more for versions, more in runs.asked if "0.29.0" in versions]
    assert tried == [False, True]
    assert conclusion.exit_code == EXIT_INCONCLUSIVE
    assert conclusion.found.between == ("0.29.0",)
    assert conclusion.details[1:] == ["0.29.0: it is inconclusive"]
    assert told.count("  inconclusive: more rounds") == 1
    assert told.count("  inconclusive: it is passed over") == 1


def test_more_rounds_decide():
    noise = {False: 0.4, True: 0.003}
    runs = FakeRuns(times_of(since("0.29.0", 1.2), lambda version, more: noise[more]))
    conclusion, _ = stepped(runs)
    assert conclusion.found.after == "0.29.0"
    assert conclusion.exact


def test_ends_that_are_the_same_or_cannot_be_told():
    runs = FakeRuns(times_of(dict.fromkeys(VERSIONS, 1.0)))
    found = ends(Times(Gate()), runs, VERSIONS[0], VERSIONS[-1], CELLS)
    assert [told.changed for told in found] == [False, False]
    assert [more for _, more in runs.asked] == [False]
    wild = FakeRuns(times_of(dict.fromkeys(VERSIONS, 1.0), lambda version, more: 0.4))
    found = ends(Times(Gate()), wild, VERSIONS[0], VERSIONS[-1], CELLS)
    assert [told.changed for told in found] == [None, None]
    assert [more for _, more in wild.asked] == [False, True]


def test_an_end_that_cannot_be_had_is_an_error():
    runs = FakeRuns(times_of(since("0.29.0", 1.2)), missing=("0.32.0",))
    with pytest.raises(DriverError, match=r"asyncpg==0\.32\.0 cannot be installed"):
        stepped(runs)


def test_of_several_cells_the_one_that_changed_is_followed():
    runs = FakeRuns(times_of(since("0.30.0", 1.2)))
    found = ends(Times(Gate()), runs, VERSIONS[0], VERSIONS[-1], CELLS)
    assert [(told.cell, told.changed) for told in found] == [
        (CELL, True),
        (CELLS[1], False),
    ]


# --- verdicts ---------------------------------------------------------------------------


def verdicts_of(
    answers: Mapping[str, Verdict],
) -> Callable[[Sequence[str], Sequence[str], bool], Run]:
    timed = times_of(dict.fromkeys(VERSIONS, 1.0))

    def made(versions: Sequence[str], cells: Sequence[str], more: bool) -> Run:
        checks = [
            Check(
                judgement=Judgement(answers[version], Code.RIGHT, f"as {version} does"),
                scenario=CELL.partition("#")[0],
                case="case",
                cell=CELL,
                driver=arm(version),
                profile="configured",
            )
            for version in versions
        ]
        return replace(timed(versions, cells, more), trials=[], checks=checks)

    return made


def test_a_verdict_that_changed_is_found():
    place = VERSIONS.index("0.31.0")
    answers = {
        version: Verdict.LOSSY if at >= place else Verdict.EXACT
        for at, version in enumerate(VERSIONS)
    }
    conclusion, _ = stepped(FakeRuns(verdicts_of(answers)), Verdicts())
    assert conclusion.found.after == "0.31.0"
    assert conclusion.exit_code == EXIT_FAILED
    assert conclusion.details == ["0.30.0 → 0.31.0: exact → lossy (as 0.31.0 does)"]


def test_a_server_that_lacks_something_tells_nothing():
    answers = dict.fromkeys(VERSIONS, Verdict.LOSSY) | {
        "0.26.0": Verdict.EXACT,
        "0.29.0": Verdict.SKIPPED,
    }
    runs = FakeRuns(verdicts_of(answers))
    conclusion, _ = stepped(runs, Verdicts())
    assert conclusion.found.after == "0.27.0"
    assert runs.asked[1][0] == ("0.26.0", "0.29.0", "0.32.0")


def test_a_cell_that_was_not_asked_is_undecided():
    run = verdicts_of(dict.fromkeys(VERSIONS, Verdict.EXACT))(VERSIONS[:2], CELLS, False)
    found = contrast(Verdicts(), run, "else", arm(VERSIONS[0]), arm(VERSIONS[1]))
    assert (found.changed, found.said) == (None, "nothing was measured")


# --- on which side ----------------------------------------------------------------------


def pair(changed: bool | None, size: float = 0.2, *, worse: bool = True) -> Contrast:
    return Contrast(CELL, "a", "b", changed, worse, size, "")


@pytest.mark.parametrize(
    ("first", "second", "whole", "side"),
    [
        (pair(True), pair(False), pair(True), Side.NEW),
        (pair(False), pair(True), pair(True), Side.OLD),
        (pair(True), pair(None), pair(None), Side.NEW),
        (pair(None), pair(True), pair(True), Side.OLD),
        (pair(None), pair(None), pair(True), Side.UNCLEAR),
        (pair(False), pair(False), pair(True), Side.UNCLEAR),  # in two small steps
        (pair(False), pair(None), pair(True), Side.UNCLEAR),
        (pair(True, 0.1), pair(True, 0.3), pair(True), Side.OLD),  # the greater one
        (pair(True, 0.3), pair(True, 0.1), pair(True), Side.NEW),
        (pair(True, worse=False), pair(True), pair(True), Side.OLD),  # there and back
        (pair(True), pair(True, worse=False), pair(True), Side.NEW),
        (pair(True), pair(False), pair(False), Side.UNCLEAR),  # it is gone
    ],
)
def test_on_which_side_a_version_is(first, second, whole, side):
    assert placed(first, second, whole, worse=True) is side


def test_a_range_without_evidence_of_direction_never_passes():
    end = Search(VERSIONS, 0, 2, {VERSIONS[1]: Side.ABSENT})
    better = Conclusion("asyncpg", end, pair(True, worse=False), {VERSIONS[1]: "gone"})
    assert better.exit_code == EXIT_INCONCLUSIVE
