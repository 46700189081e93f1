"""What arrives is a result only if it is whole, readable and that of the job."""

from __future__ import annotations

import errno
import hashlib
import zlib
from pathlib import Path
from typing import Any

import fake_runs
import msgspec
import pytest
from planned import planned

from harness.core.errors import ResultsError
from harness.fleet import landing
from harness.jobs.job import named
from harness.results.records import JobFacts, changed

JOB = planned(1)
HEADER = JobFacts(plan=JOB.plan, id=JOB.id)


def content(job: JobFacts | None = HEADER, problem: str = "", footer: bool = True) -> bytes:
    """The bytes of a small run of a job."""
    run = fake_runs.check(drivers=["psycopg"], types=["int4"])
    arms = [changed(arm, problem=problem) for arm in run.header.arms]
    records = [changed(run.header, job=job, arms=arms), *run.checks]
    records += [changed(run.footer, reason="complete")] if footer else []
    return b"".join(msgspec.json.encode(record) + b"\n" for record in records)


def with_lost(arm: str, job: JobFacts) -> bytes:
    """The bytes of a run in which one of two drivers could not be had."""
    run = fake_runs.check(drivers=["psycopg", "asyncpg"], types=["int4"])
    lost = {"id": arm, "problem": "it does not build"}
    arms = [changed(a, **(lost if a.driver == "psycopg" else {})) for a in run.header.arms]
    records = [changed(run.header, job=job, arms=arms), *run.checks]
    records.append(changed(run.footer, reason="complete"))
    return b"".join(msgspec.json.encode(record) + b"\n" for record in records)


def told(raw: bytes, **fields: Any) -> dict[str, Any]:
    """What a machine says of a job that went well."""
    plain = {
        "code": 0,
        "said": "",
        "errno": 0,
        "complete": True,
        "size": len(raw),
        "digest": hashlib.sha256(raw).hexdigest(),
        "content": zlib.compress(raw),
    }
    return plain | fields


def test_a_whole_result_lands(tmp_path: Path) -> None:
    (tmp_path / f"{JOB.id}.partial.jsonl").write_text("of an earlier try")
    assert not landing.machine_of(tmp_path, JOB)
    assert landing.land(tmp_path, JOB, told(content())) == landing.Landing()
    assert landing.machine_of(tmp_path, JOB)
    assert [file.name for file in tmp_path.iterdir()] == [f"{JOB.id}.jsonl"]


def test_a_result_that_arrives_twice_changes_nothing(tmp_path: Path) -> None:
    landing.land(tmp_path, JOB, told(content()))
    before = (tmp_path / f"{JOB.id}.jsonl").read_bytes()
    other = changed(HEADER, attempt=1, moved_from="abc")
    assert landing.land(tmp_path, JOB, told(content(other))).twice
    assert (tmp_path / f"{JOB.id}.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (told(content(), content=zlib.compress(content())[:-9]), "truncated on its way"),
        (told(content(), content=zlib.compress(content()[:-1])), "truncated on its way"),
        (told(content(), content=b"nothing"), "truncated on its way"),
        (told(content(), size=len(content()) - 1), "truncated on its way"),
        (told(content(), size=1 << 60), "truncated on its way"),
        (told(content(footer=False)), "is not complete: it has no footer"),
        (told(content(job=None)), "is that of something else"),
        (told(content(JobFacts(plan="p", id=JOB.id))), "is that of something else"),
        (told(b"no results\n"), "cannot be read"),
        ({"code": 5, "said": "pgdyno: no server\n  hint: start it"}, "exit 5: no server"),
    ],
)
def test_what_is_no_result_gets_no_name(tmp_path: Path, answer: dict, why: str) -> None:
    landed = landing.land(tmp_path, JOB, answer)
    assert why in landed.why
    assert not landed.machines
    assert list(tmp_path.iterdir()) == []


def test_what_a_failed_job_left_is_kept_for_people(tmp_path: Path) -> None:
    said = "pgdyno: it broke\npgdyno: the job is not done; /tmp/x holds what there is"
    answer = told(content(job=None, footer=False), complete=False, code=5, said=said)
    assert landing.land(tmp_path, JOB, answer).why == "exit 5: it broke"
    assert [file.name for file in tmp_path.iterdir()] == [f"{JOB.id}.partial.jsonl"]


def test_a_driver_or_disk_that_is_not_there_is_the_fault_of_the_machine(
    tmp_path: Path,
) -> None:
    lacking = landing.land(tmp_path, JOB, told(content(problem="not installed")))
    assert lacking == landing.Landing("psycopg could not be had", machines=True)
    full = {"code": 5, "said": "No space left on device", "errno": errno.ENOSPC}
    assert landing.land(tmp_path, JOB, full).machines
    assert landing.land(tmp_path, JOB, told(b"", **full)).machines
    assert not landing.machine_of(tmp_path, JOB)


def test_a_version_that_a_job_may_lack_is_nobodys_fault(tmp_path: Path) -> None:
    job = named(msgspec.structs.replace(JOB, allow_missing=True), "job")
    facts = JobFacts(plan=job.plan, id=job.id)
    for arm, there in (("psycopg==0.1", True), ("psycopg", False)):
        folder = tmp_path / arm
        folder.mkdir()
        landed = landing.land(folder, job, told(with_lost(arm, facts)))
        assert landed.machines is not there
        assert bool(landing.machine_of(folder, job)) is there


def test_another_file_of_its_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / f"{JOB.id}.jsonl").write_bytes(content(footer=False))
    with pytest.raises(ResultsError, match="is not complete"):
        landing.machine_of(tmp_path, JOB)
