"""Bundles: the same bytes for the same runs, no secrets, and nothing believed unchecked."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.core.errors import ResultsError
from harness.core.verdicts import Code, Judgement, Verdict
from harness.merging import bundles, manifest, packing, private
from harness.merging.joining import joined
from harness.merging.private import Secrets
from harness.merging.scrubbing import Scrubber
from harness.results import store
from harness.results.lines import encoded
from harness.results.records import Check, Header, JobFacts, Note

REAL = Path(__file__).parent.parent / "results" / "files" / "schema-2.jsonl"


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has no secrets yet."""
    monkeypatch.setattr(private, "user_data_path", lambda _: tmp_path / "data")
    monkeypatch.setenv("HOME", "/home/alice")
    for name in ("PGPASSWORD", "PGDYNO_DSN", "PGHOST", "PGHOSTADDR", "PGPASSFILE",
                 "PGDYNO_MACHINE_KEY"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


def collected(path: Path, *runs: Path) -> Path:
    packing.write(joined(runs or [REAL]), path)
    return path


def content(path: Path) -> str:
    """All that a bundle says, as anybody sees it who unpacks it."""
    with zipfile.ZipFile(path) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


def test_a_bundle_is_read_as_it_was_written(tmp_path):
    bundle = bundles.read(collected(tmp_path / "a.pgdyno.zip"), tmp_path / "out")
    (path,) = bundle.runs
    assert path.parent == tmp_path / "out"
    before, after = store.read(REAL), store.read(path)
    assert sorted(map(repr, after.trials)) == sorted(map(repr, before.trials))
    assert after.footer == before.footer
    told = bundle.manifest
    assert told.drivers == {"asyncpg": ["0.32.0"], "psycopg2": ["2.9.13"]}
    assert (told.format, told.pgdyno, told.servers) == (1, ["0.1.0"], ["18.4"])
    assert told.machines[0].key == after.header.machine.key
    assert [file.size for file in told.files] == [path.stat().st_size]
    assert told.catalogue == manifest.digest_of(before.header.cells)


def test_the_same_runs_make_the_same_bytes(tmp_path):
    other = tmp_path / "other.jsonl"
    head, *rest = (record for _, record in store.records(REAL))
    other.write_bytes(encoded([replace(head, run="b"), *rest]))
    first = collected(tmp_path / "1.pgdyno.zip", REAL, other).read_bytes()
    os.utime(other, (1, 1))
    assert collected(tmp_path / "2.pgdyno.zip", other, REAL).read_bytes() == first


def test_halves_from_two_bundles_are_the_run(tmp_path):
    head, *rest, foot = (record for _, record in store.records(REAL))
    for number in range(2):
        cells = head.cells[number::2]
        ids = {"", *(cell.id for cell in cells)}
        kept = [record for record in rest if getattr(record, "cell", "") in ids]
        checks = sum(isinstance(record, Check) for record in kept)
        trials = len(kept) - checks - sum(isinstance(record, Note) for record in kept)
        half = tmp_path / f"{number}.jsonl"
        half.write_bytes(
            encoded(
                [
                    replace(head, cells=cells),
                    *kept,
                    replace(foot, trials=trials, checks=checks),
                ]
            )
        )
        collected(tmp_path / f"{number}.pgdyno.zip", half)
    collected(tmp_path / "whole.pgdyno.zip")
    runs = {
        name: bundles.read(tmp_path / f"{name}.pgdyno.zip", tmp_path / name).runs
        for name in ("0", "1", "whole")
    }
    halves = b"".join(
        line for run in joined([*runs["1"], *runs["0"]]) for line in run.lines()
    )
    assert halves == runs["whole"][0].read_bytes()


def test_a_catalogue_is_what_its_cells_ask():
    first, *others = cells = store.header_of(REAL).cells
    other_work = [replace(first, digest="2:0123456789abcdef"), *others]
    assert manifest.digest_of(cells) == manifest.digest_of([*others, *cells])
    assert len(set(map(manifest.digest_of, (cells, others, other_work)))) == 3
    assert manifest.digest_of(cells) == manifest.digest_of(
        [first, *(replace(cell, title="another") for cell in others)]
    )


# --- secrets ----------------------------------------------------------------------------

PASSWORD = "s3cr3t-Pä§§/w@rd"
ENCODED = "s3cr3t-P%C3%A4%C2%A7%C2%A7%2Fw%40rd"


def leaky(tmp_path: Path, *texts: str, **of_header: Any) -> Path:
    """A run in which these texts stand wherever anybody may say anything."""
    head, *rest, foot = (record for _, record in store.records(REAL))
    assert isinstance(head, Header)
    text = " and ".join(texts)
    spoilt = Check(
        scenario="s",
        case="c",
        cell=head.cells[0].id,
        driver="psycopg2",
        profile="default",
        judgement=Judgement(Verdict.REJECTED, Code.ERROR, text, text, text,
                            facts={"error": text}),
    )  # fmt: skip
    arm = replace(head.arms[0], source=text, problem=text)
    head = replace(
        head,
        command=["check", text],
        job=JobFacts(plan="p", id="j", attempt=1, moved_from=text),
        **{"arms": [arm, *head.arms[1:]], **of_header},
    )
    note = Note(kind="chatty", text=text)
    path = tmp_path / "leaky.jsonl"
    path.write_bytes(
        encoded([head, note, spoilt, *rest, replace(foot, checks=foot.checks + 1)])
    )
    return path


def test_a_password_of_the_environment_is_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    texts = (f"bad password {PASSWORD}", f"xx{ENCODED}xx", f"repr {PASSWORD!r}")
    told = content(collected(tmp_path / "a.pgdyno.zip", leaky(tmp_path, *texts)))
    assert "s3cr3t" not in told
    assert "bad password …" in told


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://bob:{ENCODED}@db.example.org:5432/app?sslmode=require",
        f"dsn:host=db.example.org password='{PASSWORD}' user=bob",
    ],
)
def test_nothing_of_a_dsn_is_there(tmp_path, monkeypatch, dsn):
    monkeypatch.setenv("PGDYNO_DSN", dsn)
    texts = (dsn, f"auth failed with {PASSWORD}", "no route to db.example.org, sorry")
    told = content(collected(tmp_path / "a.pgdyno.zip", leaky(tmp_path, *texts)))
    assert "s3cr3t" not in told
    assert "example.org" not in told
    assert "no route to …, sorry" in told


