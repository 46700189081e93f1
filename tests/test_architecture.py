"""Who may import whom, read from the source: imports inside functions count, too."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import cli

ROOT = Path(__file__).parent.parent
STDLIB = frozenset(sys.stdlib_module_names)

PURE = ("model", "errors", "capabilities", "values", "stats", "schedule", "compare",
        "conditions", "measured", "contention", "audit", "footprint", "counted",
        "compare_counts")  # fmt: skip
WORKERS = ("worker", "loops", "values", "verify", "wire", "model", "answers", "calls",
           "driver", "capabilities", "errors", "actor", "acts", "act_source", "words",
           "step_verify", "burden", "stopwatch")  # fmt: skip
CONTRACT = ("model", "capabilities", "errors", "driver", "sql")
"""What a plug-in may import of pgdyno: docs/writing-a-driver.md says the same."""
LIBRARIES = frozenset(
    {"psycopg", "psycopg_pool", "psycopg2", "asyncpg", "psqlpy", "uvloop", "pgvector"}
)
EXCEPTIONS = {
    ("workers need the standard library only", "values.constructors", "numpy"):
        "one constructor makes a float32 array, and imports numpy only then",
    ("pure modules import each other only", "values.constructors", "numpy"):
        "the same",
    ("nobody imports a verb", "commands.bench", "commands.report"):
        "bench --report writes the report that the verb report writes",
}  # fmt: skip


@dataclass(frozen=True)
class Import:
    """One module imports another; `harness.` is cut off, `ours` says that it was there."""

    source: str
    target: str
    ours: bool
    typing_only: bool = False

    @property
    def library(self) -> str:
        """The top-level package of what is imported."""
        return self.target.partition(".")[0]

    @property
    def foreign(self) -> bool:
        """Neither the standard library nor ours."""
        return not self.ours and self.library not in STDLIB

    def comes_from(self, *rooms: str) -> bool:
        """Whether the importing module is one of these, or inside."""
        return within(self.source, *rooms)

    def goes_to(self, *rooms: str) -> bool:
        """Whether what is imported is one of these modules of ours, or inside."""
        return self.ours and within(self.target, *rooms)


def within(module: str, *rooms: str) -> bool:
    """Whether a module is a room or inside one."""
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def of_package(module: str) -> bool:
    """The package itself: `from harness import __version__` says nothing about rooms."""
    return module == ""


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
    return [one for name, file in known.items() for one in read(name, file, known)]


def read(name: str, file: Path, known: dict[str, Path]) -> Iterator[Import]:
    """The imports of one file."""
    tree = ast.parse(file.read_text("utf-8"), str(file))
    inside = name.split(".") if name else []
    if file.name != "__init__.py":
        inside = inside[:-1]
    for node, typing_only in walk(tree, False):
        for target in targets(node, inside, known):
            ours = target == "harness" or target.startswith("harness.")
            cut = target.removeprefix("harness").removeprefix(".") if ours else target
            yield Import(name, cut, ours, typing_only)


def walk(node: ast.AST, typing_only: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Every node, with whether only type checkers see it."""
    for child in ast.iter_child_nodes(node):
        yield child, typing_only
        if isinstance(child, ast.If) and ast.unparse(child.test) in (
            "TYPE_CHECKING",
            "typing.TYPE_CHECKING",
        ):
            for part in child.body:
                yield part, True
                yield from walk(part, True)
            for part in child.orelse:
                yield part, typing_only
                yield from walk(part, typing_only)
        else:
            yield from walk(child, typing_only)


def targets(node: ast.AST, inside: list[str], known: dict[str, Path]) -> list[str]:
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


def submodule(base: str, name: str, known: dict[str, Path]) -> str:
    """`from harness import stats` imports harness.stats; other names import the base."""
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
    found = {one.source: [one.source] for one in imports if one.comes_from(*starts)}
    queue = list(found)
    while queue:
        here = queue.pop()
        for one in imports:
            known = one.target in found or of_package(one.target)
            if one.source == here and one.ours and not one.typing_only and not known:
                found[one.target] = [*found[here], one.target]
                queue.append(one.target)
    return found


# --- the rules ------------------------------------------------------------------------


def driver_room(module: str) -> str:
    """`drivers.psycopg.sync` → `drivers.psycopg`: a folder is one driver."""
    return ".".join(module.split(".")[:2])


def impure(one: Import) -> bool:
    """Pure modules know the standard library and each other; records only as types."""
    if not one.comes_from(*PURE) or of_package(one.target):
        return False
    records = one.goes_to("results.records") and one.typing_only
    late = one.comes_from(
        "compare",
        "compare_counts",
        "conditions",
        "measured",
        "audit",
        "footprint",
        "counted",
    )
    return one.foreign or (one.ours and not one.goes_to(*PURE) and not (records and late))


