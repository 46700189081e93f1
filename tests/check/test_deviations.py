"""Declared deviations: strict files beside drivers, patterns, and when they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

from harness import scenario
from harness.check import deviations
from harness.check.deviations import Deviation
from harness.core.arms import Arm
from harness.core.catalogue import Catalogue
from harness.core.errors import DriverError
from harness.core.verdicts import Verdict
from harness.plugin import contract

GOOD = """
[[deviation]]
cell = "types/numbers#*"
profile = "configured"
verdict = ["lossy", "hung"]
reason = '''It is
known.'''
link = "https://example.org/1"
"""


def read(tmp_path: Path, content: str) -> tuple[Deviation, ...]:
    file = tmp_path / "lib" / "deviations.toml"
    file.parent.mkdir()
    file.write_text(content)
    return deviations.read(file)


def test_a_file_is_read(tmp_path):
    (one,) = read(tmp_path, GOOD)
    assert one == Deviation(
        cell="types/numbers#*",
        verdicts=(Verdict.LOSSY, Verdict.HUNG),
        reason="It is known.",
        link="https://example.org/1",
        profile="configured",
        where="lib/deviations.toml, deviation 1",
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("reason", "raeson", "deviation 1: unknown key `raeson`; did you mean `reason`"),
        ('link = "https://example.org/1"', "", "deviation 1: `link` is missing"),
        ('"https://example.org/1"', "7", "`link` must be a text"),
        ('["lossy", "hung"]', "1", "`verdict` must be a (text or a list|list or a text)"),
        ("https://", "http://", "is not an https:// address"),
        (
            '"configured"',
            '"configurd"',
            "`profile` must be one that there is, not 'configurd'",
        ),
        ('["lossy", "hung"]', '"fine"', "'fine' is not a verdict of a deviation"),
        ('["lossy", "hung"]', '"exact"', "'exact' is not a verdict of a deviation"),
        ("[[deviation]]", "[[deviations]]", "`deviations` does not belong here"),
        ("[[deviation]]", "[[deviation", "cannot be read"),
    ],
)
def test_a_wrong_file_is_a_clear_error(tmp_path, old, new, words):
    with pytest.raises(DriverError, match=words) as caught:
        read(tmp_path, GOOD.replace(old, new))
    assert caught.value.exit_code == 2


def deviation(cell: str, verdict: Verdict = Verdict.LOSSY, profile: str = "") -> Deviation:
    return Deviation(cell, (verdict,), "why", "https://example.org", profile, "here")


@pytest.mark.parametrize(
    ("pattern", "cell", "named"),
    [
        ("a/b#c", "a/b#c", True),
        ("a/b#c", "a/b#cd", False),
        ("a/b#*", "a/b#c@x=1", True),
        ("a/b#c@*=1", "a/b#c@x=1", True),
        ("a/*#c", "a/b#d", False),
        ("a/b#c@v=[1?]", "a/b#c@v=[1?]", True),
        ("a/b#c@v=[1?]", "a/b#c@v=12", False),
    ],
)
def test_only_a_star_is_special(pattern, cell, named):
    assert deviation(pattern).names(cell) is named


def test_the_exact_id_comes_first():
    pattern, exact = deviation("a/b#*"), deviation("a/b#c", Verdict.HUNG)
    assert deviations.find([pattern, exact], "a/b#c", "default") is exact
    assert deviations.find([pattern, exact], "a/b#d", "default") is pattern
    assert (
        deviations.find([deviation("a/b#c", profile="configured")], "a/b#c", "default")
        is None
    )


def test_a_deviation_ends_when_another_verdict_comes():
    one = deviation("a/b#c")
    assert not one.ended(Verdict.LOSSY)
    assert one.ended(Verdict.EXACT) == "exact, though lossy is declared (here): why"
    assert one.ended(Verdict.BROKEN)
    assert not one.ended(Verdict.SKIPPED)
    assert not one.ended(Verdict.INVALID)


def catalogue(*cells: str, unread: tuple[str, ...] = ()) -> Catalogue:
    """These cells, and scenarios that nobody has read."""
    read = frozenset(cell.partition("#")[0] for cell in cells)
    return Catalogue(frozenset(cells), read, read | {*unread})


def test_a_deviation_must_name_a_cell_that_there_is():
    deviations.check_names([deviation("a/b#*")], catalogue("a/b#c"))
    with pytest.raises(DriverError, match="no cell is called a/b#cc") as caught:
        deviations.check_names([deviation("a/b#cc")], catalogue("a/b#c"))
    assert "a/b#c" in caught.value.hint


@pytest.mark.parametrize("cell", ["a/x#y", "a/*#y", "*#y", "a/*"])
def test_a_deviation_of_a_scenario_that_nobody_has_read_may_be_right(cell):
    deviations.check_names([deviation(cell)], catalogue("a/b#c", unread=("a/x",)))


@pytest.mark.parametrize("cell", ["a/b#y", "b/*#y", "a/xx#y"])
def test_a_deviation_is_wrong_if_no_scenario_can_have_its_cell(cell):
    with pytest.raises(DriverError, match="no cell is called"):
        deviations.check_names([deviation(cell)], catalogue("a/b#c", unread=("a/x",)))


def test_a_cell_is_missing_only_if_its_scenario_was_read_or_is_none():
    known = catalogue("a/b#c", unread=("a/x",))
    assert [known.lacks(cell) for cell in ("a/b#c", "a/x#y")] == [False, False]
    assert [known.lacks(cell) for cell in ("a/b#y", "a/z#c")] == [True, True]


def test_a_driver_without_deviations_has_none(miniatures):
    assert deviations.load("wrong-value") == ()
    assert contract.companion("no-such-driver", "deviations.toml") is None


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Makes a plug-in the only one there is, whatever its entry point says."""

    def install(name: str, value: str) -> None:
        point = metadata.EntryPoint(name, value, contract.GROUP)
        monkeypatch.setattr(contract, "_points", lambda _group: {name: point})
        contract._located.cache_clear()

    yield install
    contract._located.cache_clear()


