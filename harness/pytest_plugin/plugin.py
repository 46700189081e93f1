"""The plug-in's entry point: options, fixtures, and nothing that costs without them.

Every pytest session of an environment that has pgdyno loads this module. It imports pytest
and the standard library only; what does the work is imported inside of functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.pytest_plugin.comparing import ArmFixture
    from harness.pytest_plugin.targets import PgTarget
    from harness.pytest_plugin.timing import BenchFixture

MARKER = (
    "pgdyno(driver, profile, op, family): a cell of a scenario file, asked of a driver; "
    "pgdyno adds it"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options, and for each the key of pytest's own settings."""
    group = parser.getgroup("pgdyno", "PostgreSQL drivers (pgdyno)")
    group.addoption(
        "--pgdyno",
        action="store_true",
        help="collect scenario files: one test for each cell and driver",
    )
    group.addoption(
        "--pgdyno-server",
        metavar="S",
        help="wheel[:16|:18], local[:BINDIR], dsn:postgresql://… or container:IMAGE "
        "(default: $PGDYNO_DSN if set, else wheel)",
    )
    group.addoption(
        "--pgdyno-driver",
        action="append",
        metavar="D",
        help="a driver with options or a version, such as asyncpg==0.31.0; may be "
        "repeated (default: every installed one)",
    )
    group.addoption(
        "--pgdyno-profile",
        choices=("default", "configured", "both"),
        help="as installed, with the documented registrations done, or both (default: as "
        "installed)",
    )
    group.addoption(
        "--pgdyno-baselines",
        metavar="DIR",
        help="folder of the baselines (default: results/baselines)",
    )
    parser.addini("pgdyno", "collect scenario files", type="bool", default=False)
    parser.addini("pgdyno_server", "where PostgreSQL comes from")
    parser.addini("pgdyno_driver", "drivers that scenario files ask", type="linelist")
    parser.addini("pgdyno_profile", "default, configured or both")
    parser.addini("pgdyno_baselines", "folder of the baselines")


def pytest_configure(config: pytest.Config) -> None:
    """Collect scenario files if the user asked for it."""
    config.addinivalue_line("markers", MARKER)
    if config.getoption("pgdyno") or config.getini("pgdyno"):
        from harness.pytest_plugin import collecting

        config.pluginmanager.register(collecting.Collecting(config), "pgdyno-scenarios")


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test that asks for `pg_bench` is one of pytest-benchmark's, where that is there."""
    if "pg_bench" in getattr(item, "fixturenames", ()):
        from harness.pytest_plugin import reporting

        reporting.adopt(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what `pg_bench` and `pg_arm` found."""
    reports = [
        report
        for kind in ("passed", "failed")
        for report in terminalreporter.stats.get(kind, ())
        if any(name.startswith("pg_") for name, _ in report.user_properties)
    ]
    if reports:
        from harness.pytest_plugin import reporting

        reporting.summarise(terminalreporter, reports)


@pytest.fixture(scope="session")
def pg_server(request: pytest.FixtureRequest) -> PgTarget:
    """A PostgreSQL server for the whole session; an embedded one, if nobody names another.

    With xdist all processes share it.
    """
    from harness.pytest_plugin import playing, targets

    return targets.of_server(playing.ground_for(request.config))


@pytest.fixture
def pg_target(request: pytest.FixtureRequest) -> Iterator[PgTarget]:
    """An empty schema of this test's own on the server; its `dsn` leads there."""
    from harness.pytest_plugin import playing, targets

    with targets.lent(playing.ground_for(request.config), request.node.name) as target:
        yield target


@pytest.fixture
def pg_bench(request: pytest.FixtureRequest) -> BenchFixture:
    """Call it with a function without arguments: it is timed, and its result comes back.

    A function that gives an awaitable is timed in the loop that runs: await the call.
    """
    from harness.pytest_plugin import timing

    return timing.BenchFixture(request)


@pytest.fixture
def pg_arm(request: pytest.FixtureRequest) -> ArmFixture:
    """Compare a function between a commit of this project and its working tree."""
    from harness.pytest_plugin import comparing

    return comparing.ArmFixture(request)
