"""Every known defect must be found, by name, and cost only itself."""

from __future__ import annotations

import ctypes
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import checked, plain

from harness import scenario
from harness.core.arms import Arm
from harness.core.errors import DriverError
from harness.core.verdicts import Judgement, Verdict
from harness.play.process import WorkerProcess
from harness.play.seat import Deadlines, Seat
from harness.plugin import contract
from harness.validity import rejected, trials
from harness.venue.control import Control
from harness.venue.venue import Venue

pytestmark = pytest.mark.usefixtures("miniatures")

READS = """
schema = 1
title = "Rows"
why = "A small read and a small write."

[fixture]
scope = "trial"
sql = "create table t (a int)"

[[case]]
name = "rows"
op = "fetch_all"
sql = "select i, 'row ' || i from generate_series($1::int, $1::int + 4) i"
params = "select 100 * i from generate_series(1, 3) i"

[[case]]
name = "again"
op = "fetch_all"
sql = "select 1000 + i from generate_series(1, 3) i"

[[case]]
name = "write"
op = "execute"
sql = "insert into t values ($1)"
params = "select 7"
expect.state = "select a from t"

[[case]]
name = "copy-rows"
op = "copy_in"
requires = ["copy-rows"]
table = "t"
columns = ["a"]
rows = "select i from generate_series(1, 3) i"
expect.state = "select a from t"
"""


def check(place: Venue, folder: Path, name: str) -> dict[str, Judgement]:
    """The verdicts of a driver for every case above."""
    file = folder / "reads.toml"
    file.write_text(READS)
    found: dict[str, Judgement] = {}
    seat = Seat(
        plain(name), place.stage, place.control, folder, [], Deadlines(open=5, verify=2)
    )
    try:
        for cell in scenario.load(file).cells:
            play = place.stage.prepare(cell)
            judged = seat.open(play)
            if judged.verdict is Verdict.EXACT:
                judged = seat.verify(play)
            seat.close()
            found[cell.case] = judged
    finally:
        seat.dismiss()
    return found


def test_the_healthy_driver_is_exact(place: Venue, tmp_path: Path) -> None:
    found = check(place, tmp_path, "psycopg2")
    assert {case: one.verdict for case, one in found.items()} == {
        "rows": Verdict.EXACT,
        "again": Verdict.EXACT,
        "write": Verdict.EXACT,
        "copy-rows": Verdict.UNSUPPORTED,
    }
    assert "COPY from Python rows" in found["copy-rows"].detail


@pytest.mark.parametrize(
    ("name", "case", "verdict", "words"),
    [
        ("wrong-value", "rows", Verdict.LOSSY, "101"),
        ("wrong-type", "rows", Verdict.DIFFERS, "str"),
        (
            "cannot-bind",
            "rows",
            Verdict.REJECTED,
            "while building parameters: ValueError: no such parameter object",
        ),
        ("raw-bytes", "rows", Verdict.LOSSY, "bytes cannot be an int4"),
        ("one-short", "rows", Verdict.LOSSY, "4 rows instead of 5"),
        ("lazy", "rows", Verdict.BROKEN, "decoded after the op"),
        ("repeats", "rows", Verdict.LOSSY, "int4: '200'"),
        ("hangs", "rows", Verdict.HUNG, "no answer within 2 s"),
        ("segfaults", "rows", Verdict.CRASHED, "SIGSEGV"),
        ("panics", "rows", Verdict.BROKEN, "PanicException"),
        ("out-of-step", "rows", Verdict.BROKEN, "another query's answer"),
        ("no-commit", "write", Verdict.LOSSY, "0 rows afterwards instead of 1"),
    ],
)
def test_a_defect_is_found(
    place: Venue, tmp_path: Path, name: str, case: str, verdict: Verdict, words: str
) -> None:
    judged = check(place, tmp_path, name)[case]
    assert judged.verdict is verdict, judged
    assert words in f"{judged.detail} {judged.observed} {judged.expected}"


@pytest.mark.parametrize("name", ["hangs", "segfaults"])
def test_a_dead_worker_costs_only_its_cell(place: Venue, tmp_path: Path, name: str) -> None:
    assert check(place, tmp_path, name)["write"].verdict is Verdict.EXACT


def test_a_false_capability_is_charged_to_nobody_but_the_plugin(
    place: Venue, tmp_path: Path
) -> None:
    judged = check(place, tmp_path, "false-capability")["copy-rows"]
    assert judged.verdict is not Verdict.EXACT
    assert judged.detail


def test_what_a_driver_prints_disturbs_nobody(place: Venue, tmp_path: Path) -> None:
    worker = WorkerProcess(Arm("chatty"), tmp_path, [])
    worker.greet()
    worker.stop()
    assert check(place, tmp_path, "chatty")["rows"].verdict is Verdict.EXACT


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("crash-at-import", "cannot be imported: RuntimeError: broken at import"),
        ("missing-library", "is not installed"),
        ("no-version", "does not report its version"),
        ("not-a-driver", "`kind` must be 'sync', 'async' or 'program'"),
        ("unknown-capability", "unknown capability teleportation"),
        ("psycopg2+turbo", "has no option 'turbo'"),
        ("no-such-driver", "there is no driver 'no-such-driver'"),
    ],
)
def test_a_plugin_that_keeps_no_contract_is_one_clear_error(name: str, words: str) -> None:
    with pytest.raises(DriverError, match=words.replace("'", ".")):
        contract.load(contract.parse_arm(name))


