"""The project's jobs: `nox -s bench` measures, `nox -s tests` tests.

`nox --list` has all of them; what stands after `--` goes on to the command.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nox
from nox.command import CommandFailed

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["tests"]

PYPROJECT = nox.project.load_toml("pyproject.toml")

DEBIAN = {
    "postgresql": "usr/lib/postgresql/*/bin/postgres",
    "pgbouncer": "usr/sbin/pgbouncer",
    "openssl": "usr/bin/openssl",
    "valgrind": "usr/bin/valgrind",
    "chromium": "usr/bin/chromium",
}
"""Packages that no wheel has, and what they bring."""

SIDE_BY_SIDE = str(min(4, os.cpu_count() or 1) + 2)
"""How many processes run the tests that do not measure, each with a server of its own. Two
more than cores: many tests wait for a deadline."""


RUNS = Path("results/runs")
"""Where `pgdyno bench` writes unless it is told otherwise."""


ON_THE_SERVER = ("--server", "--transport")


def header_of(run: Path) -> dict[str, Any]:
    """The first line of a results file."""
    with run.open(encoding="utf-8") as lines:
        found: dict[str, Any] = json.loads(next(lines))
        return found


def newest_runs(session: nox.Session) -> list[str]:
    """The last run of each kind: what measured, and what checked."""
    found = [file for file in RUNS.glob("*.jsonl") if file.stat().st_size]
    runs = sorted(found, key=lambda file: file.stat().st_mtime)
    if not runs:
        session.error(f"there is no run in {RUNS}: nox -s bench makes one")
    by_kind = {header_of(run)["kind"]: str(run) for run in runs}
    return list(by_kind.values())


def check_of(session: nox.Session, run: Path) -> Path:
    """A check of what a run timed, of the drivers that it timed, on the same server."""
    header = header_of(run)
    # What a driver says does not depend on the way to the server: `[via=tls,rtt=5]`.
    asked = (re.sub(r"\[(via|rtt)=[^\]]*\]$", "", cell["id"]) for cell in header["cells"])
    cells = list(dict.fromkeys(asked))
    arms = [arm for arm in header["arms"] if not (arm.get("twin") or arm.get("reference"))]
    drivers = [word for arm in arms for word in ("--driver", arm["id"])]
    server = [
        given
        for word, following in itertools.pairwise([*session.posargs, ""])
        if word.partition("=")[0] in ON_THE_SERVER
        for given in ([word] if "=" in word else [word, following])
    ]
    out = run.with_name(f"check-of-{run.name}")
    wanted = [*cells, *drivers, *server, "--out", str(out)]
    session.run("pgdyno", "check", *wanted, success_codes=[0, 1])
    return out


def dependencies(*groups: str) -> tuple[str, ...]:
    """The requirements of dependency groups of pyproject.toml."""
    return nox.project.dependency_groups(PYPROJECT, *groups)


def install_programs(session: nox.Session) -> None:
    """On Debian, for root: the packages that some tests need. Without them these skip."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    missing = [name for name, sign in DEBIAN.items() if not any(Path("/").glob(sign))]
    if not missing or not root or shutil.which("apt-get") is None:
        return
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        session.run(
            "apt-get",
            "--quiet=2",
            *command,
            env={"DEBIAN_FRONTEND": "noninteractive"},
            external=True,
            silent=True,
            success_codes=range(256),  # there may be no network
        )


@nox.session
def bench(session: nox.Session) -> None:
    """Measure all built-in drivers, check what was measured, report both.

    Arguments after `--` go to `pgdyno bench`: `nox -s bench -- --effort standard`.
    """
    session.install("-e", ".[all]")
    run = RUNS / f"bench-{time.strftime('%Y%m%d-%H%M%S')}.jsonl"
    for word, following in itertools.pairwise(session.posargs):
        run = Path(following) if word == "--out" else run
    try:
        session.run("pgdyno", "bench", *session.posargs, "--out", str(run))
    except CommandFailed:  # too busy to rank anything is a result, too
        report_of(session, run)
        raise
    report_of(session, run)


def report_of(session: nox.Session, run: Path) -> None:
    """A report of a run and of a check of what it timed; none where nothing was kept."""
    if run.exists():
        session.run("pgdyno", "report", str(run), str(check_of(session, run)))


@nox.session
def check(session: nox.Session) -> None:
    """Ask all built-in drivers the whole catalogue: is it right?

    Arguments after `--` go to `pgdyno check`: `nox -s check -- types --driver psqlpy`.
    """
    session.install("-e", ".[all]")
    session.run("pgdyno", "check", *session.posargs)