def test_a_password_of_the_password_file_is_nowhere(tmp_path, monkeypatch):
    (tmp_path / "pgpass").write_text("# hosts\n*:*:*:bob:a\\:b\\\\c-secret\n")
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    path = leaky(tmp_path, "it was a:b\\c-secret")
    assert "c-secret" not in content(collected(tmp_path / "a.pgdyno.zip", path))


def test_this_host_is_nowhere(tmp_path):
    name = socket.gethostname()
    path = leaky(tmp_path, f"on {name} alone", f"lost tcp://{name}:4321")
    with zipfile.ZipFile(collected(tmp_path / "a.pgdyno.zip", path)) as archive:
        run = next(name for name in archive.namelist() if name.startswith("runs/"))
        head = json.loads(archive.read(run).splitlines()[0])
    assert name not in head["command"][1]
    assert head["job"]["moved_from"] == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("to postgresql://bob:p w@db:5432/x failed", "to postgresql://… failed"),
        ("postgres://bob@db/x", "postgres://…"),
        (
            "from https://token@git.example.org/a.git",
            "from https://…@git.example.org/a.git",
        ),
        ("password=hunter2 dbname=x", "password=… dbname=x"),
        ("{'user': 'bob', 'password': 'hunter2'}", "{'user': 'bob', 'password': …}"),
        ("PGPASSWORD=hunter2 psql", "PGPASSWORD=… psql"),
        ("password = 'hun ter2' x", "password = … x"),
        ("create role bob password 'hun''ter2'", "create role bob password '…'"),
        ('server at "db.example.org" (10.0.0.3), port 1', "server at …, port 1"),
        ("host=db.example.org port=1", "host=… port=1"),
        ("Connect call failed ('10.0.0.3', 5432)", "Connect call failed …"),
        ("--out /home/bob/x.jsonl", "--out ~/x.jsonl"),
        ("asyncpg@/Users/bob/asyncpg", "asyncpg@~/asyncpg"),
        (r"C:\Users\bob\x.jsonl", r"~\x.jsonl"),
        ("/root/x and /roots", "~/x and /roots"),
        ("password authentication failed for user bob", None),
        ("10.0.0.3/8 is an address", None),
        ("https://www.psycopg.org/docs", None),
        ("/usr/lib/postgresql/16/bin", None),
    ],
)
def test_what_looks_like_a_secret_is_replaced(text, told):
    note = Scrubber(Secrets()).line(encoded([Note(kind="k", text=text)]))
    assert json.loads(note)["text"] == (told or text)


