"""A run folded into a baseline: small, and compared as the run itself."""

from __future__ import annotations

import json
from pathlib import Path

import fake_runs
import pytest
from fake_runs import arm_facts, bench, changed
from msgspec.structs import replace

from harness.analysis.compare import compare
from harness.analysis.times import arm_times
from harness.cli.main import main
from harness.core.errors import EXIT_INVALID, EXIT_PASS, UsageError
from harness.report.baseline import fold
from harness.results import store
from harness.results.lines import encoded
from harness.results.records import Run

ARMS = [arm_facts("psycopg2"), arm_facts("asyncpg")]
ROWS = [*fake_runs.CELLS[:3], fake_runs.CELLS[10]]


def run(name: str = "before", seed: int = 1, **options) -> Run:
    made = {"rows": ROWS, "arms": ARMS, "rounds": 12, "noise": 0.004, **options}
    return bench(run=name, seed=seed, **made)


def written(found: Run, path: Path) -> Path:
    """A run as a file."""
    path.write_bytes(encoded([found.header, *found.trials, found.footer]))
    return path


def folded(found: Run, path: Path) -> Path:
    """Its baseline as a file."""
    path.write_bytes(encoded(fold(found)))
    return path


def with_troubles(trial):
    """A verdict without times, and a round that does not count."""
    if trial.arm == "psycopg2" and trial.cell.startswith("rows/"):
        return changed(trial, verdict="lossy", detail="one row short", slices=None)
    return changed(trial, disturbed="stolen" if trial.round == 3 else "")


def test_a_baseline_is_compared_as_its_run(tmp_path):
    base = run(override=with_troubles)
    kept = store.read(folded(base, tmp_path / "baseline.jsonl"))
    after = run("after", 2, factor={"asyncpg": 1.1})
    whole, small = compare(base, after), compare(kept, after)
    assert small.warnings == whole.warnings
    assert small.common_shift == pytest.approx(whole.common_shift, abs=1e-6)
    for old, new in zip(whole.changes, small.changes, strict=True):
        assert (new.cell, new.arm, new.change) == (old.cell, old.arm, old.change)
        assert new.reason == old.reason
        assert new.base_rounds == old.base_rounds
        assert (new.base_number is None) == (old.base_number is None)
        assert new.base_number == pytest.approx(old.base_number or new.base_number)
    assert {row.base_rounds for row in small.changes if row.base_number} == {11}


def test_the_times_of_cells_with_clients_are_kept(tmp_path):
    base = run(rows=fake_runs.CELLS[10:11])
    kept = arm_times(store.read(folded(base, tmp_path / "baseline.jsonl")))
    for key, side in arm_times(base).items():
        assert kept[key].by_round == pytest.approx(side.by_round, rel=1e-6)


def test_a_baseline_is_small_and_has_a_line_for_each_cell_and_arm(tmp_path):
    base = run(slices=32)
    file = folded(base, tmp_path / "baseline.jsonl")
    records = [json.loads(line)["record"] for line in file.read_text().splitlines()]
    assert records == ["header", *["rounds"] * len(ROWS) * len(ARMS), "footer"]
    assert file.stat().st_size < written(base, tmp_path / "run.jsonl").stat().st_size / 10


def test_verbs_make_a_baseline_and_compare_with_it(tmp_path, capsys):
    base = written(run(), tmp_path / "base.jsonl")
    after = written(run("after", 2), tmp_path / "after.jsonl")
    assert main(["report", str(base), "--format", "baseline", "--out", str(tmp_path)]) == 0
    kept = tmp_path / "baseline.jsonl"
    assert capsys.readouterr().out == f"{kept}\n"
    assert main(["compare", str(kept), str(after)]) == EXIT_PASS


def test_what_cannot_be_a_baseline():
    with pytest.raises(UsageError, match="it has no footer"):
        list(fold(run(truncated="it has no footer")))
    with pytest.raises(UsageError, match="it holds no times"):
        list(fold(fake_runs.check(drivers=("psycopg",), types=("int4",))))


# --- a baseline that does not fit -------------------------------------------------------


def other_definition(base: Run) -> Run:
    cells = [replace(cell, digest="other") for cell in base.header.cells]
    return replace(base, header=replace(base.header, cells=cells))


def other_machine(base: Run) -> Run:
    machine = replace(base.header.machine, cpu="another processor")
    return replace(base, header=replace(base.header, machine=machine))


def other_server(base: Run) -> Run:
    server = replace(base.header.server, version_num=160004, version="16.4")
    return replace(base, header=replace(base.header, server=server))


def newer_schema(base: Run) -> Run:
    return replace(base, header=replace(base.header, schema=999))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (other_definition, "not the same work: other definition"),
        (other_machine, "different machines: another processor"),
        (other_server, "different servers: PostgreSQL 16.4 and 18.4"),
        (newer_schema, "has schema 999; this pgdyno reads up to"),
    ],
)
def test_a_baseline_from_elsewhere_is_refused(tmp_path, capsys, spoil, said):
    base = tmp_path / "baseline.jsonl"
    base.write_bytes(encoded(fold(spoil(run()))))
    after = written(run("after", 2), tmp_path / "after.jsonl")
    assert main(["compare", str(base), str(after)]) == EXIT_INVALID
    told = capsys.readouterr()
    assert said in " ".join((told.out + told.err).split())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"wall_ps":[', '"wall_ps":[0,', "of different lengths"),
        ('"rounds":[0,1,', '"rounds":[1,1,', "rounds holds a round twice"),
        ('"wall_ps":[', '"wall_ps":[-', "a time of zero or less"),
        ('"wall_ps":[', '"wall_ps":[9', ""),
        ('"wall_ps":[', '"wall_ps":[9999999999', "or of more than a day"),
    ],
)
def test_a_line_that_nothing_measures_is_named(tmp_path, capsys, old, new, said):
    lines = folded(run(), tmp_path / "baseline.jsonl").read_text().splitlines(True)
    lines[1] = lines[1].replace(old, new, 1)
    base = tmp_path / "spoilt.jsonl"
    base.write_text("".join(lines))
    after = written(run("after", 2), tmp_path / "after.jsonl")
    code = main(["compare", str(base), str(after)])
    told = capsys.readouterr().err
    assert (code == EXIT_INVALID and f"{base}, line 2: " in told) == bool(said)
    assert said in told
