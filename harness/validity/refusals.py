"""Files that must not pass: nothing measured, other work, another machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from harness.analysis.compare import compare
from harness.core.digests import VERSION
from harness.core.errors import EXIT_INVALID
from harness.results import store
from harness.results.records import Run, changed
from harness.validity.outcome import NOTHING_MEASURED, Outcome


def _nothing(run: Run) -> Run:
    return changed(run, trials=[])


def _other_work(run: Run) -> Run:
    other = f"{VERSION}:{'0' * 16}"
    cells = [changed(cell, digest=other) for cell in run.header.cells]
    return changed(run, header=changed(run.header, cells=cells))


def _other_machine(run: Run) -> Run:
    machine = changed(run.header.machine, hostname_hash="0" * 12)
    return changed(run, header=changed(run.header, machine=machine))


CASES: dict[str, Callable[[Run], Run]] = {
    NOTHING_MEASURED: _nothing,
    "unequal work": _other_work,
    "a different machine": _other_machine,
}


def refused(file: Path) -> Iterator[Outcome]:
    """A run against what became of it: one row per way to spoil it."""
    run = store.read(file)
    again = changed(run, header=changed(run.header, run=run.header.run[::-1]))
    for test, spoil in CASES.items():
        code = compare(run, spoil(again)).exit_code
        yield Outcome(test, "exit 4", f"exit {code}", code == EXIT_INVALID)
