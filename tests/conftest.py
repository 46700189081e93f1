"""What the tests share: one server for all, the miniatures, a stage."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helpers
import hypothesis
import pytest

from harness import servers
from harness.validity import trials
from harness.venue import venue

hypothesis.settings.register_profile(
    "busy",  # others may use the machine: how long an example takes says nothing
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("busy")

MINIATURES = Path(__file__).parent / "miniatures"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m alone`, import no file that has no such test."""
    of_no_use = config.option.markexpr == "alone" and collection_path.suffix == ".py"
    return True if of_no_use and not names_quiet(collection_path) else None


def names_quiet(file: Path) -> bool:
    """Whether tests of a file may ask for `quiet`."""
    return "quiet" in file.read_text("utf-8")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `nox -s tests` must not run side by side; order the others."""
    for item in items:
        if "quiet" in getattr(item, "fixturenames", ()):
            assert names_quiet(item.path), f"{item.nodeid}: `-m alone` would not find it"
            item.add_marker("alone")
    if "PYTEST_XDIST_WORKER" in os.environ:
        from scheduling import longest_first

        longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Spread single tests where they share nothing."""
    from scheduling import SharedFixtures

    return SharedFixtures(config, log)


@pytest.fixture(scope="session")
def quiet() -> None:
    """What measures asks for this: whatever else runs would be in its numbers."""


@pytest.fixture(scope="session")
def place() -> Iterator[venue.Venue]:
    """A venue on the server of $PGDYNO_TEST_SERVER, the embedded one if not set."""
    spec = servers.parse(os.environ.get("PGDYNO_TEST_SERVER", "wheel"), max_connections=200)
    with venue.opened(spec) as opened:
        yield opened


@pytest.fixture(scope="session")
def dsn(place: venue.Venue) -> str:
    """The shared server for verbs: one that runs already costs them no start."""
    return f"dsn:{helpers.uri(place)}"


@pytest.fixture(scope="module")
def miniatures() -> Iterator[None]:
    """Make all broken drivers findable, here and in workers."""
    with trials.findable(), pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(MINIATURES))
        patch.setenv("PYTHONPATH", str(MINIATURES), prepend=os.pathsep)
        sys.modules.pop("miniatures", None)
        yield


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of plug-ins from outside: a package of two drivers, and a lone module."""
    info = tmp_path / "outside-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[pgdyno.drivers]\nout = out_package:Out\nsingle = out_single:Single\n"
        "both = out_package:Both\n"
    )
    (tmp_path / "out_package").mkdir()
    (tmp_path / "out_package" / "__init__.py").write_text("")
    (tmp_path / "out_single.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path
