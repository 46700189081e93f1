"""Jobs on real workers of Dask: what goes well, and what may happen to a fleet."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from distributed import Client
from on_workers import beside_a_job, hide_libraries, periodic, pretend
from planned import planned

from harness.cli.main import main
from harness.core.errors import EXIT_INFRASTRUCTURE, EXIT_PASS
from harness.fleet import connection, facts, guard, quiet, roster, task
from harness.fleet import local as local_fleet
from harness.fleet.fleet import Fleet
from harness.fleet.ledger import Ledger
from harness.jobs.job import Job, line
from harness.results import store
from harness.results.records import JobFacts

SOON_S = 30.0


class Told:
    """Remembers what a fleet says, and does something while it runs."""

    def __init__(self, act: Callable[[Fleet], None] = lambda fleet: None) -> None:
        self.lines: list[str] = []
        self._act = act

    def say(self, text: str) -> None:
        self.lines.append(text)

    def show(self, fleet: Fleet) -> None:
        self._act(fleet)


class OnceRunning:
    """Does something to the first job that has processes on a machine."""

    def __init__(self, act: Callable[[Fleet, str], None]) -> None:
        self._act, self._done = act, False

    def __call__(self, fleet: Fleet) -> None:
        flights = list(fleet.flights)
        if not self._done and flights:
            self._done = True
            until(lambda: fleet.client.run(task.running)[flights[0].address])
            self._act(fleet, flights[0].address)


def until(what: Callable[[], object]) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + SOON_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def guards() -> list[psutil.Process]:
    """The processes beside jobs of this user, wherever their workers are."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if guard.__name__ in process.cmdline() and MARK in process.environ():
                found.append(process)
    return found


MARK = f"PGDYNO_TEST_FLEET_{os.getpid()}"


@pytest.fixture(scope="module")
def local(dsn: str) -> Iterator[Callable[[], Client]]:
    """Two machines whose environment says where their server is; makes clients."""
    where = connection.place("local:2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGDYNO_DSN", dsn.removeprefix("dsn:"))
        patch.setenv(MARK, "1")
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        patch.delenv("PYTHONHASHSEED", raising=False)
        with connection.reachable(where) as there:
            yield lambda: connection.connected(there)


@contextlib.contextmanager
def fleet_of(
    connect: Callable[[], Client], jobs: list[Job], out: Path, told: Told, least: int = 2
) -> Iterator[Fleet]:
    """A fleet that is ready to run."""
    fleet = Fleet(Ledger(jobs), out, told, connect)
    try:
        fleet.roster.gather(fleet.client, least, SOON_S)
        yield fleet
    finally:
        fleet.close()


def jobs_of(*numbers: int, **fields: str) -> list[Job]:
    return [planned(number, server="dsn", **fields) for number in numbers]


def facts_in(out: Path, job: Job) -> JobFacts:
    found = store.read(out / f"{job.id}.jsonl").header.job
    assert found is not None
    return found


def test_dask_is_kept_out_of_the_measurement(local) -> None:
    """Its profiler is off, its looks are rare, and it changes no job's environment."""
    with contextlib.closing(local()) as client:
        told = client.run(periodic)
        assert len(told) == 2
        for running in told.values():
            assert running.keys() & {"profile", "heartbeat"} == set()
            assert running["pgdyno-heartbeat"] == quiet.HEARTBEAT_MS
            assert all(
                running[name] >= quiet.SLOWED_MS[name] for name in ("tick", "monitor")
            )
        for environment in client.run(task.environment).values():
            assert "PYTHONHASHSEED" not in environment
            assert "MALLOC_TRIM_THRESHOLD_" not in environment
            assert MARK in environment
        cores = client.run(os.sched_getaffinity, 0)
        assert sorted(map(tuple, cores.values())) == sorted(
            quiet.parts(os.sched_getaffinity(0), 2)
        )


def test_a_local_scheduler_listens_to_this_machine_only() -> None:
    """Dask's HTTP server would take port 8787 of every interface, and warn if it cannot."""
    before = listening()
    with local_fleet.cluster(0):
        made = listening() - before
    assert made
    assert {host for host, _ in made} == {"127.0.0.1"}
    assert 8787 not in {port for _, port in made}


def listening() -> set[tuple[str, int]]:
    """Where this process listens."""
    sockets = psutil.Process().net_connections("tcp")
    return {(at.laddr.ip, at.laddr.port) for at in sockets if at.status == "LISTEN"}


def test_a_worker_stays_on_the_cores_of_its_job_and_out_of_the_way(local) -> None:
    """It goes to where pgdyno's own process is, and what it starts next is not nice."""
    core = max(os.sched_getaffinity(0))
    with contextlib.closing(local()) as client:
        before = client.run(os.sched_getaffinity, 0)
        future = client.submit(beside_a_job, core, workers=[min(before)], pure=False)
        told = future.result(timeout=SOON_S)
    assert told["there"] == {core}
    assert told["after"] == before[min(before)]
    assert told["mine"] == os.getpriority(os.PRIO_PROCESS, 0)
    assert set(told["others"].values()) == {19}


