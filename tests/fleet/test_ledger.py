"""Which machine gets which job, and what becomes of those that fail."""

from __future__ import annotations

from planned import planned

from harness.fleet.ledger import Ledger, Try


def given(ledger: Ledger, machine: str, present: str = "ab") -> Try:
    """What a machine gets; a test that fails here expected something."""
    found = ledger.next_for(machine, present)
    assert found is not None
    return found


def test_a_machine_has_one_job_at_a_time() -> None:
    ledger = Ledger([planned(1), planned(2)])
    given(ledger, "a")
    assert ledger.next_for("a", "ab") is None
    assert given(ledger, "b").job == planned(2)


def test_jobs_of_a_shard_return_to_their_machine() -> None:
    jobs = [planned(k, shard=shard) for k, shard in enumerate(["x", "y", "y", "x"])]
    ledger = Ledger(jobs)
    first, second = given(ledger, "a"), given(ledger, "b")
    ledger.landed(second)
    ledger.landed(first)
    assert given(ledger, "a").job.shard == first.job.shard == "x"
    assert given(ledger, "b").job.shard == second.job.shard == "y"


def test_times_stay_where_their_cells_are_and_verdicts_may_move() -> None:
    for verb, moves in (("check", True), ("bench", False)):
        ledger = Ledger([planned(k, verb=verb) for k in range(3)])
        given(ledger, "a")
        assert (ledger.next_for("b", "ab") is not None) is moves
        assert ledger.next_for("c", "c") is not None  # the first machine is gone


def test_a_block_is_a_machine() -> None:
    ledger = Ledger([planned(k, block=1 + k % 2) for k in range(4)])
    first, second = given(ledger, "a"), given(ledger, "b")
    assert {first.job.block, second.job.block} == {1, 2}
    ledger.landed(first)
    assert given(ledger, "a").job.block == first.job.block
    assert ledger.next_for("c", "abc") is None  # both blocks have their machines
    ledger.lost(second)
    assert given(ledger, "c", "ac").job.block == second.job.block


def test_what_was_done_before_draws_others_to_its_machine() -> None:
    ledger = Ledger([planned(k, verb="bench") for k in range(2)])
    ledger.remember(planned(9), "b")
    assert ledger.next_for("a", "ab") is None
    assert given(ledger, "b").job == planned(0, verb="bench")
    blocks = Ledger([planned(1, block=1), planned(2, block=2)])
    blocks.remember(planned(9, block=2), "a")
    assert [given(blocks, machine).job.block for machine in "ab"] == [2, 1]


def test_a_lost_job_runs_elsewhere_and_says_so_at_most_three_times() -> None:
    ledger = Ledger([planned(1)])
    ledger.lost(given(ledger, "a"))
    again = given(ledger, "b")
    assert (again.attempt, again.moved_from) == (1, "a")
    ledger.lost(again)
    same = given(ledger, "b")
    assert (same.attempt, same.moved_from) == (2, "")  # it did not move
    ledger.lost(same)
    assert not ledger.open
    assert ledger.left == {planned(1).id: "lost with its machine 3 times"}
    assert not ledger.failures


def test_a_scheduler_that_goes_away_is_not_the_fault_of_jobs() -> None:
    ledger = Ledger([planned(1)])
    for attempt in range(5):
        now = given(ledger, "ab"[attempt % 2])
        assert now.attempt == attempt
        ledger.returned(now)
    assert ledger.open


def test_a_job_that_fails_on_every_machine_is_left_and_blames_none() -> None:
    ledger = Ledger([planned(1), planned(2, shard="other")])
    ledger.failed(given(ledger, "a"), "exit 2", machines=True)
    assert ledger.aside("ab") == {"a": "exit 2"}
    ledger.landed(given(ledger, "b"))  # job 2
    ledger.failed(given(ledger, "b"), "exit 2", machines=True)
    assert ledger.aside("ab") == {}
    ledger.leave_hopeless("ab")
    assert ledger.left == {planned(1).id: "exit 2"}
    assert ledger.failures


def test_a_machine_where_jobs_fail_twice_in_a_row_is_set_aside() -> None:
    ledger = Ledger([planned(k) for k in range(5)])
    for expected in ({}, {"a": "exit 5"}):
        ledger.failed(given(ledger, "a"), "exit 5", machines=False)
        assert ledger.aside("ab") == expected
    assert ledger.next_for("a", "ab") is None
    for _ in range(5):
        ledger.landed(given(ledger, "b"))
    assert ledger.aside("ab") == {"a": "exit 5"}  # they succeeded elsewhere
    assert [len(ledger.done), len(ledger.moved), ledger.open] == [5, 2, False]


def test_success_between_failures_clears_a_machine() -> None:
    ledger = Ledger([planned(k) for k in range(3)])
    ledger.failed(given(ledger, "a"), "exit 5", machines=False)
    ledger.landed(given(ledger, "a"))
    ledger.failed(given(ledger, "a"), "exit 5", machines=False)
    assert ledger.aside("ab") == {}


def test_the_last_machine_is_never_set_aside() -> None:
    ledger = Ledger([planned(1), planned(2)])
    ledger.failed(given(ledger, "a", "a"), "no driver", machines=True)
    ledger.leave_hopeless("a")
    ledger.landed(given(ledger, "a", "a"))
    assert ledger.left == {planned(1).id: "no driver"}
