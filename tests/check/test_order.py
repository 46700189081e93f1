"""Who plays which cell, in which order, and in whose session."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import plain

from harness import scenario
from harness.check import checker, order
from harness.check.checker import Checker
from harness.core.arms import PROFILES, Arm
from harness.core.cells import BenchSpec, Cell, Fixture
from harness.core.expect import Expect, ExpectedError
from harness.core.verdicts import Code, Judgement, Verdict
from harness.play import early
from harness.play.process import WorkerProcess
from harness.results.records import Check
from harness.venue import stage
from harness.venue.venue import Venue

ARMS = [Arm(name, profile=profile) for profile in PROFILES for name in ("a", "b")]
SKIPPED = Judgement(Verdict.SKIPPED, Code.SERVER_LACKS)
READS = """
schema = 1
title = "T"
why = "W"

[[case]]
name = "first"
op = "fetch_val"
sql = "select 1"

[[case]]
name = "second"
op = "fetch_all"
sql = "values (1), (2)"

[[case]]
name = "fails"
op = "fetch_val"
sql = "select 1 / 0"
expect.error = { sqlstate = "22012" }

[[case]]
name = "pid"
op = "fetch_val"
sql = "select pg_backend_pid() > 0"

[[case]]
name = "last"
op = "fetch_one"
sql = "select 2"
"""


@pytest.fixture(scope="module")
def catalogue() -> list[Cell]:
    cells = [cell for loaded in scenario.select([]) for cell in loaded.cells]
    return [cell for cell in cells if cell.checked]


def reading(sql: str) -> Cell:
    """The catalogue's simplest cell with another statement."""
    cells = scenario.select(["query"])[0].cells
    plain = next(cell for cell in cells if cell.op.value.startswith("fetch"))
    return replace(plain, sql=sql, fixture=Fixture(), expect=Expect())


# --- who plays what ---------------------------------------------------------------------


def test_every_check_of_the_catalogue_has_one_seat(catalogue: list[Cell]) -> None:
    seats = order.queues(catalogue, ARMS)
    played = [(seat.arm, cell) for seat in seats for cell in seat.cells]
    assert len(played) == len(set(played)) == order.number_of_checks(catalogue, ARMS)
    further = [seat for seat in seats if seat.number]
    assert len(further) == order.further_seats(ARMS)
    steps = {cell.id for cell in catalogue if cell.steps}
    assert all(seat.cells <= steps for seat in further)
    assert {seat.arm.profile for seat in further} == {"default"}


def test_a_few_steps_are_not_worth_another_worker(catalogue: list[Cell]) -> None:
    few = [cell for cell in catalogue if cell.steps][: order.MANY_STEPS - 1]
    assert [seat.number for seat in order.queues(few, ARMS)] == [0] * len(ARMS)


def test_a_seat_with_nothing_else_to_do_plays_a_share_of_the_steps(
    catalogue: list[Cell],
) -> None:
    steps = [cell for cell in catalogue if cell.steps and cell.once][: 2 * order.MANY_STEPS]
    seats = order.queues(steps, ARMS[:1])
    assert [seat.number for seat in seats] == [0, 1]
    assert all(len(seat.cells) >= order.MANY_STEPS // 2 for seat in seats)
    assert frozenset().union(*(seat.cells for seat in seats)) == {cell.id for cell in steps}


def test_who_plays_what_may_be_said(catalogue: list[Cell]) -> None:
    """Even what is otherwise played once for all profiles of a driver."""
    once = [cell for cell in catalogue if cell.once]
    own = dict(zip(ARMS, once, strict=False))
    seats = order.queues(once, ARMS, lambda arm, cell: cell is own[arm])
    assert {seat.arm: seat.cells for seat in seats} == {
        arm: {cell.id} for arm, cell in own.items()
    }


def test_no_cell_gets_lost_between_batches(catalogue: list[Cell]) -> None:
    found = order.batches(catalogue)
    handed_out = [cell.id for batch in found for cell in batch]
    assert Counter(handed_out) == Counter(cell.id for cell in catalogue)
    assert [len(found[0]), bool(found[0][0].steps)] == [order.FIRST, False]
    assert all(cell.steps for cell in found[1])


def test_one_fixture_has_one_preparer(catalogue: list[Cell]) -> None:
    places = Counter(
        place
        for batch in order.batches(catalogue)
        for place in {
            (cell.scenario, cell.fixture) for cell in batch if not stage.is_bare(cell)
        }
    )
    assert set(places.values()) == {1}


def test_a_few_cells_make_few_batches(catalogue: list[Cell]) -> None:
    assert [cell for batch in order.batches([]) for cell in batch] == []
    (batch,) = (batch for batch in order.batches(catalogue[:1]) if batch)
    assert batch == catalogue[:1]


def test_what_counts_sessions_waits_for_the_others() -> None:
    counting = replace(reading("select 1"), expect=Expect(sessions=0))
    (seat,) = order.queues([counting], ARMS[:1])
    seat.put((counting, SKIPPED))
    assert seat.work.empty()
    assert seat.alone == [(counting, SKIPPED)]


def test_cells_that_may_share_a_session_stand_in_a_row(catalogue: list[Cell]) -> None:
    plain = [cell for cell in catalogue if not cell.steps]
    seen: list[object] = []
    for cell in order.in_groups(plain):
        place = cell.scenario if cell.fixture.sql else ""
        group = (place, cell.fixture, cell.settings, order.shares_session(cell))
        if not seen or seen[-1] != group:
            seen.append(group)
    assert len(seen) == len(set(map(repr, seen)))


# --- whose session ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "shares"),
    [
        ("select 1", True),
        ("\n  SELECT $1::int", True),
        ("values (1)", True),
        ("with a as (select 1) select * from a", True),
        ("select 1 into t", False),
        ("with a as (delete from t returning *) select * from a", False),
        ("insert into t values (1) returning a", False),
        ("select set_config('a.b', 'c', false)", False),
        ("select pg_advisory_lock(1)", False),
        ("select nextval('s')", False),
        ("select pg_backend_pid()", False),
        ("select count(*) from pg_prepared_statements", False),
        ("set timezone = 'UTC'", False),
        ("begin", False),
        ("", False),
    ],
)
def test_only_what_leaves_no_trace_shares_a_session(sql: str, shares: bool) -> None:
    assert order.shares_session(reading(sql)) is shares


