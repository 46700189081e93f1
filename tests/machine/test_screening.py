"""Which passes count: told by who waited, never by how long a slice took."""

from __future__ import annotations

import pytest

from harness.machine.screening import WAITING_LIMIT, Turn, left_out, own_waiting

MS = 1_000_000


def turns(*waited_ms: float | None, wall_ms: float = 4.0) -> list[Turn]:
    return [
        Turn(round(wall_ms * MS), None if waited is None else round(waited * MS))
        for waited in waited_ms
    ]


def test_a_pass_in_which_one_arm_waited_is_left_out_for_all():
    block = {"a": turns(0, 0, 3, 0), "b": turns(0, 0, 0, 0), "c": turns(1, 0, 0, 0)}
    assert left_out(block, exact={"a", "b", "c"}) == [0, 2]


def test_a_slow_pass_in_which_nobody_waited_stays():
    block = {"a": [Turn(4 * MS, 0), Turn(400 * MS, 0)], "b": turns(0, 0)}
    assert left_out(block, exact={"a", "b"}) == []


@pytest.mark.parametrize(("share", "found"), [(WAITING_LIMIT, []), (0.031, [1])])
def test_the_limit_is_a_share_of_the_slice(share: float, found: list[int]):
    block = {"a": [Turn(4 * MS, 0), Turn(4 * MS, round(share * 4 * MS))]}
    assert left_out(block, exact={"a"}) == found


def test_what_the_threads_of_an_arm_wait_for_each_other_is_its_own():
    block = {"threads": turns(1, 1.1, 1, 0.9, 3), "alone": turns(0, 0, 0, 0, 0)}
    assert left_out(block, exact={"alone"}) == [4]
    assert left_out(block, exact={"alone", "threads"}) == [0, 1, 2, 3, 4]


def test_who_always_waits_beside_others_is_seen_where_only_others_can_make_it_wait():
    block = {"alone": turns(2, 2, 2, 2)}
    assert left_out(block, exact={"alone"}) == [0, 1, 2, 3]
    assert left_out(block, exact=set()) == []  # its own doing, for all that it can tell


def test_what_the_host_took_is_left_out():
    block = {"a": turns(0, 0, 0)}
    assert left_out(block, {"a"}, stolen=[0.03, 0.04, 0.0]) == [1]


def test_where_the_kernel_does_not_tell_every_pass_counts():
    assert left_out({"a": turns(None, None), "b": turns(None, None)}, exact={"a"}) == []
    assert left_out({}, exact=set()) == []


def test_own_waiting_is_a_lower_quartile():
    assert own_waiting(turns(0, 1, 2, 3, 4, wall_ms=10)) == pytest.approx(0.1)
    assert own_waiting(turns(2)) == own_waiting([]) == 0.0
