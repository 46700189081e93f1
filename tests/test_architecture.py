"""Who may import whom: one table of rooms, read from the source, and what is really loaded.

Imports inside functions count, too. A room is a folder of `harness/`; what the table does
not allow is forbidden, so the table has no cycles unless somebody writes one into it.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from harness.cli.main import VERBS

ROOT = Path(__file__).parent.parent
STDLIB = frozenset(sys.stdlib_module_names)

LAW: dict[str, str] = {
    "core": "",
    "values": "core",
    "plugin": "core",
    "lanes": "core",
    "results": "core lanes",
    "servers": "core",
    "judge": "core values",
    "drivers": "plugin",
    "settings": "core",
    "environments": "core plugin",
    "machine": "core results servers",
    "analysis": "core results lanes",
    "worker": "core values plugin judge",
    "scenario": "core values plugin judge",
    "venue": "core judge results servers",
    "statements": "core venue",
    "report": "core analysis results lanes",
    "workload": "core venue",
    "reproduce": "core values plugin judge",
    "moving": "core plugin results",
    "bisect": "core analysis results report",
    "history": "core analysis results report",
    "site": "core results report merging",
    "render": "core analysis results report moving history claims site",
    "play": "core plugin environments results servers judge machine scenario venue",
    "jobs": "core results scenario",
    "merging": "core results",
    "fleet": "core jobs machine results scenario",
    "check": "core plugin results venue play",
    "bench": "core results judge machine scenario venue play lanes",
    "lanes/record": "results",
    "lanes/meaning": "core results lanes/record",
    "lanes/view": "core report results lanes/meaning",
    "lanes/comparison": "core analysis report results lanes lanes/meaning",
    "lanes/run": "core results servers judge machine venue play bench lanes lanes/record",
    "claims": "core plugin results analysis scenario venue report play check lanes/meaning",
    "fuzz": "core scenario venue report play",
    "validity": "core results drivers machine analysis scenario venue report render play "
    "bench lanes/meaning",
    "pytest_plugin": "core environments results settings servers analysis worker scenario "
    "venue report play check bench cli",
    "cli": "core plugin environments results settings servers machine analysis scenario "
    "venue statements workload report reproduce render play moving bisect history check "
    "bench fuzz validity claims lanes jobs fleet merging site",
}
"""Room → the rooms that it may import besides itself. A module of a lane has the law of
its name, so that one folder can hold what a report shows and what measures."""

LANE_MODULES = ("record", "meaning", "view", "comparison")
"""Modules of a lane with a law of their own; all others are part of its `run`."""

TYPES_ONLY = {("analysis", "results")}
"""Rooms that may know others as types: analysis is pure, records are its input."""

LIBRARIES: dict[str, str] = {
    "psycopg": "venue.control drivers.psycopg drivers.sqlspec servers",
    "psycopg_pool": "drivers.psycopg drivers.sqlspec",
    "psycopg2": "drivers.psycopg2 drivers.aiopg",
    "asyncpg": "drivers.asyncpg",
    "psqlpy": "drivers.psqlpy drivers.sqlspec",
    "pg8000": "drivers.pg8000",
    "django": "drivers.django",
    "pyro_postgres": "drivers.pyro",
    "aiopg": "drivers.aiopg",
    "adbc_driver_postgresql": "drivers.adbc",
    "adbc_driver_manager": "drivers.adbc",
    "sqlspec": "drivers.sqlspec",
    "google": "drivers.sqlspec",
    "sqlalchemy": "drivers.sqlalchemy",
    "uvloop": "drivers",
    "pgvector": "drivers",
    "msgspec": "results settings scenario check.baseline_files check.deviations "
    "moving.fixes history.summary lanes/record claims jobs merging site",
    "matplotlib": "render",
    "jinja2": "render",
    "testcontainers": "servers.container",
    "hypothesis": "fuzz",
    "numpy": "values.constructors drivers history",
    "pyarrow": "history render drivers",
    "ruptures": "history.changes",
    "packaging": "environments history.points site.versions",
    "platformdirs": "environments servers merging",
    "pglast": "workload",
    "pytest": "pytest_plugin",
    "distributed": "fleet",
    "dask": "fleet",
    "tornado": "fleet",
}
"""Library → the rooms and modules that may import it: psycopg is the control connection in
one file, a driver's library belongs to its driver, files are validated at the boundary."""