def test_a_short_password_is_replaced_where_it_is_a_word_of_its_own():
    scrubber = Scrubber(Secrets(passwords=("postgres",), hosts=("asyncpg",)))
    line = encoded([Note(kind="k", text="postgres, asyncpg: xpostgresx", arm="asyncpg")])
    assert json.loads(scrubber.line(line)) == {
        "record": "note", "kind": "k", "text": "…, …: x…x", "cell": "", "arm": "asyncpg",
    }  # fmt: skip
    short = Scrubber(Secrets(passwords=("pg",)))
    line = encoded([Note(kind="k", text="pg is in pgdyno", arm="pg")])
    assert json.loads(short.line(line))["text"] == "… is in pgdyno"
    assert json.loads(short.line(line))["arm"] == "pg"


def test_a_password_that_is_a_word_of_the_catalogue_leaves_it_as_it_is():
    scrubber = Scrubber(Secrets(passwords=("rejected", "password")))
    judged = Judgement(Verdict.REJECTED, Code.PASSWORD_SHOWN, "rejected: password")
    check = Check(scenario="password", case="c", cell="password#c", driver="d",
                  profile="default", judgement=judged)  # fmt: skip
    (line,) = encoded([check]).splitlines()
    expected = line.replace(b"rejected: password", "…: …".encode())
    assert scrubber.line(line) == expected
    assert scrubber.gone == {"password": 1}


def test_arms_that_would_become_the_same_are_refused(tmp_path):
    arm = store.header_of(REAL).arms[0]
    arms = [replace(arm, id=f"psycopg2@/home/{name}/p") for name in ("alice", "bob")]
    path = leaky(tmp_path, arms=arms)
    with pytest.raises(ResultsError, match="names the arm 'psycopg2@~/p' twice"):
        collected(tmp_path / "a.pgdyno.zip", path)
    assert not (tmp_path / "a.pgdyno.zip").exists()


def test_a_long_text_without_secrets_is_gone_through_quickly():
    text = "x" * 200_000 + "password" + "y" * 200_000
    assert json.loads(Scrubber(Secrets()).line(encoded([Note(kind="k", text=text)])))


# --- machines ---------------------------------------------------------------------------


def test_machines_are_told_apart_and_cannot_be_guessed(monkeypatch):
    machine = store.header_of(REAL).machine
    names = [
        hashlib.sha256(name.encode()).hexdigest()[:12] for name in ("build-1", "build-2")
    ]
    first, second = (replace(machine, hostname_hash=name) for name in names)
    assert private.disguised(first) == private.disguised(first)
    assert private.disguised(first).key not in (private.disguised(second).key, first.key)
    assert private.disguised(private.disguised(first)) == private.disguised(first)
    before = private.disguised(first)
    monkeypatch.setenv("PGDYNO_MACHINE_KEY", "another")
    assert private.disguised(first) != before


def test_the_key_is_the_users_alone_and_stays(tmp_path):
    machine = store.header_of(REAL).machine
    before = private.disguised(machine)
    private._kept.cache_clear()
    assert private.disguised(machine) == before
    assert stat.S_IMODE((tmp_path / "data" / "machine-key").stat().st_mode) == 0o600


# --- hostile bundles --------------------------------------------------------------------

RUN = REAL.read_bytes()
NAME = "runs/a.jsonl"


def told(contents: dict[str, bytes], **values: Any) -> bytes:
    """A manifest that fits these files."""
    listed = [
        {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    ]
    return json.dumps({
        "format": 1, "pgdyno": [], "catalogue": "", "drivers": {}, "servers": [],
        "pythons": [], "machines": [], "files": listed, **values,
    }).encode()  # fmt: skip


def archive(
    path: Path,
    files: dict[str, bytes],
    manifest: bytes | None = None,
    change: Callable[[zipfile.ZipInfo], None] = lambda member: None,
) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)
            member.compress_type = zipfile.ZIP_DEFLATED
            change(member)
            made.writestr(member, content)
        made.writestr("manifest.json", told(files) if manifest is None else manifest)
    return path