def test_the_same_error_reaches_the_parent_of_a_worker(tmp_path: Path) -> None:
    worker = WorkerProcess(Arm("crash-at-import"), tmp_path, [])
    with pytest.raises(DriverError, match="broken at import"):
        worker.greet()
    assert not worker.alive


def test_a_checker_goes_on_after_a_crash(place: Venue, tmp_path: Path) -> None:
    file = tmp_path / "reads.toml"
    file.write_text(READS)
    cells = scenario.load(file).cells
    arms = [Arm("segfaults", profile="default"), Arm("psycopg2", profile="default")]
    checks = checked(place, tmp_path, cells, arms)
    verdicts = {(one.driver, one.case): one.verdict for one in checks}
    assert verdicts["segfaults", "rows"] == "crashed"
    assert verdicts["segfaults", "again"] == "crashed"
    assert verdicts["segfaults", "write"] == "exact"
    assert verdicts["psycopg2", "rows"] == "exact"
    assert len(checks) == len(cells) * len(arms)


def test_verdicts_travel_as_json(place: Venue, tmp_path: Path) -> None:
    found = check(place, tmp_path, "wrong-value")["rows"]
    assert json.loads(json.dumps(found.verdict.value)) == "lossy"


def test_leftover_schemas_of_a_killed_run_are_dropped(place: Venue) -> None:
    with Control(place.server.target) as dead:
        dead.run("create schema pgdyno_0000001_0")
    place.stage.remove_leftovers()
    left = place.control.value(
        "select count(*) from pg_namespace where nspname ~ '0000001'"
    )
    assert left == "0"


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="only glibc tells about its allocator",
)
def test_a_worker_starts_with_a_warm_allocator(tmp_path: Path) -> None:
    worker = WorkerProcess(Arm("allocates"), tmp_path, [])
    try:
        assert worker.greet()["terms"]["pool"] == "0 mapped"
    finally:
        worker.kill()


# --- before anything is timed -------------------------------------------------------------


def test_all_broken_drivers_are_rejected_before_they_are_timed(
    place: Venue, tmp_path: Path
) -> None:
    outcomes = {one.test: one for one in rejected.rejected(place, tmp_path)}
    assert not [one for one in outcomes.values() if not one.ok]
    assert len(outcomes) == len(rejected.DEFECTS) + 3
    for what, words in {
        "rows are decoded after the op": "decoded after the op",
        "numbers come as bytes": "bytes cannot be an int4",
        "the last row is missing": "4 rows instead of 5",
        "a write is not committed": "0 rows afterwards instead of 1",
        "a transaction is left open": "its session is idle in transaction",
        "BEGIN and COMMIT besides": "is not the cell's: COMMIT",
        "parameters are put into the SQL": "put the parameters into the SQL",
        "answers come from memory": "sent nothing to the server",
    }.items():
        assert words in outcomes[f"a broken driver: {what}"].measured
    seen = outcomes["a broken driver: parameters are put into the SQL"].measured
    assert re.search(r"generate_series\(([123]00)::int, \1::int \+ 4\)", seen), seen


def test_every_broken_driver_of_the_package_is_played() -> None:
    with trials.findable():
        ours = importlib.metadata.distribution("pgdyno-broken").entry_points
    assert {one.name for one in ours} == {one.driver for one in rejected.DEFECTS}


def test_broken_drivers_are_found_only_while_they_are_played() -> None:
    code = (
        "from harness.plugin.contract import entry_points\n"
        "from harness.validity.trials import findable\n"
        "before = set(entry_points())\n"
        "with findable():\n"
        "    assert set(entry_points()) > before\n"
        "assert set(entry_points()) == before\n"
        "assert not before & {'lazy', 'spiked-leak'}\n"
    )
    # Not in this process, where a fixture makes them findable.
    clean = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", code], env=clean, check=True)


LEFT = """
schema = 1
title = "What is left in a session"
why = "Cells of one kind share it."

[[case]]
name = "leaves"
op = "fetch_all"
sql = "select 1 as v"

[[case]]
name = "fails"
op = "fetch_val"
sql = "select 1 / $1::int as v"
params = "select 0"
expect.error = { sqlstate = "22012" }
"""


def test_what_one_cell_leaves_in_a_session_is_not_charged_to_the_next(
    place: Venue, tmp_path: Path
) -> None:
    file = tmp_path / "left.toml"
    file.write_text(LEFT)
    cells = scenario.load(file).cells
    checks = checked(place, tmp_path, cells, [plain("leaves-transaction")])
    assert {one.case: one.judgement.verdict for one in checks} == {
        "leaves": Verdict.EXACT,
        "fails": Verdict.EXACT,
    }
