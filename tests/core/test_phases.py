"""A run is in one phase at a time, and all its time is in one of them."""

from __future__ import annotations

from harness.core.phases import Phase, PhaseClock


class Clock:
    """A clock that is told the time."""

    now = 0

    def __call__(self) -> int:
        return self.now


def test_an_inner_phase_stops_the_outer_one():
    clock = Clock()
    phases = PhaseClock(clock)
    clock.now = 5
    with phases.phase(Phase.READY):
        clock.now = 15
        with phases.phase(Phase.RESETTING):
            clock.now = 18
        clock.now = 20
    clock.now = 21
    assert phases.spent_ns() == {
        Phase.READY.value: 12,
        Phase.REST.value: 6,
        Phase.RESETTING.value: 3,
    }


def test_what_somebody_else_tells_later_is_moved():
    clock = Clock()
    phases = PhaseClock(clock)
    with phases.phase(Phase.LEAD_IN):
        clock.now = 100
        phases.move(70, Phase.LEAD_IN, Phase.TIMED)
    assert phases.spent_ns() == {Phase.TIMED.value: 70, Phase.LEAD_IN.value: 30}


def test_a_phase_ends_with_what_ends_it():
    clock = Clock()
    phases = PhaseClock(clock)
    try:
        with phases.phase(Phase.TIMED):
            clock.now = 2
            raise ZeroDivisionError
    except ZeroDivisionError:
        clock.now = 3
    assert phases.spent_ns() == {Phase.TIMED.value: 2, Phase.REST.value: 1}
