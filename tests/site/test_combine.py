"""`pgdyno combine`: real bundles become a site; halves are the whole; what is refused."""

from __future__ import annotations

import filecmp
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from site_runs import asked, hostile

from harness.cli.main import main
from harness.results import store
from harness.results.lines import encoded
from harness.results.records import Run

REAL = Path(__file__).parents[1] / "results" / "files" / "schema-2.jsonl"
"""A run of a real server and two real drivers: times and verdicts of every kind."""


def split(path: Path, folder: Path) -> list[Path]:
    """A run in two: every other scenario, with its records."""
    header, *records, footer = map(json.loads, path.read_text().splitlines())
    cells = {cell["id"] for cell in header["cells"]}
    cells |= {record["cell"] for record in records if record.get("cell")}
    scenarios = sorted({cell.partition("#")[0] for cell in cells})
    return [
        _part(
            folder / f"{number}.jsonl", header, records, footer, set(scenarios[number::2])
        )
        for number in (0, 1)
    ]


def _part(path, header, records, footer, own) -> Path:
    def belongs(cell: str) -> bool:
        return not cell or cell.partition("#")[0] in own

    kept = [record for record in records if belongs(record.get("cell", ""))]
    cells = [cell for cell in header["cells"] if belongs(cell["id"])]
    told = {
        name: sum(record["record"] == kind for record in kept)
        for name, kind in (("trials", "trial"), ("checks", "check"))
    }
    lines = [{**header, "cells": cells}, *kept, {**footer, **told}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def written(run: Run, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    footer = replace(run.footer, checks=len(run.checks))
    path.write_bytes(encoded([run.header, *run.checks, footer]))
    return path


@pytest.fixture
def collect(tmp_path: Path) -> Callable[..., Path]:
    """Bundles of runs, made by the verb."""

    def collect(name: str, *runs: Path) -> Path:
        out = tmp_path / f"{name}.pgdyno.zip"
        assert main(["collect", *map(str, runs), "--out", str(out)]) == 0
        return out

    return collect


def combine(out: Path, *bundles: Path) -> int:
    return main(["combine", *map(str, bundles), "--out", str(out)])


def same(first: Path, second: Path) -> list[str]:
    """The files in which two folders differ; they must have some."""
    ours, theirs = (
        {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
        for folder in (first, second)
    )
    assert len(ours & theirs) > 20
    _, mismatch, errors = filecmp.cmpfiles(first, second, ours & theirs, shallow=False)
    return [*mismatch, *errors, *(ours ^ theirs)]


def test_two_halves_are_the_whole(tmp_path, collect, capsys):
    first, second = split(REAL, tmp_path)
    halves = collect("first", first), collect("second", second)
    whole = collect("whole", REAL)
    assert combine(tmp_path / "a", whole) == 0
    assert combine(tmp_path / "b" / "deeper", *halves) == 0
    assert combine(tmp_path / "c", *reversed(halves), halves[0]) == 0
    assert same(tmp_path / "a", tmp_path / "b" / "deeper") == []
    assert same(tmp_path / "a", tmp_path / "c") == []
    told = capsys.readouterr().out.splitlines()[-1]
    assert told == f"{tmp_path / 'c' / 'index.html'}: 4 drivers in 4 versions from 1 run"


def test_a_site_tells_nothing_of_where_it_was_made(tmp_path, collect):
    assert combine(tmp_path / "site", collect("whole", REAL)) == 0
    for file in (tmp_path / "site").rglob("*"):
        if file.is_file():
            assert str(tmp_path).encode() not in file.read_bytes(), file


def test_what_is_there_is_replaced_and_nothing_lies_beside(tmp_path, collect):
    bundle = collect("whole", REAL)
    (tmp_path / "out").mkdir()
    for _ in range(2):
        assert combine(tmp_path / "out" / "site", bundle) == 0
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["site"]


def test_two_machines_stand_side_by_side(tmp_path, collect):
    verdicts = {"types/text#a": "exact", "types/text#b": "exact"}
    here = written(asked(verdicts), tmp_path / "here.jsonl")
    other = asked(verdicts | {"types/text#b": "lossy"}, run="aa02", machine="e4f5a6b7c8d9")
    there = written(other, tmp_path / "there.jsonl")
    out = tmp_path / "site"
    assert combine(out, collect("here", here), collect("there", there)) == 0
    (version,) = json.loads((out / "data/index.json").read_text())["versions"]
    assert (version["right"], version["asked"]) == (1, 2)
    assert version["differing"] == ["types/text#b"]
    page = (out / "scenarios/types-text.html").read_text()
    assert "differs between machines" in page


def digested(run: Run, digest: str, pgdyno: str) -> Run:
    """The same run, made with another pgdyno in which the last question asks other work."""
    *cells, last = (replace(cell, digest="2:0123456789abcdef") for cell in run.header.cells)
    cells.append(replace(last, digest=digest))
    return replace(run, header=replace(run.header, cells=cells, pgdyno=pgdyno))


def test_another_catalogue_is_refused_and_both_are_named(tmp_path, collect, capsys):
    verdicts = {"types/text#a": "exact", "types/text#b": "exact"}
    ours = digested(asked(verdicts), "2:0123456789abcdef", "0.1.0")
    more = verdicts | {"types/text#0": "exact"}
    theirs = asked(dict(sorted(more.items())), run="aa02")
    theirs = digested(theirs, "2:fedcba9876543210", "9.9")
    first = collect("first", written(ours, tmp_path / "1.jsonl"))
    second = collect("second", written(theirs, tmp_path / "2.jsonl"))
    assert combine(tmp_path / "site", first, second) == 4
    told = capsys.readouterr().err
    assert "first.pgdyno.zip (pgdyno 0.1.0)" in told
    assert "second.pgdyno.zip (pgdyno 9.9)" in told
    assert "1 of the 2 questions of both ask other work: types/text#b; " in told
    assert "0 questions are only in the first, 1 only in the second" in told
    assert not (tmp_path / "site").exists()
    assert not list(tmp_path.glob(".site*"))


def test_a_part_of_a_catalogue_fits_the_whole(tmp_path):
    whole = written(asked(dict.fromkeys("ab", "exact")), tmp_path / "whole.jsonl")
    part = written(asked({"b": "exact"}, run="aa02"), tmp_path / "part.jsonl")
    assert combine(tmp_path / "site", whole, part) == 0


def test_hostile_runs_make_a_site_and_nothing_beside_it(tmp_path):
    files = [
        written(run, tmp_path / "runs" / f"{number}.jsonl")
        for number, run in enumerate(hostile())
        if run.checks
    ]
    assert combine(tmp_path / "out" / "site", *files) == 0
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["site"]
    reports = list((tmp_path / "out" / "site" / "runs").iterdir())
    assert len(reports) == 2
    assert all("~" in file.name for file in reports)


def test_a_schema_that_nobody_knows_is_refused_by_the_name_of_its_bundle(tmp_path, capsys):
    run = asked({"types/text#a": "exact"})
    new = replace(run, header=replace(run.header, schema=99))
    path = written(new, tmp_path / "new.jsonl")
    assert combine(tmp_path / "site", REAL, path) == 4
    told = capsys.readouterr().err
    assert f"{path} has schema 99" in told
    assert not (tmp_path / "site").exists()


def test_a_run_in_which_everything_failed_is_withheld(tmp_path, collect, capsys):
    down = asked({"types/text#a": "rejected"}, run="dead")
    dead = collect("dead", written(down, tmp_path / "dead.jsonl"))
    out = tmp_path / "site"
    assert combine(out, dead, collect("whole", REAL)) == 0
    told = "run dead: nothing is exact; 1 of 1 times because: types/text#a is rejected"
    assert f"pgdyno: withheld: {told}" in capsys.readouterr().err
    assert told in (out / "index.html").read_text()
    assert not (out / "data/runs/dead.jsonl").exists()
    assert not (out / "runs/dead.html").exists()


def test_nothing_but_failures_makes_no_site(tmp_path, capsys):
    down = written(asked({"types/text#a": "hung"}, run="dead"), tmp_path / "dead.jsonl")
    assert combine(tmp_path / "site", REAL) == 0
    before = (tmp_path / "site" / "index.html").read_bytes()
    assert combine(tmp_path / "site", down) == 4
    assert "no run says anything, so there is no site: run dead" in capsys.readouterr().err
    assert (tmp_path / "site" / "index.html").read_bytes() == before


def test_two_runs_that_say_they_are_one_are_refused_by_the_names_of_their_bundles(
    tmp_path, collect, capsys
):
    head, *rest = (record for _, record in store.records(REAL) if record is not None)
    edited = tmp_path / "edited.jsonl"
    edited.write_bytes(encoded([replace(head, pgdyno="0.0.9"), *rest]))
    whole, other = collect("whole", REAL), collect("other", edited)
    assert combine(tmp_path / "site", whole, other) == 4
    said = " ".join(capsys.readouterr().err.split())
    assert f"is in {other} and {whole}" in said
    assert "are not parts of one run" in said
    assert not (tmp_path / "site").exists()


def test_a_run_that_was_cut_is_left_out_and_told(tmp_path, capsys):
    cut = tmp_path / "cut.jsonl"
    run = asked({"types/text#a": "exact"}, run="dead")
    cut.write_bytes(encoded([run.header, *run.checks]))
    assert combine(tmp_path / "site", REAL, cut) == 0
    assert "withheld: run cut: was cut: it has no footer" in capsys.readouterr().err


def test_a_file_that_is_no_bundle_is_refused(tmp_path, capsys):
    (tmp_path / "letter.pgdyno.zip").write_text("dear")
    assert combine(tmp_path / "site", tmp_path / "letter.pgdyno.zip") == 4
    assert "letter.pgdyno.zip" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_a_site_needs_neither_drivers_nor_servers(tmp_path):
    """What a site is made with must not load what it is made of."""
    code = (
        "import sys\nfrom harness.cli.main import main\n"
        f"code = main(['combine', {str(REAL)!r}, '--out', {str(tmp_path / 'site')!r}])\n"
        "ours = [name.split('.') for name in sys.modules if 'harness.' in name]\n"
        "names = {parts[1] for parts in ours}\n"
        "print(sorted(names & {'play', 'venue', 'servers', 'drivers', 'bench'}))\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