def test_a_machine_without_the_driver_is_set_aside(local, tmp_path: Path) -> None:
    """The other one does its job, too, and the file says that it moved."""
    (tmp_path / "psycopg2.py").write_text("raise ImportError('no psycopg2 here')")
    jobs, told = jobs_of(1, driver="psycopg2"), Told()
    with fleet_of(local, jobs, tmp_path, told) as fleet:
        first = fleet.roster.there["0"].address
        fleet.client.run(hide_libraries, str(tmp_path), workers=[first])
        try:
            fleet.run()
        finally:
            fleet.client.run(hide_libraries, "", workers=[first])
    assert "machine 0 gets no more jobs: psycopg2 could not be had" in told.lines
    found = facts_in(tmp_path, jobs[0])
    assert (found.attempt, found.moved_from) == (1, facts.here()["machine"])


def test_an_interrupt_ends_what_runs_and_keeps_what_came(local, tmp_path: Path) -> None:
    def interrupt(fleet: Fleet, address: str) -> None:
        raise KeyboardInterrupt

    with (
        fleet_of(
            local, jobs_of(1, path="types"), tmp_path, Told(OnceRunning(interrupt))
        ) as fleet,
        pytest.raises(KeyboardInterrupt) as stop,
    ):
        fleet.run()
    assert not hasattr(stop.value, "__notes__")  # nothing may still be running
    assert guards() == []
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_is_killed_in_a_job(local, tmp_path: Path) -> None:
    """Its job is done by another machine, and no process of the first try remains."""
    doomed: list[int] = []

    def kill(fleet: Fleet, address: str) -> None:
        (pid,) = fleet.client.run(os.getpid, workers=[address]).values()
        doomed.extend(each.pid for each in psutil.Process(pid).children(recursive=True))
        os.kill(pid, signal.SIGKILL)

    jobs, told = jobs_of(1), Told(OnceRunning(kill))
    with fleet_of(local, jobs, tmp_path, told) as fleet:
        fleet.run()
    assert [f"machine 0: {jobs[0].id} was lost with it"] == [
        text for text in told.lines if "lost" in text
    ]
    found = facts_in(tmp_path, jobs[0])
    assert (found.attempt, found.moved_from) == (1, facts.here()["machine"])
    assert len(doomed) >= 2  # the guard and its job
    until(lambda: not any(psutil.pid_exists(pid) for pid in doomed))


def test_two_versions_in_a_fleet_are_refused(local, tmp_path: Path) -> None:
    fleet = Fleet(Ledger(jobs_of(1)), tmp_path, Told(), local)
    try:
        fleet.roster.gather(fleet.client, 2, SOON_S)
        address = fleet.roster.there["1"].address
        fleet.client.run(pretend, "9.9.9", workers=[address])
        fresh = roster.Roster(print)
        with pytest.raises(facts.UnlikeMachinesError, match=r"9\.9\.9 \(1\)"):
            fresh.gather(fleet.client, 2, SOON_S)
        fleet.client.run(pretend, facts.here()["pgdyno"], workers=[address])
    finally:
        fleet.close()


# --- a scheduler that is not ours -----------------------------------------------------

SERVE = """
import asyncio, sys
from distributed import Scheduler, Worker
async def serve(port):
    async with Scheduler(host="127.0.0.1", port=port, dashboard_address=None) as scheduler:
        async with Worker(scheduler.address, nthreads=1, resources={"pgdyno": 1}, name="m"):
            print("ready", flush=True)
            await scheduler.finished()
asyncio.run(serve(int(sys.argv[1])))
"""


@pytest.fixture
def serve(dsn: str) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts a scheduler with a worker, always at the same address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        serve_port = free.getsockname()[1]
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(serve_port)],
            env=os.environ | {"PGDYNO_DSN": dsn.removeprefix("dsn:"), MARK: "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    start.address = f"tcp://127.0.0.1:{serve_port}"  # type: ignore[attr-defined]
    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_scheduler_that_is_restarted(serve, tmp_path, capsys) -> None:
    """The command waits for it, and runs again what was on its way."""
    jobs = jobs_of(1, 2)
    plan, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    plan.write_bytes(b"".join(map(line, jobs)))
    process = serve()

    def restart() -> None:
        until(lambda: any(out.glob("*.jsonl")) and guards())
        process.kill()
        process.wait()
        until(lambda: not guards())
        serve()

    accident = threading.Thread(target=restart)
    accident.start()
    run = ["fleet", "run", str(plan), "--scheduler", serve.address, "--out", str(out)]
    code = main(run)
    accident.join()
    told = capsys.readouterr()
    assert code == EXIT_PASS
    assert "the scheduler is gone; waiting for it" in told.err
    assert "pgdyno merge" in told.out
    assert told.out.splitlines()[-1].endswith(str(out))
    assert [facts_in(out, job).attempt for job in jobs] == [0, 1]
    assert main(run) == EXIT_PASS
    assert "2 of 2 jobs were done before" in capsys.readouterr().out
    plan.write_bytes(b"".join(line(planned(k, block=k)) for k in (1, 2)))
    assert main(run) == EXIT_INFRASTRUCTURE
    assert "needs 2 machines, and there are 1" in capsys.readouterr().err
