"""A results file begins with its header and ends with its footer, or is not there."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import fake_runs
import pytest

from harness.core import interrupt
from harness.core.arms import Arm, parse
from harness.core.errors import ResultsError
from harness.core.interpreter import ON, SWITCHED_ON
from harness.play.recording import Recording
from harness.results import store
from harness.venue.venue import Venue


def recording(place: Venue, out: Path) -> Recording:
    return Recording(out, "check", place, [], [], [])


def test_a_run_that_ends_before_its_header_leaves_no_file(
    place: Venue, tmp_path: Path
) -> None:
    out = tmp_path / "run.jsonl"
    with pytest.raises(KeyboardInterrupt), recording(place, out):
        raise KeyboardInterrupt
    assert not out.exists()


def test_a_header_that_cannot_be_written_leaves_no_file(
    place: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise ResultsError("run.jsonl cannot be written further: No space left on device")

    monkeypatch.setattr(store.Writer, "write", full)
    out = tmp_path / "run.jsonl"
    with pytest.raises(ResultsError, match="No space"), recording(place, out) as begun:
        begun.begin()
    assert not out.exists()


def test_a_signal_waits_for_the_footer(
    place: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = {
        number: signal.getsignal(number)
        for number in signal.valid_signals()
        if number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    }
    interrupt.install()
    out = tmp_path / "run.jsonl"
    foot = Recording._foot

    def signalled(self: Recording, reason: str) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        foot(self, reason)

    monkeypatch.setattr(Recording, "_foot", signalled)
    try:
        with pytest.raises(KeyboardInterrupt), recording(place, out) as begun:
            begun.begin()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    footer = store.read(out).footer
    assert footer is not None
    assert footer.reason == "complete"


def test_what_comes_before_the_header_is_written_after_it(
    place: Venue, tmp_path: Path
) -> None:
    check = fake_runs.check().checks[0]
    out = tmp_path / "run.jsonl"
    with recording(place, out) as begun:
        begun.write(check)
        assert not out.exists()
        begun.begin()
        begun.write(check)
    run = store.read(out)
    assert [found.cell for found in run.checks] == [check.cell] * 2
    assert run.footer is not None
    assert run.footer.checks == 2


def test_a_lock_that_an_import_switched_on_is_noted(place: Venue, tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    about = {"python": "CPython 3.14.1", "gil": SWITCHED_ON, "packages": {"x": "1"}}
    arms = [(parse("psqlpy%3.14t"), about), (Arm("asyncpg"), {"gil": ON})]
    with recording(place, out) as begun:
        begun.begin(arms)
    run = store.read(out)
    (note,) = run.notes
    assert (note.kind, note.arm) == ("gil", "psqlpy%3.14t")
    assert note.text == (
        "CPython 3.14.1 is free-threaded, but importing psqlpy switched its GIL on"
    )
    assert [arm.gil for arm in run.header.arms] == [SWITCHED_ON, ON]
    assert run.header.arms[0].packages == {"x": "1"}