@pytest.mark.parametrize("value", ["", "no module", ":X", "..:X", "sys.a.b:X"])
def test_an_entry_point_that_names_nothing_has_no_files(installed, value):
    installed("odd", value)
    assert contract.companion("odd", "deviations.toml") is None
    with pytest.raises(DriverError):
        contract.load(Arm("odd"))


def test_what_lies_beside_a_plugin_is_found_without_importing_it(outside, installed):
    package = outside / "out_deadly"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit(0)")
    (package / "inner.py").write_text("raise SystemExit(0)")
    (package / "inner.deviations.toml").write_text(GOOD)
    installed("deadly", "out_deadly.inner:X")
    assert [one.reason for one in deviations.load("deadly")] == ["It is known."]


def test_a_plugin_that_ends_its_process_does_not_end_pgdyno(outside, installed, capsys):
    (outside / "out_leaves.py").write_text("print('bye')\nraise SystemExit(0)")
    installed("leaves", "out_leaves:X")
    contract.verify_options(Arm("leaves", ("option",)))
    assert capsys.readouterr().out == ""


def test_a_plugin_from_outside_brings_its_own(outside):
    assert deviations.load("out") == deviations.load("single") == ()
    (outside / "out_package" / "deviations.toml").write_text(GOOD)
    (outside / "out_single.deviations.toml").write_text(GOOD.replace("known", "single"))
    assert [one.reason for one in deviations.load("out")] == ["It is known."]
    assert [one.reason for one in deviations.load("single")] == ["It is single."]


def test_a_deviation_may_be_of_one_driver_of_a_plugin(outside):
    file = outside / "out_package" / "deviations.toml"
    file.write_text(GOOD.replace("[[deviation]]", '[[deviation]]\ndriver = "both"'))
    assert deviations.load("out") == ()
    assert len(deviations.load("both")) == 1


@pytest.mark.parametrize("name", sorted(contract.entry_points()))
def test_the_built_in_deviations_name_cells_that_there_are(name):
    cells = (cell.id for known in scenario.select([]) for cell in known.cells)
    found = deviations.load(name)
    assert found or name not in contract.usual()
    deviations.check_names(found, catalogue(*cells))