def burdens_workers(one: Import) -> bool:
    """A worker's modules know the standard library and each other."""
    if not one.comes_from(*WORKERS) or one.typing_only or of_package(one.target):
        return False
    return one.foreign or (one.ours and not one.goes_to(*WORKERS))


def driver_oversteps(one: Import) -> bool:
    """A driver knows the contract and itself."""
    if not one.comes_from("drivers") or not one.ours:
        return False
    own = driver_room(one.source)
    return not one.goes_to(*CONTRACT, own)


def imports_a_verb(one: Import) -> bool:
    """cli imports verbs; verbs share options and progress; nobody else."""
    if one.goes_to("cli"):
        return one.source != "__main__"
    if not one.goes_to("commands") or one.source == "cli":
        return False
    shared = one.goes_to("commands.options", "commands.progress")
    return not (one.comes_from("commands") and shared)


def misplaces_psycopg(one: Import) -> bool:
    """psycopg is the control connection, a driver, and what starts servers."""
    return one.library == "psycopg" and not one.ours and not one.comes_from(
        "control", "drivers.psycopg", "servers"
    )  # fmt: skip


def misplaces_library(one: Import) -> bool:
    """A driver's library is imported by drivers only."""
    others = LIBRARIES - {"psycopg"}
    return not one.ours and one.library in others and not one.comes_from("drivers")


def validates_inside(one: Import) -> bool:
    """Validation stops at the boundary."""
    return one.library == "msgspec" and not one.comes_from("scenario", "results")


def runner_knows_drivers(one: Import) -> bool:
    """The runner talks to workers over a wire."""
    return one.comes_from("runner") and one.goes_to("drivers", "worker", "driver")


def renderer_acts(one: Import) -> bool:
    """A renderer gets data."""
    return one.comes_from("render") and one.goes_to(
        "servers", "runner", "worker", "drivers", "driver", "seat", "control", "stage"
    )


RULES: dict[str, Callable[[Import], bool]] = {
    "pure modules import each other only": impure,
    "workers need the standard library only": burdens_workers,
    "a driver knows the contract and itself": driver_oversteps,
    "nobody imports a verb": imports_a_verb,
    "psycopg is the control connection in one file": misplaces_psycopg,
    "a driver's library belongs to its driver": misplaces_library,
    "validation stops at the boundary": validates_inside,
    "the runner knows neither drivers nor the worker": runner_knows_drivers,
    "a renderer gets data": renderer_acts,
}

DISTANT = {
    "render": ("servers", "runner", "worker", "drivers", "driver", "control"),
    "compare": ("servers", "runner", "worker", "drivers", "driver", "control"),
    "runner": ("drivers", "worker", "commands", "cli"),
    "drivers": ("runner", "seat", "worker", "values", "servers", "control"),
    "worker": ("runner", "seat", "stage", "control", "scenario", "results", "servers"),
}
"""What a room must not reach, by however many steps."""


def broken_rules(imports: list[Import]) -> list[tuple[str, str, str]]:
    """Every (rule, importing module, imported module) that must not be."""
    return [
        (name, one.source, one.target)
        for name, forbidden in RULES.items()
        for one in imports
        if forbidden(one)
    ]


# --- the tests ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    return imports_of(ROOT / "harness")


def test_something_was_read(imports):
    pairs = {(one.source, one.target) for one in imports if one.ours}
    assert ("cli", "commands") in pairs  # import_module(f"harness.commands.{verb}")
    assert ("commands.bench", "bench") in pairs  # inside a function
    assert ("worker", "loops") in pairs
    assert ("control", "psycopg") in {(one.source, one.target) for one in imports}


@pytest.mark.parametrize("name", RULES)
def test_rule_holds(imports, name):
    broken = [one for one in broken_rules(imports) if one[0] == name]
    unexpected = [f"{one[1]} → {one[2]}" for one in broken if one not in EXCEPTIONS]
    assert not unexpected, f"{name}: {', '.join(unexpected)}"


def test_every_exception_is_still_needed(imports):
    assert set(EXCEPTIONS) <= set(broken_rules(imports))


@pytest.mark.parametrize("room", DISTANT)
def test_reach(imports, room):
    found = reach(imports, room)
    assert len(found) > 1
    ways = [" → ".join(way) for name, way in found.items() if within(name, *DISTANT[room])]
    assert not ways


def test_rooms_exist():
    known = modules(ROOT / "harness")
    rooms = {*PURE, *WORKERS, *CONTRACT, "control", "cli", "runner", "seat", "render"}
    assert not [room for room in rooms if room not in known]


