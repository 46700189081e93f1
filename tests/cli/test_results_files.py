"""Results files: never overwritten, named when they cannot be read."""

from __future__ import annotations

import resource
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from commands import ONE, pgdyno, spawned

from harness.results import store

FIXTURE = Path(__file__).parents[1] / "results" / "files" / "schema-1.jsonl"


# --- writing --------------------------------------------------------------------------


@pytest.mark.usefixtures("borrowed")
@pytest.mark.parametrize("verb", ["check", "bench"])
def test_results_are_never_overwritten(
    verb: str, file: Callable[..., Path], tmp_path: Path
) -> None:
    kept = tmp_path / "kept.jsonl"
    kept.write_text("kept")
    path = file(ONE + "[case.bench]\n")
    ended = pgdyno(verb, path, "--driver", "psycopg2", "--out", kept)
    assert ended.code == 4
    assert f"{kept} exists already" in ended.err
    assert "hint: results are never overwritten" in ended.err
    assert kept.read_text() == "kept"


@pytest.mark.usefixtures("borrowed")
def test_a_folder_that_cannot_be_made(file: Callable[..., Path]) -> None:
    path = file(ONE)
    ended = pgdyno(
        "check", path, "--driver", "psycopg2", "--out", path / "below" / "run.jsonl"
    )
    assert ended.code == 4
    assert "run.jsonl cannot be written: Not a directory" in ended.err
    assert "hint: name another --out" in ended.err
    ended = pgdyno("report", FIXTURE, "--format", "markdown", "--out", path / "below")
    assert ended.code == 4
    assert "report.md cannot be written: Not a directory" in ended.err
    assert path.read_text() == ONE


@pytest.mark.usefixtures("borrowed")
def test_a_full_disk_keeps_what_was_checked_before(
    file: Callable[..., Path], tmp_path: Path
) -> None:
    many = "[case.axes]\nn = [" + ", ".join(map(str, range(60))) + "]\n"
    path = file(ONE.replace("select 1", "select ${n}") + many)
    out = tmp_path / "run.jsonl"
    room = 32_000  # the header needs about 20,000

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    arguments = ("check", path, "--driver", "psycopg2", "--out", out)
    ended = spawned(*arguments, preexec_fn=limit)
    assert ended.code == 4, ended.said
    assert f"{out} cannot be written to the end: " in ended.err
    assert "hint: what was measured before is kept" in ended.err
    run = store.read(out)
    assert 10 < len(run.checks) < 120
    assert room - 1000 < out.stat().st_size <= room


# --- reading --------------------------------------------------------------------------


def spoilt(folder: Path, name: str) -> Path:
    """The committed run, spoilt in one way."""
    lines = FIXTURE.read_text().splitlines(keepends=True)
    lines[0] = lines[0].replace('"run":"', '"run":"another-', 1)
    newer = lines[0].replace('"schema":1', '"schema":999', 1)
    texts: Mapping[str, Sequence[str]] = {
        "cut": [*lines[:-2], lines[-2][:30]],
        "newer": [newer, *lines[1:]],
        "no json": [*lines[:4], "oops\n", *lines[5:]],
        "another file": ["<html>\n"],
        "empty": [],
        "checks only": [one for one in lines if '"record":"trial"' not in one],
    }
    path = folder / f"{name}.jsonl"
    if name in texts:
        path.write_text("".join(texts[name]))
    return path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("newer", "has schema 999; this pgdyno reads up to 2"),
        ("no json", "line 5: not a JSON object"),
        ("another file", "line 1: not a JSON object"),
        ("empty", "holds no complete line"),
        ("missing", "cannot be read: No such file or directory"),
    ],
)
@pytest.mark.parametrize("verb", ["report", "compare"])
def test_a_file_that_cannot_be_read_is_named(
    verb: str, name: str, words: str, tmp_path: Path
) -> None:
    path = spoilt(tmp_path, name)
    arguments = [FIXTURE, path] if verb == "compare" else [path, "--out", tmp_path / "r"]
    ended = pgdyno(verb, *arguments)
    assert (ended.code, ended.out) == (4, "")
    assert f"{path}" in ended.err
    assert words in ended.err
    assert not (tmp_path / "r").exists()


def test_a_cut_file_is_reported_and_compared_with_a_warning(tmp_path: Path) -> None:
    path = spoilt(tmp_path, "cut")
    ended = pgdyno("report", path, "--format", "text", "--out", tmp_path)
    assert ended.code == 0
    assert "its last line was cut" in (tmp_path / "report.txt").read_text()
    ended = pgdyno("compare", FIXTURE, path)
    assert ended.code in (0, 3)
    said = "".join(ended.out.split())  # wherever a long path was wrapped
    assert "".join(f"{path} is truncated: its last line was cut".split()) in said


def test_a_run_without_times_cannot_be_compared(tmp_path: Path) -> None:
    ended = pgdyno("compare", FIXTURE, spoilt(tmp_path, "checks only"))
    assert ended.code == 4, ended.said
