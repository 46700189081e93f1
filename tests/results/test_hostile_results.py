"""Results files that nobody wrote: the end is a clean error or a report."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fake_runs
import pytest
from msgspec.structs import replace

import pgdyno
from harness.cli import main
from harness.core.errors import PgdynoError, ResultsError
from harness.core.verdicts import EXACT
from harness.lanes.instructions.record import Count
from harness.lanes.memory.record import Footprint, Memory
from harness.report.baseline import fold
from harness.results import store
from harness.results.records import OpenLoop, Rounds, Run
from harness.results.store import Writer

ARMS = [fake_runs.arm_facts(name) for name in ("psycopg", "asyncpg")]
ARMS.append(fake_runs.arm_facts("psycopg (A/A)", twin="psycopg"))


def bench() -> Run:
    """Trials with slices, passes left out, latencies, open loops; references, too."""
    run = fake_runs.bench(
        rows=[*fake_runs.CELLS[:2], fake_runs.CELLS[10]],
        arms=ARMS,
        rounds=6,
        slices=6,
        latency=True,
        notes=fake_runs.NOTES,
        override=fake_runs.beside_a_hog,
    )
    run = fake_runs.with_phases(fake_runs.with_references(run))
    facts = replace(fake_runs.cell_facts(fake_runs.CELLS[3]), arrivals="uniform", rate=1000)
    loop = OpenLoop(planned_ns=10**9, lag_ns=[5, 6], response_ns=[900, 950], cpu_ns=7)
    open_loops = [
        replace(trial, cell=facts.id, slices=None, latency_ns=[], open_loop=loop)
        for trial in run.trials
        if trial.cell == run.header.cells[0].id and trial.arm != "pgbench"
    ]
    header = replace(run.header, cells=[*run.header.cells, facts])
    return replace(run, header=header, trials=[*run.trials, *open_loops])


def other(lane: str, *made: Any) -> Run:
    """A run of another lane: these records instead of trials."""
    run = fake_runs.bench(rows=fake_runs.CELLS[:1], arms=ARMS[:2], rounds=1)
    header = replace(run.header, lane=lane)
    return replace(run, header=header, trials=[], lane_records=list(made))


def memory() -> Run:
    held = Memory(
        import_bytes=30_000_000,
        session_bytes=31_000_000,
        peak_bytes=40_000_000,
        page_bytes=4096,
        lead=10,
        ops=1000,
        loop_bytes=[31_000_000 + step * 4096 for step in range(8)],
        sessions=[1, 5, 9],
        sessions_bytes=[31_000_000, 33_000_000, 35_000_000],
        server_bytes=[9_000_000],
    )
    cell = fake_runs.cell_facts(fake_runs.CELLS[0]).id
    return other(
        "memory",
        *(
            Footprint(cell=cell, arm=arm.id, repeat=repeat, judgement=EXACT, memory=held)
            for repeat in range(3)
            for arm in ARMS[:2]
        ),
    )


def instructions() -> Run:
    cell = fake_runs.cell_facts(fake_runs.CELLS[0]).id
    return other(
        "instructions",
        *(
            Count(
                cell=cell,
                arm=arm.id,
                repeat=repeat,
                judgement=EXACT,
                counter="callgrind 3.22",
                low_ops=10,
                high_ops=110,
                low_instructions=1_000_000,
                high_instructions=6_000_000 + repeat,
                low_syscalls=30,
                high_syscalls=230,
            )
            for repeat in range(2)
            for arm in ARMS[:2]
        ),
    )


def baseline() -> Run:
    """A folded run: its lines stand where trials would."""
    run = bench()
    lines = [record for record in fold(run) if isinstance(record, Rounds)]
    return replace(run, trials=lines)


RUNS: dict[str, Callable[[], Run]] = {
    "bench": bench,
    "baseline": baseline,
    "check": lambda: fake_runs.check(drivers=("psycopg", "psqlpy"), types=("int4", "uuid")),
    "memory": memory,
    "instructions": instructions,
}


def lines_of(run: Run) -> list[bytes]:
    """A run as the lines of its file."""
    import msgspec

    all_records = (
        run.header,
        *run.trials,
        *run.lane_records,
        *run.checks,
        *run.notes,
        run.footer,
    )
    return [msgspec.json.encode(record) for record in all_records]


# --- mutants --------------------------------------------------------------------------

VALUES: list[Any] = [
    0, -1, 1, 2, 2**31, 2**62, 2**63 - 1, 2**63, -(2**63), 10**400, 0.5, 1e308, -0.0,
    "", "exact", "perfect", "\x1b[31m\u202e", "\ud800", "x" * 10_000, None, True,
    [], [0], [-5, 3], [1, 2, 3], ["a"], {}, {"a": 1}, [[[[]]]],
]  # fmt: skip
BYTES = [b"\xff\xfe", b"\x00", b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"[" * 5000,
         b'{"a":' * 3000, b"\n", b"\r", b'"', b"}", b"\xed\xa0\x80"]  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a JSON value with each of its keys."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def with_another_value(rng: random.Random, line: bytes) -> bytes:
    record = json.loads(line)
    inside, key = rng.choice(list(places(record)))
    if rng.random() < 0.15:
        del inside[key]
    else:
        inside[key] = rng.choice(VALUES)
    return json.dumps(record).encode()


def with_other_bytes(rng: random.Random, line: bytes) -> bytes:
    at = rng.randrange(len(line))
    return line[:at] + rng.choice(BYTES) + line[at + rng.randrange(3) :]


def mutant(rng: random.Random, lines: list[bytes]) -> bytes:
    """A file with one to three things wrong."""
    lines = list(lines)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = 0 if rng.random() < 0.2 else rng.randrange(len(lines))
        kind = rng.random()
        if kind < 0.7:
            try:
                lines[at] = with_another_value(rng, lines[at])
            except (ValueError, IndexError):
                continue  # it was spoilt before
        elif kind < 0.85:
            lines[at] = with_other_bytes(rng, lines[at] or b" ")
        elif kind < 0.9:
            lines[at] = lines[rng.randrange(len(lines))]
        elif kind < 0.95:
            lines.insert(at, lines[rng.randrange(len(lines))])
        else:
            del lines[at]
        lines = lines or [b""]
    whole = b"\n".join(lines) + b"\n"
    return whole[: rng.randrange(len(whole))] if rng.random() < 0.05 else whole


def ends_cleanly(*arguments: object) -> None:
    """A verb ends with an exit code of its own, whatever it reads."""
    assert main.main([str(argument) for argument in arguments]) in (0, 1, 2, 3, 4)


@pytest.mark.parametrize("kind", RUNS)
def test_mutants_end_in_a_report_or_in_a_clean_error(kind, tmp_path, capsys):
    rng = random.Random(f"mutants of {kind}")
    lines = lines_of(RUNS[kind]())
    whole = tmp_path / "whole.jsonl"
    whole.write_bytes(b"\n".join(lines) + b"\n")
    arms = ("--base", "psycopg", "--candidate", "asyncpg")
    read = 0
    for number in range(int(os.environ.get("PGDYNO_TEST_MUTANTS", "40"))):
        file = tmp_path / f"{number}.jsonl"
        file.write_bytes(mutant(rng, lines))
        try:
            store.read(file)
        except ResultsError:
            ends_cleanly("report", file, "--format", "text", "--out", tmp_path / "out")
            continue
        read += 1
        forms = "text" if read % 3 else "text,markdown,html,csv,json"
        ends_cleanly("report", file, "--format", forms, "--out", tmp_path / "out")
        ends_cleanly("compare", whole, file)
        ends_cleanly("compare", file, file, *arms)
        ends_cleanly("diff", "psycopg", "psqlpy", "--from", file)
    assert read  # some mutants are told apart only by what they say
    capsys.readouterr()


# --- what is refused, and where ---------------------------------------------------------


def spoilt(tmp_path: Path, name: str, value: Any, record: str = "trial") -> Path:
    """A file whose first record of a kind has another value."""
    lines = [json.loads(line) for line in lines_of(bench())]
    found = next(one for one in lines if one["record"] == record)
    *way, last = name.split(".")
    for step in way:
        found = found[int(step) if step.isdigit() else step]
    found[last] = value
    file = tmp_path / "spoilt.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in lines))
    return file


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("slices.wall_ns", [0] * 6, "line 2: slices.wall_ns holds a time of zero or less"),
        ("slices.wall_ns", [-4] * 6, "line 2: slices.wall_ns holds a time of zero"),
        ("slices.ops", 0, "line 2: slices.ops is 0: a slice has at least one op"),
        ("slices.ops", -3, "line 2: slices.ops is -3"),
        ("slices.cpu_ns", [1], "line 2: the lists of its slices are of different lengths"),
        ("judgement.verdict", "perfect", "line 2: Invalid enum value 'perfect'"),
        ("round", 2**70, "line 2: Expected `int` <= 9223372036854775807 - at `$.round`"),
        ("round", -(2**70), "line 2: Expected `int` >= -9223372036854775808"),
        ("slices.wall_ns", [2**63] * 6, "line 2: Expected `int` <= 9223372036854775807"),
        ("rss_peak_bytes", 10**400, "line 2: Expected `int` <= 9223372036854775807"),
        ("judgement.facts", {"bytes": 2**63}, "line 2: judgement.facts.bytes is a number"),
        ("slices.ops", 0.5, "line 2: Expected `int`, got `float`"),
        ("slices.client_wait_ns", [1], "line 2: the lists of its slices are of different"),
        ("left_out", [3, 1], "line 2: left_out names its passes out of order or twice"),
        ("left_out", [2, 2], "line 2: left_out names its passes out of order or twice"),
        ("left_out", [-1, 2], "line 2: left_out names a pass that is not there"),
        ("left_out", [6], "line 2: left_out names a pass that is not there"),
        ("left_out", [*range(6)], "line 2: left_out names all of its passes"),
        ("left_out", [0.5], "line 2: Expected `int`, got `float`"),
    ],
)
def test_a_trial_that_nobody_measured(tmp_path, capsys, name, value, words):
    file = spoilt(tmp_path, name, value)
    for verb in (
        ("report", file, "--format", "text", "--out", tmp_path / "out"),
        ("compare", file, file, "--base", "psycopg", "--candidate", "asyncpg"),
    ):
        assert main.main([str(word) for word in verb]) == 4
        assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "words"),
    [("arms", "it names the arm 'psycopg' twice"), ("cells", "it names the cell")],
)
def test_a_header_that_names_something_twice(tmp_path, name, words):
    twice = json.loads(lines_of(bench())[0])[name]
    file = spoilt(tmp_path, name, [*twice, twice[0]], "header")
    with pytest.raises(ResultsError, match=f"line 1: {words}"):
        store.read(file)


def test_an_arm_without_number_may_name_the_passes_of_its_block(tmp_path):
    made = bench()
    withdrawn = replace(made.trials[0], slices=None, left_out=[2, 5])
    file = tmp_path / "run.jsonl"
    with Writer(file) as writer:
        for record in (made.header, withdrawn, made.footer):
            writer.write(record)
    assert store.read(file).trials[0].left_out == [2, 5]


def test_a_phase_of_less_than_no_time(tmp_path):
    file = spoilt(tmp_path, "phases_ns", {"timed slices": -1}, "footer")
    with pytest.raises(ResultsError, match="phases_ns holds a time of less than zero"):
        store.read(file)


def test_two_runs_in_one_file(tmp_path):
    file = tmp_path / "both.jsonl"
    file.write_bytes((b"\n".join(lines_of(bench())) + b"\n") * 2)
    with pytest.raises(ResultsError, match="a second header") as caught:
        store.read(file)
    assert "one file for each" in caught.value.hint


def test_a_pipe_is_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ResultsError, match="it is not a regular file"):
        store.read(pipe)


def test_a_line_without_end_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "LONGEST_LINE", 1 << 20)
    file = tmp_path / "long.jsonl"
    file.write_bytes(lines_of(bench())[0] + b"\n" + b" " * (3 << 20))
    with pytest.raises(ResultsError, match="line 2: longer than 1 MiB"):
        store.read(file)


def test_the_same_run_twice(tmp_path, capsys):
    """By its path, through a link, as a copy."""
    file = tmp_path / "run.jsonl"
    file.write_bytes(b"\n".join(lines_of(bench())) + b"\n")
    link, copy = tmp_path / "link.jsonl", tmp_path / "copy.jsonl"
    link.symlink_to(file)
    copy.write_bytes(file.read_bytes())
    for again in (file, link, copy):
        assert main.main(["report", str(file), str(again), "--out", str(tmp_path)]) == 2
        assert "holds the same run as" in capsys.readouterr().err
        with pytest.raises(PgdynoError, match="the same run"):
            pgdyno.load([file, again])


def test_a_trial_that_is_there_twice_counts_once_and_is_told(tmp_path):
    lines = lines_of(bench())
    file = tmp_path / "run.jsonl"
    file.write_bytes(b"\n".join([*lines[:2], lines[1], *lines[2:]]) + b"\n")
    out = tmp_path / "out"
    assert main.main(["report", str(file), "--format", "text", "--out", str(out)]) == 0
    assert "1 of its trials are there twice" in (out / "report.txt").read_text()
