"""Which passes count: told by who waited, never by how long a slice took."""

from __future__ import annotations

import pytest

from harness.machine.screening import WAITING_LIMIT, Turn, left_out, own_waiting

MS = 1_000_000


def turns(
    *waited_ms: float | None, wall_ms: float = 4.0, worked_ms: float = 0.0
) -> list[Turn]:
    return [
        Turn(
            round(wall_ms * MS),
            None if waited is None else round(waited * MS),
            round(worked_ms * MS),
        )
        for waited in waited_ms
    ]


def test_a_pass_in_which_one_arm_waited_is_left_out_for_all():
    block = {"a": turns(0, 0, 3, 0), "b": turns(0, 0, 0, 0), "c": turns(1, 0, 0, 0)}
    assert left_out(block, exact=True) == [0, 2]


def test_a_slow_pass_in_which_nobody_waited_stays():
    block = {"a": [Turn(4 * MS, 0), Turn(400 * MS, 0)], "b": turns(0, 0)}
    assert left_out(block, exact=True) == []


@pytest.mark.parametrize(("share", "found"), [(WAITING_LIMIT, []), (0.031, [1])])
def test_the_limit_is_a_share_of_the_slice(share: float, found: list[int]):
    block = {"a": [Turn(4 * MS, 0), Turn(4 * MS, round(share * 4 * MS))]}
    assert left_out(block, exact=True) == found


def test_what_client_and_backend_always_wait_for_each_other_is_their_own():
    block = {"a": turns(1, 1.1, 1, 0.9, 3), "b": turns(0, 0, 0, 0, 0)}
    assert left_out(block, exact=False) == [4]
    assert left_out(block, exact=True) == [0, 1, 2, 3, 4]


def test_a_backend_that_comes_to_the_clients_core_disturbs_nobody():
    beside = turns(0, 0, 0, 0, worked_ms=3.9)
    together = turns(1.5, 1.5, worked_ms=3.9)
    assert left_out({"a": beside + together}, exact=False) == []
    disturbed = turns(1.5, worked_ms=2.5)  # the rest somebody else had
    assert left_out({"a": beside + together + disturbed}, exact=False) == [6]
    assert left_out({"a": beside + together}, exact=True) == [4, 5]


def test_who_always_waits_beside_others_is_seen_where_only_others_can_make_it_wait():
    block = {"alone": turns(2, 2, 2, 2)}
    assert left_out(block, exact=True) == [0, 1, 2, 3]
    assert left_out(block, exact=False) == []  # its own doing, for all that it can tell


def test_what_the_host_took_is_left_out():
    block = {"a": turns(0, 0, 0)}
    assert left_out(block, stolen=[0.03, 0.04, 0.0], exact=True) == [1]


def test_where_the_kernel_does_not_tell_every_pass_counts():
    assert left_out({"a": turns(None, None), "b": turns(None, None)}, exact=True) == []
    assert left_out({}, exact=False) == []


def test_own_waiting_is_a_lower_quartile():
    assert own_waiting(turns(0, 1, 2, 3, 4, wall_ms=10)) == pytest.approx(0.1)
    assert own_waiting(turns(2)) == own_waiting([]) == 0.0
