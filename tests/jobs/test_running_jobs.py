"""A job's file is there and complete, or it is not there: whatever happens to the run."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import fake_runs
import msgspec
import pytest

from harness import __version__
from harness.core import errors
from harness.core.errors import JobError, OtherCatalogueError, ResultsError
from harness.core.verdicts import EXACT
from harness.jobs.asking import cells_of, digest_of
from harness.jobs.job import Job, named
from harness.jobs.running import JobOutcome, Perform, run
from harness.results import store
from harness.results.records import SCHEMA, ArmFacts, Check, Footer, Header, JobFacts

PATH = "query/point"
JOB = named(
    Job(
        id="",
        plan="40b4a3018ad551df",
        verb="check",
        arguments=(PATH, "--driver", "psycopg"),
        shard="s",
        pgdyno=__version__,
        catalogue="c",
        digests=(digest_of(cells_of("check", PATH)),),
    ),
    "check-001",
)
HEADER = Header(
    schema=SCHEMA,
    run="1",
    kind="check",
    pgdyno=__version__,
    started="2026-01-01",
    seed=0,
    machine=fake_runs.MACHINE,
    server=fake_runs.SERVER,
)
CHECK = Check(
    scenario=PATH, case="c", cell="c", driver="psycopg", profile="default", judgement=EXACT
)
LOST = ArmFacts(
    id="asyncpg==0.1", driver="asyncpg", options=[], profile="default", kind="",
    problem="there is no such version",
)  # fmt: skip


def writes(
    *, code: int = 0, reason: str = "complete", checks: int = 1, header: Header = HEADER
) -> Perform:
    """A verb that writes a results file: one check, and a footer that tells of `checks`."""

    def perform(words: Sequence[str], out: Path) -> int:
        assert list(words) == ["check", *JOB.arguments]
        with store.Writer(out) as writer:
            writer.write(header)
            writer.write(CHECK)
            if reason:
                end = Footer(ended="", reason=reason, trials=0, checks=checks, elapsed_ns=1)
                writer.write(end)
        return code

    return perform


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


FINAL, PARTIAL, RUNNING = (f"{JOB.id}{end}.jsonl" for end in ("", ".partial", ".running"))


@pytest.mark.parametrize("code", [0, 1, 3, 4])
def test_a_run_that_came_to_its_end_is_the_result(tmp_path, code):
    outcome = run(JOB, tmp_path / "new", writes(code=code), attempt=2, moved_from="w1")
    assert (outcome.code, outcome.complete, outcome.found) == (code, True, False)
    assert names(tmp_path / "new") == [FINAL]
    read = store.read(tmp_path / "new" / FINAL)
    assert read.header.job == JobFacts(plan=JOB.plan, id=JOB.id, attempt=2, moved_from="w1")
    assert msgspec.structs.replace(read.header, job=None) == HEADER
    assert read.checks == [CHECK]
    assert not read.truncated


def test_a_file_that_is_there_is_not_made_twice(tmp_path):
    run(JOB, tmp_path, writes())
    before = (tmp_path / FINAL).read_bytes()
    outcome = run(JOB, tmp_path, never)
    assert (outcome.code, outcome.found, outcome.complete) == (0, True, True)
    assert (tmp_path / FINAL).read_bytes() == before


def never(words: Sequence[str], out: Path) -> int:
    raise AssertionError("nothing was to be run")


HEADER_OF_LOST = msgspec.structs.replace(HEADER, arms=[LOST])


@pytest.mark.parametrize(
    ("perform", "code", "why"),
    [
        (writes(code=130, reason="interrupted"), 130, "exit 130"),
        (writes(code=5, reason="failed"), 5, "exit 5"),
        (writes(code=0, reason="failed"), 4, "it failed"),
        (writes(code=5), 5, "exit 5"),
        (writes(code=2), 2, "exit 2"),
        (writes(code=0, reason=""), 4, "it has no footer"),
        (writes(code=0, checks=2), 4, "lines are missing"),
        (writes(code=1, header=HEADER_OF_LOST), 4, "asyncpg==0.1 could not be had"),
    ],
)
def test_what_ended_early_is_kept_apart_and_replaced(tmp_path, perform, code, why):
    outcome = run(JOB, tmp_path, perform)
    assert not outcome.complete
    assert (outcome.code, outcome.lacking) == (code, why)
    assert outcome.path == tmp_path / PARTIAL
    assert names(tmp_path) == [PARTIAL]
    assert run(JOB, tmp_path, writes()).complete
    assert names(tmp_path) == [FINAL]


def test_a_job_may_be_done_without_versions_that_cannot_be_had(tmp_path):
    job = named(msgspec.structs.replace(JOB, allow_missing=True), "check-001")
    assert job.id != JOB.id
    took_part = msgspec.structs.replace(LOST, id="psycopg", problem="")
    some = msgspec.structs.replace(HEADER, arms=[LOST, took_part])
    assert run(JOB, tmp_path, writes(code=4, header=some)).lacking
    nobody = run(job, tmp_path, writes(code=4, header=HEADER_OF_LOST))
    assert nobody.lacking == "asyncpg==0.1 could not be had"
    assert run(job, tmp_path, writes(code=4, header=some)).complete
    assert run(job, tmp_path, never).found


def test_a_run_that_leaves_nothing_leaves_what_there_was(tmp_path):
    outcome = run(JOB, tmp_path, lambda words, out: 5)
    assert outcome == JobOutcome(5, None, tmp_path / RUNNING, lacking="exit 5")
    assert run(JOB, tmp_path, lambda words, out: 0).code == 4
    (tmp_path / RUNNING).write_text("killed")
    assert run(JOB, tmp_path, lambda words, out: 5).path == tmp_path / PARTIAL
    assert (tmp_path / PARTIAL).read_text() == "killed"


def test_an_error_leaves_a_part_and_no_lock(tmp_path):
    def breaks(words: Sequence[str], out: Path) -> int:
        writes(reason="")(words, out)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(JOB, tmp_path, breaks)
    assert names(tmp_path) == [PARTIAL]


def test_two_at_once_are_one(tmp_path):
    begun, go_on = threading.Event(), threading.Event()

    def slow(words: Sequence[str], out: Path) -> int:
        begun.set()
        assert go_on.wait(30)
        return writes()(words, out)

    first: list[JobOutcome] = []
    thread = threading.Thread(target=lambda: first.append(run(JOB, tmp_path, slow)))
    thread.start()
    assert begun.wait(30)
    with pytest.raises(ResultsError, match="another process runs"):
        run(JOB, tmp_path, never)
    go_on.set()
    thread.join()
    assert first[0].complete
    assert names(tmp_path) == [FINAL]


def foreign() -> dict[str, Callable[[Path], object]]:
    """What may have the name of a result, and is none."""
    other = JobFacts(plan="another", id=JOB.id)
    own = msgspec.structs.replace(HEADER, job=JobFacts(plan=JOB.plan, id=JOB.id))
    return {
        "empty": lambda path: path.write_bytes(b""),
        "rubbish": lambda path: path.write_bytes(b"\0" * 100),
        "a folder": lambda path: path.mkdir(),
        "a dangling link": lambda path: path.symlink_to("nowhere"),
        "no job": lambda path: writes()(["check", *JOB.arguments], path),
        "another plan": lambda path: writes(
            header=msgspec.structs.replace(HEADER, job=other)
        )(["check", *JOB.arguments], path),
        "cut": lambda path: writes(header=own, reason="")(["check", *JOB.arguments], path),
        "a line lost": lambda path: writes(header=own, checks=2)(
            ["check", *JOB.arguments], path
        ),
    }


@pytest.mark.parametrize("what", foreign())
def test_what_is_not_its_result_is_told_and_left(tmp_path, what):
    foreign()[what](tmp_path / FINAL)
    before = os.lstat(tmp_path / FINAL)
    with pytest.raises(ResultsError, match=FINAL):
        run(JOB, tmp_path, never)
    assert os.lstat(tmp_path / FINAL).st_ino == before.st_ino
    assert names(tmp_path) == [FINAL]


# --- another pgdyno -------------------------------------------------------------------


def changed(**values: object) -> Job:
    return named(msgspec.structs.replace(JOB, **values), "check-001")


@pytest.mark.parametrize(
    ("job", "why"),
    [
        (changed(pgdyno="9.9"), "planned with pgdyno 9.9; this is"),
        (changed(digests=("00000000",)), "other cells than there are here: query/point$"),
        (changed(arguments=("query/nothing",)), "here: query/nothing$"),
        (changed(arguments=("query/point#nothing",)), "here: query/point#nothing$"),
    ],
)
def test_a_job_for_another_pgdyno_is_refused(tmp_path, job, why):
    with pytest.raises(OtherCatalogueError, match=why) as told:
        run(job, tmp_path / "out", never)
    assert told.value.exit_code == errors.EXIT_INVALID
    assert told.value.hint
    assert not (tmp_path / "out").exists()


def test_of_many_cells_that_differ_a_few_are_named(tmp_path):
    paths = tuple(f"query/point#c{number}" for number in range(9))
    with pytest.raises(OtherCatalogueError, match=r"#c0, .*#c4 and 4 more$"):
        run(changed(arguments=paths, digests=("0",) * 9), tmp_path, never)


# --- a disk that takes no more --------------------------------------------------------


@pytest.fixture
def room() -> Iterator[Callable[[int], None]]:
    """Let no file become longer than that."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_loses_nothing(tmp_path, room):
    def fills(words: Sequence[str], out: Path) -> int:
        code = writes()(words, out)
        room(out.stat().st_size - 1)
        return code

    with pytest.raises(ResultsError, match="cannot be written: File too large") as told:
        run(JOB, tmp_path, fills)
    assert PARTIAL in told.value.hint
    assert names(tmp_path) == [PARTIAL]
    assert store.read(tmp_path / PARTIAL).checks == [CHECK]


def test_a_folder_that_is_none_is_told(tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "x"):
        with pytest.raises(ResultsError, match="cannot be written"):
            run(JOB, folder, never)


def test_a_job_error_is_one_of_usage():
    assert JobError("x").exit_code == errors.EXIT_USAGE
