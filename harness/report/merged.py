"""What became of parts of runs: the whole runs, and what is not in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.core.errors import EXIT_INVALID, EXIT_PASS
from harness.report import format as fmt
from harness.report.machines import MachinesView
from harness.report.variants import VariantsView
from harness.results.records import Header


@dataclass(frozen=True, slots=True)
class MergedRun:
    """A whole run: its file, of how many parts it was joined, what is in it."""

    file: str
    run: str
    plan: str
    kind: str
    lane: str
    parts: int
    cells: int
    drivers: tuple[str, ...]
    server: str
    machine: str
    machine_key: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Merged:
    """All of them; `left_out` has files and why, `missing` the jobs of the plan without a
    file, of `planned`, which is None where no plan was given. `machines` and `variants` are
    what several runs say together."""

    runs: tuple[MergedRun, ...]
    apart: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    planned: int | None = None
    machines: MachinesView | None = None
    variants: VariantsView | None = None

    @property
    def exit_code(self) -> int:
        """Whether all is there that was asked for."""
        lacking = self.left_out or self.missing or not self.runs
        return EXIT_INVALID if lacking else EXIT_PASS

    @property
    def conclusion(self) -> str:
        """The last line: what there is, and what is not."""
        parts = sum(run.parts for run in self.runs)
        told = [f"{fmt.plural(len(self.runs), 'whole run')} of {fmt.plural(parts, 'part')}"]
        if self.left_out:
            told.append(f"{fmt.plural(len(self.left_out), 'file')} left out")
        if self.missing:
            told.append(f"{len(self.missing)} of {self.planned} jobs are not there")
        elif self.planned is not None:
            told.append("no job of the plan is missing")
        return f"exit {self.exit_code}: {'; '.join(told)}"


def merged_run(
    file: str, header: Header, parts: int, remarks: Sequence[str] = ()
) -> MergedRun:
    """A whole run as it is told."""
    server, machine = header.server, header.machine
    return MergedRun(
        file=file,
        run=header.run,
        plan=header.job.plan if header.job else "",
        kind=header.kind,
        lane=header.lane,
        parts=parts,
        cells=len(header.cells),
        drivers=tuple(dict.fromkeys(arm.id for arm in header.arms if arm.competes)),
        server=f"PostgreSQL {server.version} ({server.label})",
        machine=f"{machine.cpu}, {fmt.plural(machine.cores, 'core')}",
        machine_key=machine.key,
        remarks=tuple(remarks),
    )