@nox.session
def compare(session: nox.Session) -> None:
    """Say what changed: `nox -s compare -- BASE CANDIDATE`, two runs or two versions.

    Two results files are compared as they are, with further arguments for `pgdyno
    compare`. Two arms, such as asyncpg==0.31.0 and asyncpg==0.32.0, are measured side by
    side first, over the quick cells or what further arguments name:
    `nox -s compare -- asyncpg==0.31.0 asyncpg==0.32.0 copy/in`.
    """
    if len(session.posargs) < 2:
        session.error("name two: nox -s compare -- BASE CANDIDATE")
    session.install("-e", ".[all]")
    base, candidate, *more = session.posargs
    if base.endswith(".jsonl"):
        session.run("pgdyno", "compare", base, candidate, *more)
        return
    out = str(RUNS / f"compare-{time.strftime('%Y%m%d-%H%M%S')}.jsonl")
    arms = ("--driver", base, "--driver", candidate)
    session.run("pgdyno", "bench", *more, *arms, "--effort", "gate", "--out", out)
    session.run("pgdyno", "compare", out, "--base", base, "--candidate", candidate)


@nox.session
def report(session: nox.Session) -> None:
    """Make a report of the newest times and the newest checks in `results/runs`.

    Arguments after `--` go to `pgdyno report`: `nox -s report -- run.jsonl --format csv`.
    """
    session.install("-e", ".[report,analysis]")
    session.run("pgdyno", "report", *(session.posargs or newest_runs(session)))


def types_while_compiling(session: nox.Session) -> None:
    """Check types on one core; on another import all tests once, which compiles them:
    otherwise each process that runs tests would compile all of them anew."""
    with ThreadPoolExecutor() as pool:
        collecting = ("pytest", "--collect-only", "--quiet", *session.posargs)
        compiling = pool.submit(session.run, *collecting, silent=True)
        session.run("mypy")
        compiling.result()


@nox.session
def tests(session: nox.Session) -> None:
    """Format, lint, types, then every test, on real drivers and servers.

    Arguments after `--` go to pytest.
    """
    install_programs(session)
    session.install("-e", ".[all,further]", *dependencies("test", "lint"))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.env["PYTHONDONTWRITEBYTECODE"] = ""  # a worker need not compile anew
    types_while_compiling(session)
    beside_nox = str(Path(sys.executable).parent)  # uv may be there
    paths = [*(session.bin_paths or ()), os.environ["PATH"], beside_nox]
    session.env["PATH"] = os.pathsep.join(paths)
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.run("pytest", "-m", "not alone", "-n", SIDE_BY_SIDE)
    session.run("pytest", "-m", "alone")


@nox.session
def validity(session: nox.Session) -> None:
    """Ask whether measurements are right here: two to three hours; it can be resumed.

    Arguments after `--` go to `python -m studies.validity`.
    """
    install_programs(session)
    session.install("-e", ".[all,validity]")
    session.run("python", "-m", "studies.validity", *session.posargs)


@nox.session
def recipes(session: nox.Session) -> None:
    """Measure and ask versions of drivers: what changed (docs/recipes.md)?

    Arguments after `--` go to `python -m studies.recipes`.
    """
    session.install("-e", ".[all]")
    session.run("python", "-m", "studies.recipes", *session.posargs)


@nox.session
def trend(session: nox.Session) -> None:
    """Draw how drivers changed over the runs in `results/runs`.

    Arguments after `--` go to `pgdyno trend`: `nox -s trend -- copy --out copy.png`.
    """
    if not session.posargs:
        session.error("name a cell or a family: nox -s trend -- copy")
    session.install("-e", ".[history,report]")
    runs = map(str, sorted(RUNS.glob("*.jsonl")))
    session.run("pgdyno", "store", "add", *runs)
    session.run("pgdyno", "trend", *session.posargs)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """What pgdyno itself costs: the timed loop, taking turns, and the commands."""
    session.install("-e", ".[all]")
    session.run("python", "benchmarks/loop_overhead.py")
    session.run("python", "benchmarks/lead_in.py")
    session.run("python", "benchmarks/worker_start.py")
    session.run("python", "benchmarks/checks.py")
    session.run("python", "benchmarks/checks.py", "--growth")
    session.run("python", "benchmarks/plan.py")
    session.run("python", "benchmarks/merge.py")
    session.run("python", "benchmarks/coverage.py")
    session.run("python", "benchmarks/commands.py", *session.posargs)
