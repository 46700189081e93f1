"""What a person sees while a run is going on: on stderr, one line, honest about time.

On a terminal a live line; in a log file a plain line now and then.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from harness.core.cells import Cell
from harness.core.visible import visible, visible_line
from harness.results.records import Check

LOG_EVERY_S = 10.0
SHOW_EVERY_S = 0.1


class _Live:
    """A progress line that is drawn by us only: no refresh thread may disturb a slice."""

    def __init__(self, total: int) -> None:
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            console=self._console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("", total=total, left="")
        self._logged = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def show(self, text: str, done: int, total: int, left: str = "") -> None:
        """Say what is going on."""
        text = visible_line(text)
        if self._console.is_terminal:
            short = escape(text if len(text) <= 40 else text[:39] + "…")
            self._bar.update(
                self._task,
                description=short,
                completed=done,
                total=total,
                left=left,
                refresh=True,
            )
        elif time.monotonic() - self._logged > LOG_EVERY_S:
            self._logged = time.monotonic()
            print(
                f"{done}/{total} {text[:50]} {left}".rstrip(), file=sys.stderr, flush=True
            )


class CheckProgress(_Live):
    """Progress of a check: cells judged."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self._total = total
        self._done = 0

    def checked(self, check: Check) -> None:
        """A cell was judged."""
        self._done += 1
        self.show(f"{check.driver} {check.cell}", self._done, self._total)


class FuzzProgress(_Live):
    """Progress of a search: the time that has passed, and what has been found."""

    def __init__(self, seconds: float) -> None:
        super().__init__(round(seconds))
        self._seconds = round(seconds)
        self._begun = time.monotonic()
        self._shown = 0.0
        self._examples = 0

    def tried(self, what: str) -> None:
        """A literal was judged. Hundreds are in a second, so not each of them is shown."""
        self._examples += 1
        now = time.monotonic()
        if now - self._shown > SHOW_EVERY_S:
            self._shown = now
            done = min(self._seconds, round(now - self._begun))
            self.show(what, done, self._seconds, f"{self._examples:,} examples")

    def found(self, text: str) -> None:
        """Something was found: a line of its own, above the progress."""
        self._console.print(visible(text), markup=False, highlight=False, soft_wrap=True)


class BenchProgress(_Live):
    """Progress of a bench: blocks measured, time left."""

    def step(self, name: str, done: int, of: int) -> None:
        """A part of something larger begins."""
        self.show(name, done, of)

    def preparing(self, cell: Cell) -> None:
        """The oracle is asked about a cell."""
        self.show(f"preparing {cell.id}", 0, 0)

    def block(
        self, number: int, cell: Cell, done: int, of: int, seconds_left: float
    ) -> None:
        """A block begins."""
        left = f"about {seconds_left:.0f} s left" if seconds_left else ""
        self.show(f"round {number + 1}: {cell.id}", done, max(of, done), left)
