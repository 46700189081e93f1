"""Trials that are kept: by which code, on which machine and by which rules.

A folder of trials has a file that says so. Whoever wants to add to it or to read it must
bring the same, or is refused: a table that mixes two versions or two machines says nothing
about either.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

from harness import __version__
from harness.bench.schedule import Plan
from harness.core.cells import Cell
from harness.core.errors import ResultsError
from harness.machine import host
from harness.results import store
from harness.results.records import Machine, ServerFacts

FILE = "kept.json"
DECIDING = (
    "bench",
    "core",
    "drivers",
    "judge",
    "machine",
    "play",
    "plugin",
    "results",
    "scenario",
    "servers",
    "values",
    "venue",
    "worker",
)
"""Rooms whose code decides what a trial measures; the others only read it."""
DOSES = ("dose.py", "interference.py", "spiked.py")
"""Files of this room that put something into a trial."""
DRIVERS = ("psycopg", "psycopg2-binary", "asyncpg", "psqlpy")
TOOLS = ("pytest-benchmark", "pyperf")


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the folder's file says: conditions of all trials, rules by their name."""

    conditions: Mapping[str, Any]
    rules: Mapping[str, Mapping[str, Any]]


def enter(folder: Path, server: ServerFacts) -> Provenance:
    """What the folder's trials are measured by, which is what is here and now.

    Raises:
        ResultsError: It holds trials that were measured by anything else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    here = _conditions(server)
    known = _read(folder)
    if known is None:
        known = Provenance(here, {})
        _write(folder, known)
    _refuse_if(folder, "its trials were", known.conditions, here)
    return known


def claim(folder: Path, server: ServerFacts, trials: str, rules: Mapping[str, Any]) -> None:
    """Say by which rules the trials called `trials` are measured, before any is.

    Raises:
        ResultsError: The folder holds trials that were measured by anything else.
    """
    known = enter(folder, server)
    now, before = _plain(rules), known.rules.get(trials)
    if before is None:
        _write(folder, Provenance(known.conditions, {**known.rules, trials: now}))
    else:
        _refuse_if(folder, f"its trials {trials!r} were", before, now)


def rules(cells: Sequence[Cell], plan: Plan, **others: Any) -> dict[str, Any]:
    """The rules of a bench run: what is asked, how often, and what else decides it."""
    return {"cells": {cell.id: cell.digest for cell in cells}, **asdict(plan), **others}


def complete(file: Path) -> bool:
    """Whether a trial is there that came to its end, so that it need not be run again; one
    that was interrupted did not.

    Raises:
        ResultsError: It was measured by another version or on another machine.
    """
    try:
        run = store.read(file) if file.exists() else None
    except ResultsError:
        return False
    if run is None or run.footer is None or run.footer.reason != "complete":
        return False
    there = {"pgdyno": run.header.pgdyno, "machine": _name(run.header.machine)}
    here = {"pgdyno": __version__, "machine": _name(host.describe())}
    _refuse_if(file.parent, f"its trial {file.name!r} was", there, here)
    return True


# --- what must be the same ----------------------------------------------------------------


def _conditions(server: ServerFacts) -> dict[str, str]:
    machine = host.describe()
    return {
        "pgdyno": __version__,
        "sources": sources(),
        "machine": _name(machine),
        "python": f"{machine.implementation} {machine.python}",
        "server": f"PostgreSQL {server.version} ({server.label}, {server.transport})",
        "libraries": ", ".join(filter(None, map(_installed, DRIVERS + TOOLS))),
    }


def _name(machine: Machine) -> str:
    return ", ".join(machine.fingerprint)


def _installed(library: str) -> str:
    try:
        return f"{library} {metadata.version(library)}"
    except metadata.PackageNotFoundError:
        return ""


@cache
def sources() -> str:
    """A digest of the code that decides a trial; comments and docstrings do not."""
    package = Path(__file__).parent.parent
    files = [package / "validity" / name for name in DOSES]
    for room in DECIDING:
        files += (package / room).rglob("*.py")
    return digest(files)


def digest(files: Iterable[Path]) -> str:
    """Changes with what these modules do."""
    sha = hashlib.sha256()
    for file in sorted(files):
        sha.update(f"{file.stem}\n{code(file.read_text('utf-8'))}\n".encode())
    return sha.hexdigest()[:16]


def code(text: str) -> str:
    """A module without comments and docstrings, in one form."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                statement for statement in body if not _is_text(statement)
            ]
    return ast.dump(tree)


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


# --- the file -----------------------------------------------------------------------------


def _read(folder: Path) -> Provenance | None:
    """What the folder says of its trials; None if it has none yet."""
    file = folder / FILE
    if file.exists():
        try:
            said = json.loads(file.read_text("utf-8"))
            return Provenance(dict(said["conditions"]), dict(said["rules"]))
        except (ValueError, TypeError, KeyError):
            _refuse(folder, f"{FILE} cannot be read")
    if any(folder.glob("*.json*")):
        _refuse(folder, "nothing says what measured the trials that are in it")
    return None


def _write(folder: Path, known: Provenance) -> None:
    """Whole or not at all."""
    told = {"conditions": known.conditions, "rules": known.rules}
    new = folder / f"{FILE}.new"
    new.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    new.replace(folder / FILE)


def _plain(rules: Mapping[str, Any]) -> Mapping[str, Any]:
    """Rules as JSON gives them back."""
    plain: Mapping[str, Any] = json.loads(json.dumps(rules, default=list))
    return plain


# --- refusing -----------------------------------------------------------------------------


def _refuse_if(
    folder: Path, what: str, there: Mapping[str, Any], here: Mapping[str, Any]
) -> None:
    """Refuse where anything differs; the sentence says what."""
    differing = [
        f"{name} was {there.get(name)}, now it is {here.get(name)}"
        for name in sorted({*there, *here})
        if there.get(name) != here.get(name)
    ]
    if differing:
        _refuse(folder, f"{what} measured otherwise: {'; '.join(differing)}")


def _refuse(folder: Path, why: str) -> NoReturn:
    raise ResultsError(
        f"{folder}: {why}",
        hint="remove the folder, or name another one with --keep",
    )
