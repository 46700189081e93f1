"""What holds of equal arms and of a hog is asked under a condition, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import Silent

from harness.cli.main import main
from harness.core.conditions import Condition
from harness.core.errors import EXIT_USAGE, ResultsError
from harness.results import store
from harness.servers.routes import Routes
from harness.validity import interference, live, suite
from harness.validity.outcome import Outcome
from harness.venue.venue import Venue

SOCKET = Condition("unix")
POOLER = Condition("pgbouncer")


def asked(place: Venue, folder: Path, condition: Condition) -> Iterator[Outcome]:
    parts = suite.under([condition], blocks=1)
    return suite.run(suite.Workbench(place, folder, Silent()), parts)


def test_equal_arms_are_compared_under_the_condition(
    place: Venue, quiet: None, tmp_path: Path
) -> None:
    series = live.Series(tmp_path, 1, 1, 4, burdens=(), condition=SOCKET)
    live.measure(place, series, Silent())
    (cell,) = store.read(series.file(0)).header.cells
    assert cell.id == f"{live.CELL}[via=unix]"
    (outcome,) = live.false_alarms(live.read(series))
    assert outcome.test == "A/A, idle · Unix socket"
    assert outcome.ok


def test_trials_of_each_condition_have_files_of_their_own(tmp_path: Path) -> None:
    ways = [SOCKET, POOLER, Condition(rtt_ms=0.2), Condition()]
    names = [live.Series(tmp_path, 1, 8, 40, condition=way).name for way in ways]
    assert names == [
        "idle-via=unix-8x40",
        "idle-via=pgbouncer-8x40",
        "idle-rtt=0.2-8x40",
        "idle-8x40",
    ]


def test_a_hog_comes_and_goes_under_the_condition(place: Venue, quiet: None) -> None:
    hit, off = interference.noticed(place, 1, SOCKET)
    assert hit.test.endswith("· Unix socket")
    assert hit.measured in ("0 of 1", "1 of 1")
    assert off.test == "a hog switched off: false flags · Unix socket"


def test_drivers_that_were_not_timed_make_no_quiet_block(
    place: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interference, "DRIVERS", ("asyncpg", "psqlpy"))
    monkeypatch.setattr(interference, "CELL", "pipeline/inserts#pipeline@statements=100")
    with pytest.raises(ResultsError, match=r"asyncpg in .*: unsupported"):
        next(interference.noticed(place, 1))


def test_a_condition_that_cannot_be_had_is_no_pass(
    place: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.servers.bouncer.found", lambda: None)
    monkeypatch.setattr(place.stage, "routes", Routes(place.server))
    (outcome,) = asked(place, tmp_path / "kept", POOLER)
    assert outcome.test == "A/A, idle · PgBouncer"
    assert "there is no pgbouncer program" in outcome.measured
    assert not outcome.ok


def test_a_condition_without_a_measurement_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor", "--via", "tls"]) == EXIT_USAGE
    assert "doctor --validate --via tls" in capsys.readouterr().err