def refused(path: Path, why: str) -> None:
    folder = path.parent / "deep" / "out"
    before = set(path.parent.rglob("*"))
    with pytest.raises(ResultsError, match=why) as caught:
        bundles.read(path, folder)
    assert set(path.parent.rglob("*")) - {folder, folder.parent} == before
    assert str(caught.value).isprintable()


def test_an_honest_archive_is_taken(tmp_path):
    path = archive(tmp_path / "b.zip", {NAME: RUN})
    assert bundles.read(path, tmp_path / "out").runs == (tmp_path / "out" / "a.jsonl",)
    assert (tmp_path / "out" / "a.jsonl").read_bytes() == RUN


@pytest.mark.parametrize(
    "name",
    [
        "../a.jsonl",
        "runs/../../a.jsonl",
        "runs/..jsonl",
        "/etc/a.jsonl",
        "runs//a.jsonl",
        "runs/b/a.jsonl",
        "runs\\a.jsonl",
        "C:/a.jsonl",
        "runs/C:a.jsonl",
        "runs/<script>alert(1)</script>.jsonl",
        "runs/\x1b[2Ja.jsonl",
        "runs/\u202ea.jsonl",
        "runs/a.jsonl ",
        "runs/.a.jsonl",
        "runs/a.html",
        "a.jsonl",
        "runs/",
        f"runs/{'a' * 300}.jsonl",
    ],
)
def test_a_name_that_is_none_of_a_run_is_refused(tmp_path, name):
    refused(archive(tmp_path / "b.zip", {name: RUN}), "is no name of a run|no bundle")


def link(member: zipfile.ZipInfo) -> None:
    member.create_system = 3
    member.external_attr = (stat.S_IFLNK | 0o777) << 16


def test_a_link_is_refused(tmp_path):
    path = archive(tmp_path / "b.zip", {NAME: b"/etc/passwd"}, change=link)
    refused(path, "is no regular file")


def test_two_files_of_a_name_are_refused(tmp_path):
    path = archive(tmp_path / "b.zip", {NAME: RUN})
    with zipfile.ZipFile(path, "a") as made, pytest.warns(UserWarning, match="Duplicate"):
        made.writestr(NAME, RUN)
    refused(path, "two files of the same name")
    twins = {NAME: RUN, "runs/A.jsonl": RUN}
    refused(archive(tmp_path / "c.zip", twins), "differ only in case")


def test_what_a_manifest_does_not_tell_is_refused(tmp_path):
    path = tmp_path / "b.zip"
    refused(archive(path, {NAME: RUN}, told({})), "does not fit its files: runs/a.jsonl")
    lacking = told({NAME: RUN, "runs/b.jsonl": RUN})
    refused(archive(path, {NAME: RUN}, lacking), "does not fit its files: runs/b.jsonl")
    refused(archive(path, {NAME: RUN}, told({NAME: RUN[:-1]})), "does not fit its files")
    changed = bytes([*RUN[:-9], *b"        }"])
    refused(archive(path, {NAME: RUN}, told({NAME: changed})), "it was changed")


def test_what_was_written_before_a_file_that_was_changed_goes_away(tmp_path):
    first, second = {"runs/a.jsonl": RUN}, {"runs/b.jsonl": RUN}
    spoilt = told({**first, "runs/b.jsonl": RUN.swapcase()})
    refused(archive(tmp_path / "b.zip", first | second, spoilt), "it was changed")


