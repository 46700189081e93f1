"""Files that must not pass do not, as they are written today."""

from __future__ import annotations

from pathlib import Path

import fake_runs
from msgspec.structs import replace

from harness.core.digests import VERSION
from harness.core.errors import EXIT_INVALID
from harness.results.lines import encoded
from harness.validity import refusals


def test_spoilt_files_are_refused(tmp_path: Path) -> None:
    run = fake_runs.bench()
    cells = [replace(cell, digest=f"{VERSION}:{'a' * 16}") for cell in run.header.cells]
    file = tmp_path / "run.jsonl"
    file.write_bytes(encoded([replace(run.header, cells=cells), *run.trials, run.footer]))
    for outcome in refusals.refused(file):
        assert outcome.measured == f"exit {EXIT_INVALID}", outcome.test
