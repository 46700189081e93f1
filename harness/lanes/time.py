"""`--lane time`: wall and processor time per op, all drivers interleaved in blocks."""

from __future__ import annotations

from harness.lanes import Assignment
from harness.runner import Runner


def run(work: Assignment) -> None:
    """Rounds of blocks, until every cell is narrow enough or the rounds are used up."""
    Runner(
        work.place.stage,
        work.place.control,
        work.arms,
        work.cells,
        work.plan,
        seed=work.seed,
        placement=work.placement,
        server_pid=work.place.server.pid,
        folder=work.place.folder,
        emit=work.emit,
        progress=work.progress,
    ).run()
