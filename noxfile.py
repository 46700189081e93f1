"""The project's jobs: `nox -s bench` measures, `nox -s tests` tests."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["tests"]

PYPROJECT = nox.project.load_toml("pyproject.toml")

DEBIAN = {
    "postgresql": "usr/lib/postgresql/*/bin/postgres",
    "pgbouncer": "usr/sbin/pgbouncer",
    "openssl": "usr/bin/openssl",
    "valgrind": "usr/bin/valgrind",
}
"""Packages that no wheel has, and what they bring."""

SIDE_BY_SIDE = str(min(4, os.cpu_count() or 1) + 2)
"""How many processes run the tests that do not measure, each with a server of its own. Two
more than cores: many tests wait for a deadline."""


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
    """Measure all built-in drivers on the embedded server and write a report.

    Arguments after `--` go to `pgdyno bench`: `nox -s bench -- --effort standard`.
    """
    session.install("-e", ".[all]")
    session.run("pgdyno", "bench", "--report", "reports/latest", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Format, lint, types, generated files, then every test, on real drivers and servers.

    Arguments after `--` go to pytest.
    """
    install_programs(session)
    session.install("-e", ".[all]", *dependencies("test", "lint"))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("python", "tools/psycopg_sync.py", "--check")
    session.env["PYTHONDONTWRITEBYTECODE"] = ""  # a worker need not compile anew
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
    """Are the measurements right on this machine? Two to three hours; it can be resumed.

    Arguments after `--` go to `python -m studies.validity`.
    """
    install_programs(session)
    session.install("-e", ".[all,validity]")
    session.run("python", "-m", "studies.validity", *session.posargs)


@nox.session
def trend(session: nox.Session) -> None:
    """How drivers changed over the runs in `results/runs`.

    Arguments after `--` go to `pgdyno trend`: `nox -s trend -- copy --out copy.png`.
    """
    session.install("-e", ".[history,report]")
    runs = map(str, sorted(Path("results/runs").glob("*.jsonl")))
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
    session.run("python", "benchmarks/commands.py", *session.posargs)
