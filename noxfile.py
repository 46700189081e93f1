"""The project's jobs: `nox -s bench` measures, `nox -s tests` tests."""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["tests"]

PYPROJECT = nox.project.load_toml("pyproject.toml")


def dependencies(*groups: str) -> tuple[str, ...]:
    """The requirements of dependency groups of pyproject.toml."""
    return nox.project.dependency_groups(PYPROJECT, *groups)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure all built-in drivers on the embedded server and write a report.

    Arguments after `--` go to `pgdyno bench`: `nox -s bench -- --effort standard`.
    """
    session.install("-e", ".[all]")
    session.run("pgdyno", "bench", "--report", "reports/latest", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Format, lint, types, then every test, on real drivers and real servers.

    Arguments after `--` go to pytest.
    """
    session.install("-e", ".[all]", *dependencies("test", "lint"))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("pytest", *session.posargs)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """What pgdyno itself costs: the timed loop, and the commands."""
    session.install("-e", ".[all]")
    session.run("python", "benchmarks/loop_overhead.py")
    session.run("python", "benchmarks/checks.py")
    session.run("python", "benchmarks/commands.py", *session.posargs)