def test_an_example_driver_knows_the_contract_only():
    package = ROOT / "examples" / "pgdyno-pg8000" / "pgdyno_pg8000"
    found = [
        one for file in package.rglob("*.py") for one in read("drivers.pg8000", file, {})
    ]
    allowed = tuple(f"harness.{name}" for name in CONTRACT)
    names = {f"harness.{one.target}" for one in found if one.ours and one.target}
    assert names
    assert not [name for name in names if not name.startswith(allowed)]


# --- the test tested ------------------------------------------------------------------

CLEAN = {
    "__main__": "from harness.cli import main",
    "cli": "import importlib\nimportlib.import_module(f'harness.commands.{1}')",
    "commands/__init__": "",
    "commands/options": "import argparse",
    "commands/bench": "def run():\n    from harness.commands import options\n",
    "model": "import hashlib",
    "values/__init__": "from harness.values.table import parse",
    "values/table": "import json\nfrom harness.model import PgType",
    "compare": (
        "from typing import TYPE_CHECKING\nfrom harness.model import Verdict\n"
        "if TYPE_CHECKING:\n    from harness.results.records import Run\n"
    ),
    "worker": "import gc\nfrom harness import __version__, values",
    "runner": "from harness import model",
    "control": "import psycopg",
    "results/__init__": "",
    "results/records": "import msgspec",
    "drivers/__init__": "",
    "drivers/two/__init__": "from harness.drivers.two import shared\nimport psqlpy",
    "drivers/two/shared": "from harness.model import Call\nfrom .. import two",
    "render/__init__": "",
    "render/html": "import jinja2\nfrom harness.results.records import Run",
}

SPOILT = [
    ("model", "import attrs", "pure modules import each other only"),
    ("values/table", "from harness.runner import run",
     "pure modules import each other only"),
    ("compare", "from harness.results.records import Run",
     "pure modules import each other only"),
    ("worker", "def f():\n    import yaml", "workers need the standard library only"),
    ("worker", "from harness.results import records",
     "workers need the standard library only"),
    ("drivers/two/shared", "import harness.drivers.one",
     "a driver knows the contract and itself"),
    ("drivers/two/shared", "from ... import values",
     "a driver knows the contract and itself"),
    ("runner", "from harness.commands import options", "nobody imports a verb"),
    ("commands/bench", "import harness.cli", "nobody imports a verb"),
    ("commands/options", "from harness.commands.bench import run", "nobody imports a verb"),
    ("results/records", "from psycopg import sql",
     "psycopg is the control connection in one file"),
    ("runner", "__import__('asyncpg')", "a driver's library belongs to its driver"),
    ("control", "import msgspec", "validation stops at the boundary"),
    ("runner", "import importlib\nimportlib.import_module('harness.drivers.two')",
     "the runner knows neither drivers nor the worker"),
    ("runner", "from harness.worker import main",
     "the runner knows neither drivers nor the worker"),
    ("render/html", "if True:\n    from harness import worker", "a renderer gets data"),
]  # fmt: skip


def make(folder: Path, files: dict[str, str]) -> list[Import]:
    """The imports of a package of these files."""
    package = folder / "harness"
    for name, text in {"__init__": "", **files}.items():
        file = package / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return imports_of(package)


def test_a_clean_tree_breaks_nothing(tmp_path):
    assert not broken_rules(make(tmp_path, CLEAN))


@pytest.mark.parametrize(("file", "text", "rule"), SPOILT)
def test_a_spoilt_tree_is_found(tmp_path, file, text, rule):
    found = broken_rules(make(tmp_path, CLEAN | {file: f"{CLEAN[file]}\n{text}"}))
    assert rule in {name for name, _, _ in found}


def test_every_rule_is_tested():
    assert {rule for _, _, rule in SPOILT} == set(RULES)


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
    names = loaded("import harness.worker")
    assert "harness.loops" in names
    foreign = {name.partition(".")[0] for name in names} - STDLIB - {"harness"}
    # sysconfig's data has a name of the platform's own, which the list does not know.
    assert not [name for name in foreign if not name.startswith("_sysconfigdata")]
    ours = {name.removeprefix("harness.") for name in names if name.startswith("harness.")}
    assert not [name for name in ours if not within(name, *WORKERS)]


@pytest.mark.parametrize("verb", ["", *cli.VERBS])
def test_help_loads_no_library(verb):
    arguments = [verb, "--help"] if verb else ["--help"]
    names = loaded(
        "from harness import cli\n"
        f"try:\n    cli.main({arguments})\n"
        "except SystemExit as end:\n    assert not end.code\n"
    )
    heavy = LIBRARIES | {"matplotlib", "numpy", "scipy", "jinja2", "testcontainers"}
    assert not {name.partition(".")[0] for name in names} & heavy
