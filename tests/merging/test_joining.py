"""Parts of runs become whole runs: the same bytes in whatever order and however split."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.merging.heading import natural
from harness.merging.joining import Whole, joined
from harness.results import store
from harness.results.lines import encoded
from harness.results.records import (
    AnyRecord,
    Check,
    Footer,
    Header,
    JobFacts,
    PartFacts,
    Run,
    Trial,
)

FILES = Path(__file__).parent.parent / "results" / "files"
REAL = FILES / "schema-2.jsonl"


def records_of(path: Path) -> list[AnyRecord]:
    return [record for _, record in store.records(path) if record is not None]


def wholes(*paths: Path) -> list[bytes]:
    """The bytes of all whole runs; nothing may be left out."""
    joining = joined(paths)
    found = [b"".join(whole.lines()) for whole in joining]
    assert not joining.left_out
    return found


def whole(*paths: Path) -> bytes:
    (found,) = wholes(*paths)
    return found


def write(path: Path, records: Sequence[AnyRecord]) -> Path:
    path.write_bytes(encoded(records))
    return path


def cell_of(record: AnyRecord) -> str:
    return getattr(record, "cell", "")


def half(path: Path, out: Path, cells: set[str], **of_footer: Any) -> Path:
    """The lines of some cells of a run, with what is said of the run as a whole."""
    head, *rest, foot = records_of(path)
    assert isinstance(head, Header)
    assert isinstance(foot, Footer)
    kept = [record for record in rest if cell_of(record) in {"", *cells}]
    foot = replace(
        foot,
        trials=sum(isinstance(record, Trial) for record in kept),
        checks=sum(isinstance(record, Check) for record in kept),
        **of_footer,
    )
    head = replace(head, cells=[cell for cell in head.cells if cell.id in cells])
    return write(out, [head, *kept, foot])


@pytest.fixture
def halves(tmp_path: Path) -> tuple[Path, Path]:
    """Every second cell of a real run, and the others."""
    cells = [cell.id for cell in store.header_of(REAL).cells]
    return (
        half(REAL, tmp_path / "a.jsonl", set(cells[::2])),
        half(REAL, tmp_path / "b.jsonl", set(cells[1::2])),
    )


def test_halves_of_a_run_are_the_run(halves):
    assert whole(*halves) == whole(*reversed(halves)) == whole(REAL)


def test_a_whole_run_says_what_its_file_said(tmp_path):
    before = store.read(REAL)
    (tmp_path / "whole.jsonl").write_bytes(whole(REAL))
    after = store.read(tmp_path / "whole.jsonl")
    assert (after.header.run, after.header.arms) == (before.header.run, before.header.arms)
    assert by_text(after.header.cells) == by_text(before.header.cells)
    assert by_text(after.checks) == by_text(before.checks)
    assert by_text(after.trials) == by_text(before.trials)
    assert after.notes == before.notes
    assert after.footer == before.footer


def by_text(records: Sequence[Any]) -> list[str]:
    return sorted(map(repr, records))


def test_what_halves_took_is_summed(tmp_path):
    cells = [cell.id for cell in store.header_of(REAL).cells]
    took = (
        {"elapsed_ns": 5, "cache_hits": 1, "phases_ns": {"timed slices": 3}},
        {"elapsed_ns": 7, "cache_reads": 2, "phases_ns": {"timed slices": 4, "rest": 9}},
    )
    parts = [
        half(REAL, tmp_path / f"{k}.jsonl", set(cells[k::2]), **took[k]) for k in range(2)
    ]
    foot = json.loads(whole(*parts).splitlines()[-1])
    assert foot["elapsed_ns"] == 12
    assert foot["phases_ns"] == {"rest": 9, "timed slices": 7}
    assert (foot["trials"], foot["checks"]) == (66, 30)


def test_a_copy_is_taken_once(tmp_path):
    copies = [tmp_path / name for name in ("1.jsonl", "2.jsonl", "3.jsonl")]
    for path in copies:
        path.write_bytes(REAL.read_bytes())
    assert whole(*copies, REAL) == whole(REAL)


def test_a_joined_run_joined_again_stays_as_it_is(tmp_path):
    (tmp_path / "whole.jsonl").write_bytes(whole(REAL))
    assert whole(tmp_path / "whole.jsonl") == whole(REAL)


def test_what_a_file_tells_twice_of_the_same_is_kept(tmp_path):
    head, *rest, foot = records_of(REAL)
    check = next(record for record in rest if isinstance(record, Check))
    again = replace(check, elapsed_ns=check.elapsed_ns + 1)
    assert isinstance(foot, Footer)
    twice = [head, *rest, again, replace(foot, checks=foot.checks + 1)]
    path = write(tmp_path / "twice.jsonl", twice)
    copy = write(tmp_path / "copy.jsonl", [twice[0], *reversed(twice[1:-2]), *twice[-2:]])
    for paths in ([path], [path, copy]):
        run = read(tmp_path / "whole.jsonl", whole(*paths))
        assert len(run.checks) == 31
        assert {check, again} <= set(run.checks)


def test_an_older_file_becomes_one_of_today():
    head, *rest = map(json.loads, whole(FILES / "schema-1.jsonl").splitlines())
    assert head["schema"] == 2
    assert all("verdict" not in line for line in rest)


def test_records_stand_by_cell_round_arm_and_attempt(tmp_path):
    (tmp_path / "whole.jsonl").write_bytes(whole(REAL))
    run = store.read(tmp_path / "whole.jsonl")
    cells = [cell.id for cell in run.header.cells]
    arms = [arm.id for arm in run.header.arms]
    order = [
        (cells.index(trial.cell), trial.round, arms.index(trial.arm), trial.attempt)
        for trial in run.trials
    ]
    assert len(order) == 66
    assert order == sorted(order)
    assert cells == sorted(cells, key=natural)


def test_names_are_sorted_by_their_numbers():
    names = ["a@rows=10", "a@rows=2", "a@rows=100", "a[rtt=0.2]", "a[rtt=45]", "a[rtt=5]"]
    assert sorted(names, key=natural) == [
        "a@rows=2", "a@rows=10", "a@rows=100", "a[rtt=0.2]", "a[rtt=5]", "a[rtt=45]",
    ]  # fmt: skip
    assert natural("9" * 5000) > natural("1" * 4999)


# --- jobs of a plan -------------------------------------------------------------------


@dataclass
class Plan:
    """Results of jobs of a plan, as if each had asked some cells of a real run."""

    folder: Path

    def job(
        self,
        name: str,
        cells: slice,
        change: Callable[[Header], Header] = lambda header: header,
        *,
        attempt: int = 0,
        file: str = "",
        reason: str = "complete",
    ) -> Path:
        asked = [cell.id for cell in store.header_of(REAL).cells][cells]
        path = self.folder / f"{file or name}.jsonl"
        half(REAL, path, set(asked), reason=reason, elapsed_ns=len(asked))
        head, *rest = records_of(path)
        assert isinstance(head, Header)
        head = replace(
            head,
            run=f"{file or name}-run",
            seed=len(asked),
            command=["check", *asked, "--driver", "psycopg2"],
            job=JobFacts(plan="plan-1", id=name, attempt=attempt),
        )
        return write(path, [change(head), *rest])


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(tmp_path)


def started(moment: str) -> Callable[[Header], Header]:
    return lambda header: replace(header, started=moment)


def pgdyno(version: str) -> Callable[[Header], Header]:
    return lambda header: replace(header, pgdyno=version)


def lacking(why: str) -> Callable[[Header], Header]:
    return lambda header: replace(
        header, arms=[*header.arms[:-1], replace(header.arms[-1], problem=why)]
    )


FIRST, SECOND, THIRD = slice(0, 2), slice(2, 4), slice(4, None)


def read(path: Path, content: bytes) -> Run:
    path.write_bytes(content)
    return store.read(path)


def test_jobs_of_a_plan_become_one_run(plan, tmp_path):
    late, early = "2026-11-28T10:00:00+00:00", "2026-11-28T09:00:00+00:00"
    parts = [
        plan.job("job-1", FIRST, started(late)),
        plan.job("job-2", SECOND, started(early)),
        plan.job("job-3", THIRD, started(late)),
    ]
    found = {whole(*order) for order in itertools.permutations(parts)}
    assert len(found) == 1
    run = read(tmp_path / "whole.jsonl", found.pop())
    assert (run.header.run, run.header.started) == ("job-2-run-joined", early)
    assert run.header.job == JobFacts(plan="plan-1", id="")
    assert run.header.parts == [
        PartFacts(run=f"job-{number}-run", job=f"job-{number}") for number in (1, 2, 3)
    ]
    everything = [cell.id for cell in store.header_of(REAL).cells]
    assert [cell.id for cell in run.header.cells] == sorted(everything, key=natural)
    assert run.header.command == [
        "check", *sorted(everything, key=natural), "--driver", "psycopg2",
    ]  # fmt: skip
    assert (len(run.trials), len(run.checks)) == (66, 30)
    assert run.footer is not None
    assert run.footer.elapsed_ns == len(everything)


def test_joining_in_two_steps_is_the_same(plan, tmp_path):
    parts = [plan.job("job-1", FIRST), plan.job("job-2", SECOND), plan.job("job-3", THIRD)]
    (tmp_path / "two.jsonl").write_bytes(whole(*parts[:2]))
    at_once = whole(*parts)
    assert whole(tmp_path / "two.jsonl", parts[2]) == at_once
    (tmp_path / "all.jsonl").write_bytes(at_once)
    assert whole(tmp_path / "all.jsonl", tmp_path / "two.jsonl", *parts) == at_once


def test_of_a_job_that_ran_twice_the_first_try_counts(plan):
    first = plan.job("job-1", FIRST, file="first")
    again = plan.job("job-1", FIRST, file="again", attempt=1)
    (found,) = joined([again, first])
    assert [note.text for note in found.remarks] == [
        "2 cells of job job-1 (attempt 2) left out: job job-1 (attempt 1) has measured "
        "the same"
    ]
    alone = b"".join(next(iter(joined([first]))).lines()).splitlines()
    assert b"".join(found.lines()).splitlines() == [
        *alone[:1], *sorted([*notes(alone), *encoded(found.remarks).splitlines()]),
        *(line for line in alone[1:] if line not in notes(alone)),
    ]  # fmt: skip


def notes(lines: Sequence[bytes]) -> list[bytes]:
    return [line for line in lines if line.startswith(b'{"record":"note"')]


def test_a_plan_that_is_run_every_night_makes_a_run_every_night(plan):
    nights = [
        [
            plan.job(
                f"job-{number}",
                cells,
                started(f"2026-11-{night}"),
                file=f"{night}-{number}",
            )
            for number, cells in enumerate((FIRST, SECOND), 1)
        ]
        for night in (1, 2, 3)
    ]
    nights[1].pop()  # it was interrupted
    again = plan.job("job-2", SECOND, started("2026-11-2"), file="again", attempt=1)
    nights[1].append(again)
    everything = [path for night in nights for path in night]
    found = [run.paths for run in joined(reversed(everything))]
    assert sorted(map(sorted, found)) == sorted(map(sorted, nights))
    first = whole(*nights[0])
    (plan.folder / "first.jsonl").write_bytes(first)
    assert first in wholes(plan.folder / "first.jsonl", *everything)


def test_a_try_that_was_interrupted_yields_to_a_whole_one(plan):
    cut = plan.job("job-1", slice(0, 3), file="cut", reason="interrupted")
    again = plan.job("job-1", FIRST, file="again", attempt=1)
    (found,) = joined([cut, again])
    run = [json.loads(line) for line in b"".join(found.lines()).splitlines()]
    assert run[-1]["reason"] == "interrupted"  # one of its cells is of that try
    assert {line["text"] for line in run if line["record"] == "note"} >= {
        "2 cells of job job-1 (attempt 1) left out: job job-1 (attempt 2) has measured "
        "the same",
        "job-1 was run again: attempt 2",
    }


def server(**values: Any) -> Callable[[Header], Header]:
    return lambda header: replace(header, server=replace(header.server, **values))


def setting(name: str, value: str) -> Callable[[Header], Header]:
    return lambda header: server(settings={**header.server.settings, name: value})(header)


def machine(**values: Any) -> Callable[[Header], Header]:
    return lambda header: replace(header, machine=replace(header.machine, **values))


def first_arm(**values: Any) -> Callable[[Header], Header]:
    return lambda header: replace(
        header, arms=[replace(header.arms[0], **values), *header.arms[1:]]
    )


def version(text: str) -> Callable[[Header], Header]:
    return lambda header: first_arm(terms={**header.arms[0].terms, "version": text})(header)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            server(version="18.5", version_num=180005),
            "different servers: PostgreSQL 18.4 and PostgreSQL 18.5",
        ),
        (
            setting("jit", "on"),
            "different server settings: jit off and jit on",
        ),
        (
            version("2.9.14"),
            "different drivers: psycopg2 (configured, 2.9.13) and "
            "psycopg2 (configured, 2.9.14)",
        ),
        (first_arm(terms={"version": "2.9.13", "autocommit": "off"}),
         "different terms of drivers: psycopg2"),
        (first_arm(profile="default"),
         "different drivers: psycopg2 (configured, 2.9.13) and psycopg2 (default, 2.9.13)"),
        (first_arm(id="psycopg2==2.9.9"),
         "different drivers: psycopg2 (configured, 2.9.13) and "
         "psycopg2==2.9.9 (configured, 2.9.13)"),
        (lambda header: replace(header, pgdyno="0.2.0"),
         "different versions of pgdyno: 0.1.0 and 0.2.0"),
        (lambda header: replace(header, placement={"kind": "unpinned"}),
         "different placements: clients 0, kind split, server 1 and kind unpinned"),
    ],
)  # fmt: skip
def test_what_does_not_fit_stays_apart_and_is_told(plan, change, told):
    joining = joined([plan.job("job-1", FIRST), plan.job("job-2", SECOND, change)])
    assert len(list(joining)) == 2
    assert joining.apart == [f"plan plan-1: {told}"]


@pytest.mark.parametrize(
    "change",
    [
        machine(hostname_hash="another"),
        machine(cpu="another"),
        server(label="wheel:16", version="16.9", version_num=160009),
        lambda header: replace(header, job=JobFacts(plan="plan-2", id="job-2")),
        lambda header: replace(header, job=None),
    ],
)
def test_what_is_another_run_by_its_nature_stays_apart(plan, change):
    joining = joined([plan.job("job-1", FIRST), plan.job("job-2", SECOND, change)])
    assert len(list(joining)) == 2
    assert not joining.apart


def test_a_server_of_our_own_has_as_many_connections_as_its_cells_need(plan):
    def borrowed(header: Header) -> Header:
        return server(managed=False)(more(header))

    more = setting("max_connections", "9")
    assert len(wholes(plan.job("job-1", FIRST), plan.job("job-2", SECOND, more))) == 1
    parts = (
        plan.job("job-1", FIRST, server(managed=False)),
        plan.job("job-2", SECOND, borrowed),
    )
    assert len(wholes(*parts)) == 2


def test_a_reference_may_be_in_one_part_only(plan):
    def with_reference(header: Header) -> Header:
        floor = replace(header.arms[0], id="null", reference="the floor", driver="null")
        return replace(header, arms=[*header.arms, floor])

    content = whole(plan.job("job-1", FIRST), plan.job("job-2", SECOND, with_reference))
    head = json.loads(content.splitlines()[0])
    assert [arm["id"] for arm in head["arms"]] == [
        "psycopg2", "asyncpg", "psycopg2 (A/A)", "null",
    ]  # fmt: skip


# --- what is damaged ------------------------------------------------------------------


def spoilt(content: bytes, how: str) -> bytes:
    lines = content.splitlines(keepends=True)
    return {
        "no footer": b"".join(lines[:-1]),
        "cut": content[:-9],
        "a line is missing": b"".join([*lines[:5], *lines[6:]]),
        "no JSON": b"".join([*lines[:5], b"{\n", *lines[5:]]),
        "another schema": content.replace(b'"schema":2', b'"schema":99', 1),
        "empty": b"",
        "no results": b"hello\n",
    }[how]


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("no footer", "bad.jsonl was cut: it has no footer"),
        ("cut", "bad.jsonl was cut: it has no footer"),
        ("a line is missing", "bad.jsonl is damaged: its footer counts 66 trials, and 65"),
        ("no JSON", "bad.jsonl, line 6: not a JSON object"),
        ("another schema", "bad.jsonl has schema 99; this pgdyno reads up to 2"),
        ("empty", "bad.jsonl holds no complete line"),
        ("no results", "bad.jsonl, line 1: not a JSON object"),
    ],
)
def test_what_is_damaged_is_left_out_and_told(tmp_path, plan, how, why):
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(spoilt(REAL.read_bytes(), how))
    good = plan.job("job-1", FIRST)
    joining = joined([bad, good])
    assert [b"".join(found.lines()) for found in joining] == [whole(good)]
    ((path, error),) = joining.left_out
    assert path == bad
    assert why in str(error)


# --- files ------------------------------------------------------------------------------


def single(*paths: Path) -> Whole:
    (found,) = joined(paths)
    return found


def test_a_folder_is_read_but_for_what_is_not_done(plan, tmp_path):
    folder = tmp_path / "results"
    (folder / "artifact").mkdir(parents=True)
    job = plan.job("job-1", FIRST)
    for name in ("job-1.jsonl", "job-2.partial.jsonl", "job-3.running.jsonl", "notes.txt"):
        (folder / "artifact" / name).write_bytes(job.read_bytes())
    (folder / "artifact" / "job-2.partial.jsonl").write_text("half")
    assert single(folder).paths == [folder / "artifact" / "job-1.jsonl"]


def test_the_file_of_a_run_has_a_safe_name(plan, tmp_path):
    odd = server(label="../../<b>x</b>\n/y:/usr")
    path = single(plan.job("job-1", FIRST, odd)).write(tmp_path / "out")
    assert path.parent == tmp_path / "out"
    assert path.name.startswith("bench-time-b-x-b-y-18-")
    assert path.name.isascii()
    assert path.read_bytes().endswith(b"}\n")


def test_a_file_that_says_the_same_is_kept_and_nothing_else_is_replaced(plan, tmp_path):
    found = single(plan.job("job-1", FIRST))
    path = found.write(tmp_path / "out")
    assert found.write(tmp_path / "out") == path
    path.write_bytes(REAL.read_bytes())
    with pytest.raises(store.ResultsError, match="exists already, and says something else"):
        found.write(tmp_path / "out")
    assert path.read_bytes() == REAL.read_bytes()
    assert list((tmp_path / "out").iterdir()) == [path]


def test_a_run_that_grew_replaces_what_was_joined_before(plan, tmp_path):
    parts = [plan.job("job-1", FIRST), plan.job("job-2", SECOND), plan.job("job-3", THIRD)]
    written = [single(*parts[:count]).write(tmp_path / "out") for count in (1, 2, 3)]
    assert len(set(written)) == 1
    parts_in_file = [part.job for part in store.header_of(written[0]).parts]
    assert parts_in_file == ["job-1", "job-2", "job-3"]
    with pytest.raises(store.ResultsError, match="exists already, and says something else"):
        single(*parts[:2]).write(tmp_path / "out")


@pytest.mark.parametrize("first", [1, 2, 3])
def test_a_part_that_began_earlier_and_came_later_leaves_no_second_file(
    plan, tmp_path, first
):
    parts = [plan.job("job-1", FIRST), plan.job("job-2", SECOND), plan.job("job-3", THIRD)]
    before = single(parts[first - 1]).write(tmp_path / "out")
    after = single(*parts).write(tmp_path / "out")
    assert [*(tmp_path / "out").iterdir()] == [after]
    assert (before == after) == (first == 1)


def test_parts_that_lack_the_same_driver_are_one_run_in_whatever_words(plan):
    first = plan.job("job-1", FIRST, lacking("it does not build"))
    second = plan.job("job-2", SECOND, lacking("it did not build a minute ago"))
    whole = single(first, second)
    assert whole.header.arms[-1].problem == "it does not build"
    assert len([*joined([first, plan.job("job-3", THIRD)])]) == 2


def test_a_run_of_another_pgdyno_replaces_none_however_much_it_grew(plan, tmp_path):
    single(plan.job("job-1", FIRST)).write(tmp_path / "out")
    newer = pgdyno("9.9.9")
    parts = [plan.job("job-1", FIRST, newer), plan.job("job-2", SECOND, newer)]
    with pytest.raises(store.ResultsError, match="exists already, and says something else"):
        single(*parts).write(tmp_path / "out")


def test_nothing_is_left_of_a_file_that_cannot_be_written(plan, tmp_path):
    (tmp_path / "out").write_text("no folder")
    with pytest.raises(store.ResultsError, match="cannot be written"):
        single(plan.job("job-1", FIRST)).write(tmp_path / "out")
