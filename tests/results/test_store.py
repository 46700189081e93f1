"""Results files: whatever happens to one, what was written before stays readable."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fake_runs
import msgspec
import pytest

from harness.cli.report import write_reports
from harness.core.errors import ResultsError, WorkerGone
from harness.core.verdicts import EXACT, Code, Judgement, Verdict, stopped
from harness.results import migrations, schema_1, store
from harness.results.records import SCHEMA, Check, Footer, Header, Note, Slices, Trial

FIXTURES = Path(__file__).parent / "files"
CHECK = Check(
    scenario="s",
    case="c@a=1",
    cell="s#c@a=1",
    driver="asyncpg",
    profile="default",
    judgement=Judgement(
        Verdict.LOSSY,
        Code.WRONG_VALUE,
        detail='a "quote", a \\ and a line\nbreak',
        observed="Grüße 😀",
        expected="\x00\x1b",
        facts={"row": 1, "column": "\x1b", "value": [None, True, {"a": "ü"}]},
    ),
    elapsed_ns=2**53 + 1,
)
TRIAL = Trial(
    cell="s#c@a=1",
    arm="asyncpg (A/A)",
    round=3,
    attempt=1,
    judgement=EXACT,
    disturbed="30% of the processors went to others",
    slices=Slices(
        ops=7,
        lead=2,
        wall_ns=[2**62, 1],
        cpu_ns=[5, 6],
        server_cpu_ns=[],
        voluntary_switches=[0, 0],
        involuntary_switches=[1, 2],
    ),
    latency_ns=[1, 2, 3],
    rss_peak_bytes=10**10,
)
DIED = stopped(WorkerGone("SIGSEGV", verdict="crashed", exit_code=-11))
UNTIMED = Trial(cell="s#c", arm="psqlpy", round=0, judgement=DIED)
NOTE = Note(kind="dropped", text="no time was left", cell="s#c", arm="psqlpy")
FOOTER = Footer(ended="2026-01-01", reason="complete", trials=2, checks=1, elapsed_ns=9)


@pytest.fixture
def header() -> Header:
    """A header with arms, cells, a machine and a server."""
    return fake_runs.bench().header


@pytest.fixture
def path(tmp_path: Path, header: Header) -> Path:
    """A complete file."""
    file = tmp_path / "run.jsonl"
    write(file, header, TRIAL, CHECK, NOTE, UNTIMED, FOOTER)
    return file


def write(path: Path, *records: Any) -> None:
    with store.Writer(path) as writer:
        for record in records:
            writer.write(record)


# --- what goes in comes out --------------------------------------------------------------


def test_every_record_comes_back(path: Path, header: Header) -> None:
    run = store.read(path)
    assert run.header == header
    assert run.trials == [TRIAL, UNTIMED]
    assert run.checks == [CHECK]
    assert run.notes == [NOTE]
    assert run.footer == FOOTER
    assert run.truncated == ""


def test_one_record_is_one_line_of_json_with_all_its_fields(path: Path) -> None:
    lines = path.read_bytes().splitlines()
    assert len(lines) == 6
    assert [json.loads(one)["record"] for one in lines] == [
        "header", "trial", "check", "note", "trial", "footer",
    ]  # fmt: skip
    assert json.loads(lines[1]) == msgspec.to_builtins(TRIAL)


def test_a_line_is_in_the_file_as_soon_as_it_is_written(
    tmp_path: Path, header: Header
) -> None:
    file = tmp_path / "deep" / "below" / "run.jsonl"
    with store.Writer(file) as writer:
        for count, record in enumerate([header, TRIAL, CHECK], 1):
            writer.write(record)
            assert file.read_bytes().count(b"\n") == count
        assert store.read(file).truncated == "it has no footer"
        assert (writer.trials, writer.checks) == (1, 1)


def test_fields_that_a_later_version_adds_are_no_error(path: Path) -> None:
    lines = [json.loads(one) | {"later": 1} for one in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    assert store.read(path).trials == [TRIAL, UNTIMED]


# --- cut ---------------------------------------------------------------------------------


def test_a_cut_last_line_costs_that_line_only(path: Path) -> None:
    whole = path.read_bytes()
    ends = [at for at, byte in enumerate(whole) if byte == ord("\n")]
    for at in range(ends[0] + 1, len(whole), 13):
        path.write_bytes(whole[:at])
        run = store.read(path)
        assert run.footer is None
        assert run.truncated
        assert len(run.trials) + len(run.checks) + len(run.notes) == sum(
            end < at for end in ends[1:5]
        )


def test_a_missing_footer_is_said(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert store.read(path).truncated == "it has no footer"


def test_half_a_footer_is_none(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])
    assert store.read(path).truncated == "its last line was cut"


# --- what is no results file -------------------------------------------------------------

Spoil = Callable[[list[bytes]], list[bytes]]


def newer(lines: list[bytes]) -> list[bytes]:
    raw = json.loads(lines[0]) | {"schema": SCHEMA + 1}
    return [json.dumps(raw).encode(), *lines[1:]]


def of_kind(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[2].replace(b'"check"', b'"czech"', 1), *lines[3:]]


UNREADABLE: dict[str, tuple[Spoil, str, str]] = {
    "empty": (lambda lines: [], "holds no complete line", "cut at its start"),
    "half a header": (lambda lines: [lines[0][:40]], "holds no complete line", "cut"),
    "newer": (newer, f"has schema {SCHEMA + 1}; this pgdyno reads up to", "newer pgdyno"),
    "text": (lambda lines: [b"Dear reader", b""], "line 1: not a JSON object", ""),
    "binary": (lambda lines: [b"\xff\xfe\x00", b""], "line 1: not a JSON object", ""),
    "list": (lambda lines: [b"[1, 2]", b""], "line 1: not a JSON object", ""),
    "other json": (lambda lines: [b'{"a": 1}', b""], "not a results file", "--out"),
    "no header": (lambda lines: lines[1:], "its first line is not a header", "--out"),
    "header without fields": (
        lambda lines: [b'{"record": "header", "schema": 1}', *lines[1:]],
        "line 1: Object missing required field",
        "",
    ),
    "line 3": (lambda lines: [*lines[:2], b"oops", *lines[3:]], "line 3: not a JSON", ""),
    "line 3, blank": (
        lambda lines: [*lines[:2], b"", *lines[3:]],
        "line 3: not a JSON",
        "",
    ),
    "line 3, bytes": (lambda lines: [*lines[:2], b'"\xff"', *lines[3:]], "line 3: ", ""),
    "line 3, kind": (of_kind, "line 3: Invalid value 'czech'", ""),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_results_file_is_said_with_its_place(path: Path, name: str) -> None:
    spoil, words, hint = UNREADABLE[name]
    path.write_bytes(b"\n".join(spoil(path.read_bytes().split(b"\n"))))
    with pytest.raises(ResultsError) as caught:
        store.read(path)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert hint in caught.value.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"run\.jsonl cannot be read: No such file"):
        store.read(tmp_path / "run.jsonl")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="cannot be read: Is a directory"):
        store.read(tmp_path)


# --- writing fails -----------------------------------------------------------------------


def test_a_file_is_never_overwritten(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ResultsError, match="exists already") as caught:
        store.Writer(path)
    assert "never overwritten" in caught.value.hint
    assert path.read_bytes() == before


def test_a_file_is_no_folder_to_write_into(path: Path) -> None:
    with pytest.raises(ResultsError, match=f"cannot be written: {path} is no folder"):
        store.Writer(path / "run.jsonl")


def test_a_device_is_not_taken_for_a_new_file() -> None:
    with pytest.raises(ResultsError, match="/dev/full exists already"):
        store.Writer(Path("/dev/full"))


def test_a_path_below_a_file(path: Path) -> None:
    with pytest.raises(ResultsError, match="cannot be written: Not a directory") as caught:
        store.Writer(path / "below" / "run.jsonl")
    assert "name another --out" in caught.value.hint


@pytest.fixture
def no_more_than() -> Iterator[Callable[[int], None]]:
    """Let the system refuse to make any file longer than so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 1, 100, 10_000])
