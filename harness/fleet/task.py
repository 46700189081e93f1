"""What Dask runs on a machine: a job as processes of its own, and what it left behind.

Nothing of the job happens in Dask's worker, which only sleeps beside it.
"""

from __future__ import annotations

import hashlib
import os
import select
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import dask
from distributed import get_worker
from distributed.core import Status

from harness.core.errors import EXIT_INFRASTRUCTURE
from harness.fleet import guard, quiet
from harness.fleet.landing import FULL

LOOK_S = 1.0
"""So often is asked whether anybody still wants the result."""
TAIL_BYTES = 2_000

RUNNING: dict[str, int] = {}
"""The jobs of this worker, and the processes that guard them."""


def run_job(line: bytes, job: str, attempt: int, moved_from: str) -> dict[str, Any]:
    """Run a job and give back its exit code, its file and the end of its stderr.

    Only plain values travel: client and worker need not agree on classes.
    """
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="pgdyno-job-") as folder:
            told: dict[str, Any] = _run(Path(folder), line, job, attempt, moved_from)
    except OSError as error:
        told = {"code": EXIT_INFRASTRUCTURE, "complete": False}
        told |= {"said": str(error.strerror), "errno": error.errno or 0}
    return told | {"job": job, "seconds": time.monotonic() - started}


def _run(
    folder: Path, line: bytes, job: str, attempt: int, moved_from: str
) -> dict[str, Any]:
    (folder / "job.jsonl").write_bytes(line)
    command = [sys.executable, "-m", "harness", "run-job", str(folder / "job.jsonl")]
    command += ["--out", str(folder / "out"), f"--attempt={attempt}"]
    with (folder / "stderr").open("w+b") as said:
        command.append(f"--moved-from={moved_from}")
        code = _guarded([str(folder), *command], job, said)
        tail = _tail(said)
    complete = (folder / "out" / f"{job}.jsonl").exists()
    content = _content(folder, job)
    return {
        "code": code,
        "complete": complete,
        "said": tail,
        "errno": next((number for number in FULL if os.strerror(number) in tail), 0),
        "size": len(content),
        "digest": hashlib.sha256(content).hexdigest(),
        "content": zlib.compress(content, 6),
    }


def _guarded(command: list[str], job: str, said: BinaryIO) -> int:
    """The exit code of a command that ends when nobody wants it any more."""
    process = subprocess.Popen(
        [sys.executable, "-m", guard.__name__, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=said,
        env=environment(),
    )
    RUNNING[job] = process.pid
    ended = os.pidfd_open(process.pid)
    try:
        with quiet.beside(process.pid) as follow:
            while _wanted() and not select.select([ended], [], [], LOOK_S)[0]:
                follow()
        if process.stdin:
            process.stdin.close()
        return process.wait(guard.PATIENCE_S + 10)
    finally:
        os.close(ended)
        process.kill()
        RUNNING.pop(job, None)


def _wanted() -> bool:
    """Whether the result may still be fetched: the task was not cancelled, and the worker
    has a scheduler."""
    worker = get_worker()
    task = worker.state.tasks.get(worker.get_current_task())
    return (
        task is not None
        and task.state == "executing"
        and worker.status
        in (
            Status.running,
            Status.paused,
        )
    )


def environment() -> dict[str, str]:
    """The machine's own environment: Dask sets variables for its workers, such as a hash
    seed, and they would change what is measured."""
    dasks = dask.config.get("distributed.nanny.pre-spawn-environ", {})
    dasks = {name: str(value) for name, value in dasks.items()} | {"PYTHONHASHSEED": "6640"}
    return {name: value for name, value in os.environ.items() if dasks.get(name) != value}


def _content(folder: Path, job: str) -> bytes:
    """The whole file of the job, or what there is of it."""
    for name in (f"{job}.jsonl", f"{job}.partial.jsonl"):
        if (folder / "out" / name).exists():
            return (folder / "out" / name).read_bytes()
    return b""


def _tail(file: BinaryIO) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL_BYTES))
    return file.read().decode(errors="replace").strip()


def running() -> list[str]:
    """The jobs that this worker has."""
    return list(RUNNING)