def test_a_file_that_was_there_stays(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.jsonl").write_bytes(RUN)
    files = {"runs/a.jsonl": RUN, "runs/b.jsonl": RUN}
    path = archive(
        tmp_path / "b.zip", files, told({**files, "runs/b.jsonl": RUN.swapcase()})
    )
    with pytest.raises(ResultsError, match="it was changed"):
        bundles.read(path, tmp_path / "out")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.jsonl"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "manifest.json"),
        (b"{}", "manifest.json"),
        (b"[" * 100_000, "manifest.json"),
        (b'{"format": 99}', "has format 99; this pgdyno reads 1"),
        (b'{"format": 1, "files": "<b>"}', "manifest.json"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path, text, why):
    refused(archive(tmp_path / "b.zip", {NAME: RUN}, text), why)


def test_a_manifest_of_another_format_may_have_anything_in_it(tmp_path):
    other = told({NAME: RUN}, format=2, files={"of": "another kind"})
    refused(archive(tmp_path / "b.zip", {NAME: RUN}, other), "has format 2")


def test_an_archive_without_a_manifest_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as made:
        made.writestr(NAME, RUN)
    refused(tmp_path / "b.zip", "has no manifest.json")


@pytest.mark.parametrize("size", [3 << 30, 10 << 30])
def test_a_bomb_that_says_its_size_is_refused(tmp_path, size):
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as made:
        member = zipfile.ZipInfo(NAME)
        with made.open(member, "w", force_zip64=True) as file:
            file.write(bytes(1000))
        member.file_size = size  # so says the directory at the end
        made.writestr("manifest.json", told({NAME: bytes(1000)}))
    refused(path, "does not fit its files")
    with zipfile.ZipFile(path, "a") as made:
        made.getinfo(NAME).file_size = size
        listed = {"name": NAME, "size": size, "sha256": ""}
        made.filelist[:] = [made.getinfo(NAME)]
        del made.NameToInfo["manifest.json"]
        made.writestr("manifest.json", told({}, files=[listed]))
    refused(path, "its runs are larger than 2 GiB")


def test_a_bomb_in_its_sum_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "MOST_BYTES", 3 * len(RUN))
    files = {f"runs/{number}.jsonl": RUN for number in range(4)}
    refused(archive(tmp_path / "b.zip", files), "its runs are larger than")


def test_a_bomb_that_lies_about_its_size_takes_no_memory(tmp_path):
    """Thirty megabytes that say they are a thousand bytes."""
    zeros = bytes(30 << 20)
    path = archive(tmp_path / "b.zip", {NAME: zeros}, told({NAME: zeros[:1000]}))
    content = bytearray(path.read_bytes())
    for sign, place in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        at = content.index(sign) + place
        content[at : at + 4] = struct.pack("<I", 1000)
    path.write_bytes(content)
    del zeros
    tracemalloc.start()
    refused(path, "no bundle that can be read")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_directory_without_end_is_not_read(tmp_path):
    path = archive(tmp_path / "b.zip", {NAME: RUN})
    content = bytearray(path.read_bytes())
    content[-12:-10] = struct.pack("<H", 60_000)
    path.write_bytes(content)
    refused(path, "more than 10,000 files")
    content[-12:-10] = struct.pack("<H", 2)
    content[-10:-6] = struct.pack("<I", 1 << 30)
    path.write_bytes(content)
    refused(path, "more than 10,000 files")
    longer = content[:-22] + b"PK\6\7" + bytes(16) + content[-22:]
    path.write_bytes(longer)
    refused(path, "more than 10,000 files")


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"hello" * 100, RUN, b"PK\5\6" + bytes(18)]
)
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "b.zip").write_bytes(content)
    refused(tmp_path / "b.zip", "is refused: it|is no bundle")


def test_every_archive_that_was_cut_is_refused(tmp_path):
    whole = archive(tmp_path / "whole.zip", {NAME: RUN}).read_bytes()
    cut = tmp_path / "b.zip"
    for length in range(0, len(whole), 997):
        cut.write_bytes(whole[:length])
        refused(cut, "is refused|is no bundle")


def test_every_byte_that_was_changed_is_found(tmp_path):
    """Or it was one that nobody reads: what is taken is what was put in."""
    whole = collected(tmp_path / "whole.pgdyno.zip").read_bytes()
    spoilt = tmp_path / "b.zip"
    bundles.read(tmp_path / "whole.pgdyno.zip", tmp_path / "first")
    for place in range(0, len(whole), 509):
        content = bytearray(whole)
        content[place] ^= 0x41
        spoilt.write_bytes(content)
        try:
            runs = bundles.read(spoilt, tmp_path / "again").runs
        except ResultsError:
            continue
        assert [run.read_bytes() for run in runs] == [
            run.read_bytes() for run in sorted((tmp_path / "first").iterdir())
        ]


def test_a_bundle_that_is_not_there(tmp_path):
    with pytest.raises(ResultsError, match="No such file"):
        bundles.read(tmp_path / "none.zip", tmp_path / "out")