STANDARD_ONLY = ("core", "values", "plugin", "judge", "worker", "analysis")
"""Rooms that know no library: what a worker loads must not stand in a measurement."""


@dataclass(frozen=True)
class Import:
    """One module imports another; of ours `harness.` is cut off."""

    source: str
    target: str
    ours: bool
    typing_only: bool = False

    @property
    def library(self) -> str:
        """The top-level package of what is imported."""
        return self.target.partition(".")[0]


def room(module: str) -> str:
    """`bench.orders` → `bench`, `lanes.memory.view` → `lanes/view`."""
    head, *inside = module.split(".")
    if head != "lanes" or len(inside) < 2:
        return head
    return f"lanes/{inside[1] if inside[1] in LANE_MODULES else 'run'}"


def within(module: str, *places: str) -> bool:
    """Whether a module is one of these places or inside one."""
    return any(module == place or module.startswith(f"{place}.") for place in places)


# --- reading imports ------------------------------------------------------------------


def modules(package: Path) -> dict[str, Path]:
    """Every module of the package by its name without `harness.`."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports_of(package: Path) -> list[Import]:
    """Every import of every module of a package called `harness`."""
    known = modules(package)
    return [found for name, file in known.items() for found in read(name, file, known)]


def read(name: str, file: Path, known: Mapping[str, Path]) -> Iterator[Import]:
    """The imports of one file."""
    inside = name.split(".") if name else []
    if file.name != "__init__.py":
        inside = inside[:-1]
    for node, typing_only in walk(ast.parse(file.read_text("utf-8"), str(file)), False):
        for target in targets(node, inside, known):
            ours = within(target, "harness")
            cut = target.removeprefix("harness").removeprefix(".") if ours else target
            yield Import(name, cut, ours, typing_only)


def walk(node: ast.AST, typing_only: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Every node, with whether only type checkers see it."""
    for child in ast.iter_child_nodes(node):
        yield child, typing_only
        guarded = isinstance(child, ast.If) and ast.unparse(child.test) in (
            "TYPE_CHECKING",
            "typing.TYPE_CHECKING",
        )
        yield from walk(child, typing_only or guarded)


