"""Scenario files as tests: one for each cell and driver, found without any server.

A TOML file is a scenario file if it says so by `schema` and its tables. In a folder called
`pgdyno`, or if it was named, it is one whatever it says: what is wrong in it must show.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness import scenario
from harness.check.order import plays
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import ScenarioError
from harness.core.visible import visible_line
from harness.pytest_plugin import asked
from harness.pytest_plugin.asked import told

FOLDER = "pgdyno"
_OTHERS = ("pyproject.toml", "pgdyno.toml")
_SCHEMA = re.compile(rb"^schema\s*=", re.MULTILINE)
_TABLES = re.compile(rb"^\[\[(case|value|mix)\]\]", re.MULTILINE)


class Collecting:
    """The hooks of a session that was asked for scenarios."""

    def __init__(self, config: pytest.Config) -> None:
        self.arms = asked.of(config).arms()
        self._files: dict[str, Path] = {}

    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> pytest.Collector | None:
        """Take scenario files, and leave every other TOML file alone."""
        if file_path.suffix != ".toml" or file_path.name in _OTHERS:
            return None
        wanted = file_path.parent.name == FOLDER or parent.session.isinitpath(file_path)
        if not wanted and not _is_scenario(file_path):
            return None
        collector = ScenarioTests.from_parent(parent, path=file_path)
        collector.collecting = self
        return collector

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say of a skip where its cell is written, not where pgdyno raised it."""
        report = yield
        if isinstance(item, CellTest) and isinstance(report.longrepr, tuple):
            report.longrepr = (str(item.path), 1, report.longrepr[2])
        return report

    def claim(self, found: scenario.Scenario, file: Path) -> None:
        """Results know a file outside of the library by its stem, so that is unique.

        Raises:
            ScenarioError: another file of this session has the same name.
        """
        other = self._files.setdefault(found.name, file)
        if other != file:
            raise ScenarioError(
                f"{other} and {file} are both called '{found.name}'", hint="rename one"
            )


def _is_scenario(file: Path) -> bool:
    try:
        text = file.read_bytes()
    except OSError:
        return False
    return bool(_SCHEMA.search(text) and _TABLES.search(text))


class ScenarioTests(pytest.File):
    """One scenario file."""

    collecting: Collecting

    def collect(self) -> Iterator[pytest.Item]:
        """A test for each cell that a check plays, and each arm that plays it."""
        try:
            found = scenario.load(self.path)
            self.collecting.claim(found, self.path)
        except ScenarioError as error:
            raise self.CollectError(told(error)) from None
        arms = self.collecting.arms
        names = _names(arms)
        for cell in found.cells:
            for arm in arms if cell.checked else ():
                if plays(arm, cell, arms):
                    name = f"{_local(cell)}[{names[arm]}]"
                    yield CellTest.from_parent(self, name=name, cell=cell, arm=arm)


def _names(arms: Sequence[Arm]) -> dict[Arm, str]:
    """Arms as they stand in a test's id: with the profile where there are both."""
    several = len({arm.profile for arm in arms}) > 1
    return {arm: f"{arm.name}-{arm.profile}" if several else arm.name for arm in arms}


def _local(cell: Cell) -> str:
    """A cell's name within its file; `::` would be taken apart in a test's id."""
    return visible_line(cell.id.partition("#")[2]).replace("::", ":")


class CellTest(pytest.Item):
    """One cell, asked of one arm."""

    def __init__(self, *, cell: Cell, arm: Arm, **about: Any) -> None:
        super().__init__(**about)
        self.cell = cell
        self.arm = arm
        self.add_marker(
            pytest.mark.pgdyno(
                driver=arm.name, profile=arm.profile, op=cell.op.value, family=cell.family
            )
        )

    def runtest(self) -> None:
        """Play it, and say what became of it."""
        from harness.pytest_plugin import outcomes, playing  # not needed to collect

        played = playing.of(self.config).check(self.cell, self.arm)
        self.user_properties += outcomes.properties(played, self.cell)
        outcomes.settle(played, self.nodeid, self._command(played.server))

    def _command(self, server: str) -> str:
        """Which command of pgdyno shows this cell."""
        from harness.pytest_plugin import outcomes

        file = os.path.relpath(self.path, self.config.invocation_params.dir)
        return outcomes.command(self.cell, self.arm, file, server)

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> Any:
        """What was found, without a traceback through pgdyno."""
        from harness.pytest_plugin import outcomes

        return outcomes.told(excinfo.value) or super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands."""
        return self.path, None, self.name