def test_what_needs_sessions_of_its_own_shares_none() -> None:
    plain = reading("select 1")
    own: list[dict[str, Any]] = [
        {"pool": 2},
        {"clients": 2, "pool": 2},
        {"expect": Expect(sessions=1)},
        {"expect": Expect(state="select 1")},
    ]
    assert not any(order.shares_session(replace(plain, **change)) for change in own)


def test_a_write_shares_a_session_if_it_is_undone_and_meant_to_succeed() -> None:
    (cells,) = (loaded.cells for loaded in scenario.select(["jsonb/insert"]))
    write = next(cell for cell in cells if cell.op.value == "execute")
    undone = replace(write, fixture=replace(write.fixture, reset="truncate t"))
    kept = replace(
        write,
        fixture=replace(write.fixture, reset=""),
        bench=None if write.bench is None else replace(write.bench, reset=""),
    )
    failing = replace(
        undone, expect=replace(undone.expect, error=ExpectedError(sqlstate="22012"))
    )
    assert order.shares_session(undone)
    assert not order.shares_session(kept)
    assert not order.shares_session(failing)
    assert isinstance(undone.bench, BenchSpec)


def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What workers are asked from now on."""
    commands: list[str] = []
    ask = WorkerProcess.ask

    def told(self: WorkerProcess, command: str, *rest: Any, **more: Any) -> Any:
        commands.append(command)
        return ask(self, command, *rest, **more)

    monkeypatch.setattr(WorkerProcess, "ask", told)
    return commands


def test_reads_have_one_session_and_keep_their_verdicts(
    place: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "reads.toml"
    file.write_text(READS)
    monkeypatch.setattr(checker, "HELPERS", 0)  # who prepares alone keeps the order
    commands = asked(monkeypatch)
    found: list[Check] = []
    cells = scenario.load(file).cells
    Checker(place.stage, [plain("psycopg2")], tmp_path, found.append).run(cells)
    assert {check.case: check.verdict for check in found} == dict.fromkeys(
        ("first", "second", "fails", "last", "pid"), "exact"
    )
    opened = Counter(commands)
    assert (opened["open"], opened["rebind"]) == (2, 3)  # pid asks about the session


def test_a_cell_after_one_that_could_open_no_session_opens_it(
    place: Venue, tmp_path: Path
) -> None:
    file = tmp_path / "reads.toml"
    missing = 'name = "first"\nrequires = ["pipeline"]'
    file.write_text(READS.replace('name = "first"', missing))
    found: list[Check] = []
    cells = scenario.load(file).cells
    Checker(place.stage, [plain("psycopg2")], tmp_path, found.append).run(cells)
    verdicts = {check.case: check.verdict for check in found}
    assert verdicts.pop("first") == "unsupported"
    assert set(verdicts.values()) == {"exact"}


@pytest.mark.usefixtures("miniatures")
def test_a_cell_after_one_that_crashed_or_hung_has_a_new_session(
    place: Venue, tmp_path: Path
) -> None:
    file = tmp_path / "reads.toml"
    file.write_text(READS)
    found: list[Check] = []
    cells = scenario.load(file).cells
    Checker(place.stage, [plain("segfaults")], tmp_path, found.append).run(cells)
    verdicts = {check.case: check.verdict for check in found}
    assert verdicts.pop("second") == "crashed"
    assert set(verdicts.values()) == {"exact"}


# --- workers that are there early -------------------------------------------------------


def test_workers_that_nobody_takes_end() -> None:
    with early.started([plain("psycopg2"), plain("psqlpy")]) as workers:
        kept = list(workers.values())
        assert 1 <= len(kept) <= 2
        assert all(worker.alive for worker in kept)
    assert not any(worker.alive for worker in kept)


def test_a_worker_that_is_there_already_plays(place: Venue, tmp_path: Path) -> None:
    file = tmp_path / "reads.toml"
    file.write_text(READS)
    found: list[Check] = []
    arm = plain("psycopg2")
    with early.started([arm]) as workers:
        pid = workers[arm].pid
        checker = Checker(place.stage, [arm], tmp_path, found.append, workers)
        assert [seat.pid for seat in checker._seats] == [pid]
        checker.run(scenario.load(file).cells)
        assert not workers[arm].alive
    assert {check.verdict for check in found} == {"exact"}