def targets(node: ast.AST, inside: list[str], known: Mapping[str, Path]) -> list[str]:
    """The full names that a node imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            above = inside[: len(inside) - node.level + 1]
            base = ".".join(filter(None, ["harness", *above, base]))
        return [submodule(base, alias.name, known) for alias in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func) in (
        "importlib.import_module",
        "import_module",
        "__import__",
    ):
        return named(node.args[0]) if node.args else []
    return []


def submodule(base: str, name: str, known: Mapping[str, Path]) -> str:
    """`from harness.core import stats` imports that module; other names import the base."""
    whole = f"{base}.{name}"
    return whole if whole.removeprefix("harness.") in known else base


def named(argument: ast.expr) -> list[str]:
    """A literal name, or the beginning of a computed one; a variable tells nothing."""
    if isinstance(argument, ast.Constant):
        return [str(argument.value)]
    if isinstance(argument, ast.JoinedStr) and isinstance(argument.values[0], ast.Constant):
        return [str(argument.values[0].value).rstrip(".")]
    return []


def reach(imports: list[Import], *starts: str) -> dict[str, list[str]]:
    """Every module of ours that is imported from `starts` on, with the way to it."""
    found = {step.source: [step.source] for step in imports if within(step.source, *starts)}
    queue = list(found)
    while queue:
        here = queue.pop()
        for step in imports:
            known = step.target in found or not step.target
            if step.source == here and step.ours and not step.typing_only and not known:
                found[step.target] = [*found[here], step.target]
                queue.append(step.target)
    return found


# --- the law --------------------------------------------------------------------------


def unlawful(imports: list[Import]) -> list[str]:
    """Every import between rooms that the table does not allow."""
    found = []
    for step in imports:
        if not step.ours or not step.target or step.source in ("", "__main__"):
            continue
        here, there = room(step.source), room(step.target)
        allowed = here == there or there in LAW[here].split()
        if not allowed or ((here, there) in TYPES_ONLY and not step.typing_only):
            found.append(f"{step.source} → {step.target}")
    return found


def misplaced(imports: list[Import]) -> list[str]:
    """Every library that is imported where it does not belong."""
    found = []
    for step in imports:
        if step.ours or step.library in STDLIB:
            continue
        places = LIBRARIES.get(step.library)
        belongs = (
            places is None
            or within(step.source, *places.split())
            or room(step.source) in places.split()
        )
        if not belongs or (places is None and room(step.source) in STANDARD_ONLY):
            found.append(f"{step.source} → {step.target}")
    return found


def strangers(imports: list[Import]) -> list[str]:
    """Drivers that know another driver, lanes that know another lane."""
    return [
        f"{step.source} → {step.target}"
        for step in imports
        for rooms in ("drivers", "lanes")
        if step.ours and within(step.source, rooms) and within(step.target, rooms)
        and step.target != "lanes"
        and step.source.split(".")[:2] != step.target.split(".")[:2]
    ]  # fmt: skip


def renderers_that_compute(imports: list[Import]) -> list[str]:
    """Drawers that reach for statistics."""
    return [
        f"{step.source} → {step.target}"
        for step in imports
        if step.ours and within(step.source, "render") and not step.typing_only
        and within(step.target, "core.stats", "analysis")
    ]  # fmt: skip


# --- the tests ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    return imports_of(ROOT / "harness")


def test_something_was_read(imports):
    pairs = {(step.source, step.target) for step in imports}
    assert ("cli.main", "cli") in pairs  # import_module(f"harness.cli.{verb}")
    assert ("cli.bench", "bench.orders") in pairs  # inside a function
    assert ("worker.stopwatch", "worker.loops") in pairs
    assert ("venue.control", "psycopg") in pairs


def test_rooms_are_those_of_the_law():
    folders = {path.name for path in (ROOT / "harness").iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} == {name for name in LAW if "/" not in name}
    assert {path.name for path in (ROOT / "harness").glob("*.py")} == {
        "__init__.py",
        "__main__.py",
    }


def test_the_law_has_no_cycle_and_nothing_that_nobody_needs(imports):
    TopologicalSorter({here: set(there.split()) for here, there in LAW.items()}).prepare()
    used = {(room(step.source), room(step.target)) for step in imports if step.ours}
    unused = [
        f"{here} → {there}"
        for here, allowed in LAW.items()
        for there in allowed.split()
        if (here, there) not in used
    ]
    assert not unused


def test_rooms_import_only_what_the_law_allows(imports):
    assert not unlawful(imports)


def test_a_library_is_imported_where_it_belongs(imports):
    assert not misplaced(imports)


def test_drivers_and_lanes_know_no_other(imports):
    assert not strangers(imports)


def test_a_worker_reaches_nothing_but_core_values_plugin_and_judge(imports):
    ways = reach(imports, "worker")
    assert len(ways) > 10
    allowed = ("worker", "core", "values", "plugin", "judge")
    assert not [" → ".join(way) for name, way in ways.items() if not within(name, *allowed)]


def test_a_renderer_draws_and_computes_nothing(imports):
    assert not renderers_that_compute(imports)


def shared_class_names(package: Path) -> dict[str, list[str]]:
    """Every public class name that several modules define, with those modules."""
    homes: dict[str, list[str]] = defaultdict(list)
    for module, file in modules(package).items():
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(module)
    return {name: found for name, found in homes.items() if len(found) > 1}


def test_a_class_name_means_the_same_everywhere(tmp_path):
    assert not shared_class_names(ROOT / "harness")
    make(tmp_path, {"a": "class Told: ...\nclass _Own: ...", "b/c": "class Told: ...",
                    "d": "class _Own: ..."})  # fmt: skip
    assert shared_class_names(tmp_path / "harness") == {"Told": ["a", "b.c"]}


NAMED = ("harness", "pgdyno", "studies", "benchmarks", "tools", "examples")
"""Folders in which each thing has the noun of what it is."""


def nameless(folder: Path) -> list[str]:
    """The places where something is called `one`, in Python and in templates."""
    return [
        f"{file.name}:{line}"
        for file in sorted(folder.rglob("*"))
        for name, line in identifiers(file)
        if name == "one"
    ]


def identifiers(file: Path) -> Iterator[tuple[str, int]]:
    """What a Python file or a template calls things, with the lines."""
    if file.suffix == ".py":
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            for part in ("id", "arg", "attr", "name", "asname", "rest"):
                yield getattr(node, part, ""), getattr(node, "lineno", 0)
    elif file.suffix == ".j2":
        for name in Environment().parse(file.read_text("utf-8")).find_all(nodes.Name):
            yield name.name, name.lineno


@pytest.mark.parametrize("folder", NAMED)
def test_nothing_is_called_one(folder):
    assert (ROOT / folder).is_dir()
    assert not nameless(ROOT / folder)


@pytest.mark.parametrize(
    "text",
    [
        "one = 1",
        "for _, one in rows: ...",
        "f'{one}'",
        "lambda one: 1",
        "def one(): ...",
        "called(one=1)",
        "row.one",
        "import rows as one",
        "match rows:\n    case [*one]: ...",
    ],
)
def test_what_is_called_one_is_found(tmp_path, text):
    (tmp_path / "clean.py").write_text("one_row = 'one'  # one")
    (tmp_path / "spoilt.py").write_text(text)
    assert nameless(tmp_path) == ["spoilt.py:" + ("2" if "match" in text else "1")]


def test_what_is_called_one_is_found_in_a_template(tmp_path):
    (tmp_path / "page.j2").write_text("one {% for one in rows %}{% endfor %}")
    assert nameless(tmp_path) == ["page.j2:1"]


@pytest.mark.parametrize("name", [name for name in LAW if "/" not in name])
def test_a_room_says_what_it_is_for(name):
    doc = ast.get_docstring(
        ast.parse((ROOT / "harness" / name / "__init__.py").read_text())
    )
    assert doc is not None
    assert doc.splitlines()[0].endswith(".")


def test_an_example_driver_binds_to_the_public_contract_only():
    package = ROOT / "examples" / "pgdyno-pg8000" / "pgdyno_pg8000"
    trees = [ast.parse(file.read_text()) for file in package.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    names |= {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
    ours = {name for name in names if name.partition(".")[0] in ("harness", "pgdyno")}
    assert ours == {"pgdyno.plugin"}


# --- the test tested ------------------------------------------------------------------

CLEAN = {
    "__main__": "from harness.cli.main import main",
    "cli/main": "import importlib\nimportlib.import_module(f'harness.cli.{1}')",
    "core/calls": "import hashlib",
    "plugin/__init__": "from harness.core.calls import Call",
    "values/table": "import json\nfrom harness.core.calls import Call",
    "analysis/compare": (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from harness.results.records import Run\n"
    ),
    "worker/trial": (
        "import gc\nfrom harness import __version__\nfrom harness.values import table"
    ),
    "bench/runner": "from harness.core import calls",
    "venue/control": "import psycopg",
    "results/records": "import msgspec",
    "lanes/two/__init__": "from harness.lanes import Lane",
    "lanes/two/record": "import msgspec\nfrom harness.results import records",
    "lanes/two/view": "from harness.lanes.two import meaning",
    "lanes/two/meaning": "import math",
    "lanes/two/counter": "from harness.play import seat",
    "lanes/__init__": "",
    "drivers/two/__init__": "from harness.drivers.two import shared\nimport uvloop",
    "drivers/two/shared": "from harness.plugin import Call\nfrom .. import two",
    "render/html": "import jinja2\nfrom harness.results.records import Run",
}

SPOILT = [
    ("core/calls", "from harness.values import table", unlawful),
    ("core/calls", "import attrs", misplaced),
    ("values/table", "def f():\n    from harness.bench import runner", unlawful),
    ("analysis/compare", "from harness.results.records import Run", unlawful),
    ("worker/trial", "def f():\n    import yaml", misplaced),
    ("worker/trial", "from harness.results import records", unlawful),
    ("drivers/two/shared", "import harness.drivers.one", strangers),
    ("drivers/two/shared", "from ...values import table", unlawful),
    ("drivers/two/shared", "from harness.core.calls import Call", unlawful),
    ("bench/runner", "import importlib\nimportlib.import_module('harness.drivers.two')",
     unlawful),
    ("bench/runner", "__import__('asyncpg')", misplaced),
    ("bench/runner", "import harness.cli.bench", unlawful),
    ("results/records", "from psycopg import sql", misplaced),
    ("venue/control", "import msgspec", misplaced),
    ("render/html", "if True:\n    from harness.worker import trial", unlawful),
    ("render/html", "from harness.core import stats", renderers_that_compute),
    ("lanes/two/__init__", "import harness.results.records", unlawful),
    ("lanes/two/view", "from harness.bench import assignment", unlawful),
    ("lanes/two/view", "import harness.lanes.two.counter", unlawful),
    ("lanes/two/view", "import harness.lanes.one.view", strangers),
    ("lanes/two/counter", "import msgspec", misplaced),
]  # fmt: skip


def make(folder: Path, files: Mapping[str, str]) -> list[Import]:
    """The imports of a package of these files."""
    package = folder / "harness"
    for name, text in {"__init__": "", "core/stats": "", **files}.items():
        file = package / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return imports_of(package)


LAWS = (unlawful, misplaced, strangers, renderers_that_compute)


@pytest.mark.parametrize("law", LAWS)
def test_a_clean_tree_breaks_nothing(tmp_path, law):
    assert not law(make(tmp_path, CLEAN))


@pytest.mark.parametrize(("file", "text", "law"), SPOILT)
def test_a_spoilt_tree_is_found(tmp_path, file, text, law):
    before = law(make(tmp_path / "before", CLEAN))
    after = law(make(tmp_path / "after", CLEAN | {file: f"{CLEAN[file]}\n{text}"}))
    assert len(after) == len(before) + 1


def test_every_law_is_tested():
    assert {law for _, _, law in SPOILT} == set(LAWS)


def test_reach_goes_through_others(tmp_path):
    files = {"a": "from harness import b", "b": "def f():\n    import harness.c", "c": ""}
    assert reach(make(tmp_path, files), "a")["c"] == ["a", "b", "c"]


# --- what is really loaded ------------------------------------------------------------


def loaded(statements: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after these statements, no others."""
    code = (
        "import sys\nbefore = set(sys.modules)\n"
        f"{statements}\n"
        "print('\\n'.join(sorted(set(sys.modules) - before)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return set(done.stderr.split())


def test_a_worker_loads_the_standard_library_only():
    names = loaded("import harness.worker.trial")
    assert "harness.worker.loops" in names
    foreign = {name.partition(".")[0] for name in names} - STDLIB - {"harness"}
    # sysconfig's data has a name of the platform's own, which the list does not know.
    assert not [name for name in foreign if not name.startswith("_sysconfigdata")]


def test_a_worker_of_a_sync_driver_loads_no_event_loop():
    """What many milliseconds of imports are for, and each round pays for them."""
    worker = "import harness.worker.__main__, harness.worker.trial"
    names = loaded(f"{worker}\nimport harness.drivers.null, harness.drivers.pgbench")
    assert "harness.worker.loops" in names
    heavy = {"asyncio", "concurrent", "difflib", "logging", "ssl", "statistics", "zoneinfo"}
    assert not names & heavy


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_loads_no_library(verb):
    arguments = [verb, "--help"] if verb else ["--help"]
    names = loaded(
        "from harness.cli import main\n"
        f"try:\n    main.main({arguments})\n"
        "except SystemExit as end:\n    assert not end.code\n"
    )
    heavy = set(LIBRARIES) - {"msgspec"} | {"scipy"}
    assert not {name.partition(".")[0] for name in names} & heavy
    assert not parts_of_lanes(names)


def parts_of_lanes(names: set[str]) -> set[str]:
    """The parts of lanes among these modules: `memory.view`."""
    lanes = (name.removeprefix("harness.lanes.") for name in names if "lanes." in name)
    return {name for name in lanes if "." in name}


def test_a_report_loads_neither_what_measures_nor_servers_nor_drivers():
    file = ROOT / "tests" / "results" / "files" / "schema-2.jsonl"
    names = loaded(
        "from pathlib import Path\n"
        "from harness.report import view\n"
        "from harness.results import store\n"
        f"run = store.read(Path({str(file)!r}))\n"
        "view.build([run])\n"
        "from harness.report.sections import lane_view\n"
        "from msgspec.structs import replace\n"
        "for lane in ('memory', 'instructions'):\n"
        "    lane_view(replace(run, header=replace(run.header, lane=lane)))\n"
    )
    parts = parts_of_lanes(names)
    assert {"memory.view", "memory.record", "instructions.view"} <= parts
    assert not [name for name in parts if name.endswith(("run", "callgrind"))]
    measuring = ("bench", "play", "venue", "servers", "machine", "drivers", "worker")
    assert not [
        name
        for name in names
        if name.split(".")[:2] in [["harness", room] for room in measuring]
    ]
    assert "psycopg" not in names
