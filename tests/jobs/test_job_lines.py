"""A job as a line: whoever wrote it, it is a job, or it is refused before it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import EXIT_USAGE, JobError
from harness.jobs.job import Job, decoded, find, has_secret, line, named, read_jobs

DRAFT = Job(
    id="",
    plan="40b4a3018ad551df",
    verb="check",
    arguments=("query/point", "types#int", "--driver", "asyncpg==0.29.0%3.11", "--no-aa"),
    shard="ed25ffb28e2a3bdd",
    block=2,
    seconds=12.5,
    pgdyno="0.1.0",
    catalogue="05709e171ae9ff64",
    digests=("cf8ab22c", "590a204e"),
)
JOB = named(DRAFT, "check-m2-wheel:18-001")


def other(**values: Any) -> Job:
    """Another job, properly named."""
    return named(msgspec.structs.replace(DRAFT, **values), "check-2")


def written(tmp_path: Path, *lines: bytes) -> Path:
    path = tmp_path / "jobs.jsonl"
    path.write_bytes(b"".join(lines))
    return path


def test_a_job_comes_back_as_it_was(tmp_path):
    assert read_jobs(written(tmp_path, line(JOB), b"\n", line(other()))) == [JOB, other()]
    assert JOB.paths == ["query/point", "types#int"]
    assert JOB.options == [("--driver", "asyncpg==0.29.0%3.11"), ("--no-aa", "")]


def test_an_id_is_a_file_name_made_of_the_contents():
    assert JOB.id == f"check-m2-wheel-18-001-{JOB.contents}"
    assert other(seconds=99.0).id == other().id  # a forecast is not asked
    values = {"plan": "x", "verb": "bench", "block": 3, "digests": ("a", "b")}
    ids = {other(**{name: value}).id for name, value in values.items()}
    assert len({other().id, *ids}) == 5
    assert named(DRAFT, "bench-local:../pg-rtt0.2").id.startswith("bench-local-pg-rtt0.2-")


@given(st.text() | st.text("a.-1/", max_size=200))
def test_whatever_a_server_is_called_the_id_is_a_file_name(stem):
    job = named(DRAFT, stem)
    assert decoded(line(job), "here") == job
    assert len(job.id) < 120


def test_a_job_is_found_by_number_by_id_or_alone(tmp_path):
    both = written(tmp_path, line(JOB), b"\n", line(other()))
    assert (
        find(f"{both}#2") == find(f"{both}#02") == find(f"{both}#{other().id}") == other()
    )
    alone = tmp_path / "a#1"
    alone.write_bytes(line(JOB))
    assert find(str(alone)) == JOB  # a file may be called so


@pytest.mark.parametrize("which", ["#0", "#3", "#check", "#", "", "#-1", "#1x", "#²"])
def test_a_job_that_is_not_there_is_told(tmp_path, which):
    with pytest.raises(JobError) as told:
        find(f"{written(tmp_path, line(JOB), line(other()))}{which}")
    assert told.value.hint


@pytest.mark.parametrize(
    "text", ["nowhere.jsonl", "nowhere.jsonl#1", "#1", "", "a\0b", "\0#1"]
)
def test_a_file_that_is_not_there_is_told(text):
    with pytest.raises(JobError):
        find(text)


def raw(**values: Any) -> bytes:
    """JSON of a job with other values, properly named; None takes a field away."""
    told = msgspec.to_builtins(DRAFT) | values
    return msgspec.json.encode({key: v for key, v in told.items() if v is not None})


HOSTILE = {
    "no JSON": b"{]\n",
    "another thing": b'{"record":"header"}\n',
    "a list": b"[" * 100_000,
    "no text": b"\xff\xfe\n",
    "a long line": b'{"id":"' + b"x" * (2 << 20) + b'"}\n',
    "an unknown verb": raw(verb="fuzz"),
    "an unknown field": raw(shell="rm"),
    "a field that lacks": raw(plan=None),
    "a block of less than none": raw(block=-1),
    "an absurd block": raw(block=2**70),
    "an absurd forecast": raw(seconds=1e300),
    "endless": raw().replace(b"12.5", b"1e999"),
    "a long word": raw(arguments=["x" * 100_000], digests=["a"]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_line_that_is_no_job_is_told_with_its_place(tmp_path, name):
    path = written(tmp_path, line(JOB), HOSTILE[name])
    with pytest.raises(JobError, match=r"jobs\.jsonl, line 2 is no job: .{3,220}") as told:
        read_jobs(path)
    assert told.value.exit_code == EXIT_USAGE
    with pytest.raises(JobError):
        find(f"{path}#2")


@pytest.mark.parametrize(
    "name",
    ["..", "../../etc/x", "/etc/x", "a/b", "a..b", ".x", "-x", "", "a" * 200, "A", "a\n"],
)
def test_an_id_that_is_no_file_name_is_refused(tmp_path, name):
    path = written(tmp_path, line(msgspec.structs.replace(JOB, id=name)))
    with pytest.raises(JobError, match="is no id of a job"):
        read_jobs(path)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("a", "b", "--out", "/etc/x"), "'--out' is no option"),
        (("a", "b", "--ou", "/etc/x"), "'--ou' is no option"),
        (("a", "b", "--out=/etc/x"), "'--out=/etc/x' is no option"),
        (("a", "b", "--update"), "'--update' is no option"),
        (("a", "b", "--baselines", "x"), "'--baselines' is no option"),
        (("a", "b", "--report", "x"), "'--report' is no option"),
        (("a", "b", "--no-aa", "c"), "'c' is no option"),
        (("a", "b", "--", "c"), "'--' is no option"),
        (("a", "b", "-h"), "'-h' is no option"),
        (("a", "b", "--driver"), "--driver has no value"),
        (("a", "b", "--driver", "--out"), "--driver has no value"),
        (("a",), "which cells"),
        (("--driver", "psycopg"), "which cells"),
        (("a", "b", "--server", "dsn:postgresql://u:hunter2@h/d"), "holds a password"),
    ],
)
def test_arguments_that_no_plan_has_are_refused(tmp_path, arguments, why):
    path = written(tmp_path, line(other(arguments=arguments)))
    with pytest.raises(JobError, match=why) as told:
        read_jobs(path)
    assert "hunter2" not in str(told.value)


def test_a_job_that_was_changed_is_refused(tmp_path):
    changed = line(JOB).replace(b"asyncpg==0.29.0", b"asyncpg==0.32.0")
    with pytest.raises(JobError, match="was changed"):
        read_jobs(written(tmp_path, changed))


def test_no_job_is_there_twice_and_none_is_no_plan(tmp_path):
    with pytest.raises(JobError, match="jobs 1 and 3 are the same"):
        read_jobs(written(tmp_path, line(JOB), line(other()), line(JOB)))
    with pytest.raises(JobError, match="holds no job"):
        read_jobs(written(tmp_path, b"\n"))
    with pytest.raises(JobError, match="holds 2 jobs"):
        find(str(written(tmp_path, line(JOB), line(other()))))


@pytest.mark.parametrize(
    "text",
    [
        "dsn:postgresql://u:p@h/d",
        "postgresql://u:p/q@h",
        "postgres://:p@h",
        "dsn:postgresql://h/d?password=p",
        "dsn:postgresql://h/d?pass%77ord=p",
        "dsn:postgresql://h/d?user=u&sslpassword=p",
        "dsn:host=h password=p",
        "dsn:host=h password = 'p q'",
    ],
)
def test_a_password_is_seen(text):
    assert has_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "wheel:18",
        "dsn:postgresql://u@h:5432/d",
        "dsn:postgresql://h1:5432,h2:5433/d?passfile=f",
        "dsn:host=h port=5432 passfile=/home/u/.pgpass",
        "container:registry:5000/postgres:18",
    ],
)
def test_what_is_no_password_is_none(text):
    assert not has_secret(text)