def test_a_full_disk_keeps_every_line_before(
    tmp_path: Path, header: Header, no_more_than: Callable[[int], None], room: int
) -> None:
    """However much of the next line would still fit."""
    file = tmp_path / "run.jsonl"
    size = len(msgspec.json.encode(header)) + 1
    with store.Writer(file) as writer:
        writer.write(header)
        no_more_than(size + room)
        written = fill(writer)
        with pytest.raises(ResultsError, match="cannot be written to the end") as caught:
            writer.write(TRIAL)  # nor is the next one half written
    assert "free some space" in caught.value.hint
    run = store.read(file)
    assert run.trials == [TRIAL] * written
    assert written == room // (len(msgspec.json.encode(TRIAL)) + 1)
    assert run.truncated == "it has no footer"


def fill(writer: store.Writer) -> int:
    """Write until no more is taken; how many records were."""
    for count in range(10_000):
        try:
            writer.write(TRIAL)
        except ResultsError:
            return count
    raise AssertionError("the file takes everything")


def test_when_there_is_room_again_the_footer_follows(
    tmp_path: Path, header: Header, no_more_than: Callable[[int], None]
) -> None:
    file = tmp_path / "run.jsonl"
    with store.Writer(file) as writer:
        writer.write(header)
        no_more_than(file.stat().st_size + 5)
        with pytest.raises(ResultsError):
            writer.write(TRIAL)
        no_more_than(1 << 20)
        writer.write(FOOTER)
    assert store.read(file).footer == FOOTER


# --- files of earlier versions --------------------------------------------------------


RECORDS = {1: (39, 6), 2: (66, 30)}
"""Schema → trials and checks of its file."""


@pytest.mark.parametrize("version", range(1, SCHEMA + 1))
def test_a_file_of_every_schema_loads_and_renders(version: int, tmp_path: Path) -> None:
    run = store.read(FIXTURES / f"schema-{version}.jsonl")
    assert run.truncated == ""
    assert run.footer is not None
    trials, checks = RECORDS[version]
    assert len(run.trials) == run.footer.trials == trials
    assert len(run.checks) == run.footer.checks == checks
    assert [one.kind for one in run.notes] == ["chatty"]
    (page,) = write_reports([Path(run.path)], tmp_path, ["markdown"])
    text = page.read_text()
    assert "| question | psycopg2 | asyncpg |" in text
    assert "○ unsupported" in text
    assert "12,345 bytes to stdout" in text
    assert "psycopg2 ran against itself" in text


def test_a_file_of_schema_1_gets_codes_and_facts() -> None:
    run = store.read(FIXTURES / "schema-1.jsonl")
    judged = [one.judgement for one in (*run.trials, *run.checks)]
    assert {one.verdict for one in judged} == {Verdict.EXACT, Verdict.UNSUPPORTED}
    for one in judged:
        assert one == EXACT or one.code is Code.NOT_OFFERED
        assert one == EXACT or one.facts["capability"] == "pipeline"
    assert all(one.digest.startswith("1:") for one in run.header.cells)
    assert [arm.terms["binds"] for arm in run.header.arms] == ["client", "server", "client"]


def test_what_the_texts_of_a_file_say_is_what_its_codes_say() -> None:
    """The first texts of schema 2 were those of schema 1."""
    run = store.read(FIXTURES / "schema-2.jsonl")
    assert len({one.code for one in run.checks}) >= 12
    for check in run.checks:
        texts = (check.verdict.value, check.detail, check.observed, check.expected)
        read = schema_1.judgement(*texts)
        assert read["code"] == check.code
        common = read["facts"].keys() & check.facts.keys() - {"message", "answers", "value"}
        assert {name: read["facts"][name] for name in common} == {
            name: check.facts[name] for name in common
        }


@pytest.mark.parametrize(
    ("verdict", "detail"),
    [
        ("skipped", "something that nobody knows any more"),
        ("invalid", "relation x does not exist"),
        ("broken", ""),
        ("lossy", ""),
    ],
)
def test_a_cause_that_is_not_certain_is_unknown(verdict: str, detail: str) -> None:
    assert schema_1.judgement(verdict, detail)["code"] == Code.UNKNOWN


def test_digests_of_two_schemas_are_not_compared() -> None:
    old = store.read(FIXTURES / "schema-1.jsonl").header.cells[0]
    new = store.read(FIXTURES / "schema-2.jsonl").header.cells[0]
    assert old.digest != new.digest
    assert old.asks_as(new)
    assert not old.asks_as(msgspec.structs.replace(new, sql="select 1"))
    assert not new.asks_as(msgspec.structs.replace(new, digest="2:0"))


def test_migrations_are_applied_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = {
        1: lambda one: one | {"two": True},
        2: lambda one: one | {"three": "two" in one},
    }
    monkeypatch.setattr(migrations, "MIGRATIONS", steps)
    assert migrations.migrate({}, 1) == {"two": True, "three": True}
    assert migrations.migrate({}, 2) == {"three": False}
    assert migrations.migrate({}, 3) == {}


def test_every_schema_step_has_its_migration() -> None:
    assert set(migrations.MIGRATIONS) == set(range(1, SCHEMA))
