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
from rich.progress import BarColumn, Progress, TextColumn

from harness.core.cells import Cell
from harness.core.verdicts import Verdict
from harness.core.visible import visible, visible_line
from harness.results.records import Check

LOG_EVERY_S = 10.0
SHOW_EVERY_S = 0.1


class _Live:
    """A progress line that is drawn by us only: no refresh thread may disturb a slice."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(20),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.fields[left]}"),
            console=self._console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, left="", count="")
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

    def show(self, text: str, done: int = 0, total: int = 0, left: str = "") -> None:
        """Say what is going on; without a `total` nothing is counted."""
        text = visible_line(text)
        count = f"{done:,}/{total:,}" if total else ""
        if self._console.is_terminal:
            short = escape(in_short(text, 40))
            self._bar.update(
                self._task,
                description=short,
                completed=done,
                total=total or None,
                count=count,
                left=left,
                refresh=True,
            )
        elif time.monotonic() - self._logged > LOG_EVERY_S:
            self._logged = time.monotonic()
            line = " ".join(filter(None, (count, in_short(text, 50), left)))
            print(line, file=sys.stderr, flush=True)


def in_short(text: str, limit: int) -> str:
    """A text with its middle left out: the names of cells differ at their ends."""
    if len(text) <= limit:
        return text
    end = limit // 2
    return f"{text[: limit - end - 1]}…{text[-end:]}"


def time_left(seconds: float) -> str:
    """`about 41 s left`, `about 6 min left`."""
    if seconds < 100:
        return f"about {seconds:.0f} s left"
    return f"about {seconds / 60:.0f} min left"


class CheckProgress(_Live):
    """Progress of a check: cells judged, and how many of them are not exact."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self._total = total
        self._done = 0
        self._not_exact = 0
        self._shown = 0.0

    def checked(self, check: Check) -> None:
        """A cell was judged. Hundreds are in a second, so not each of them is shown."""
        self._done += 1
        self._not_exact += check.verdict != Verdict.EXACT
        now = time.monotonic()
        if now - self._shown > SHOW_EVERY_S:
            self._shown = now
            worse = f"{self._not_exact:,} not exact" if self._not_exact else ""
            text = f"{check.verdict}: {check.driver} {check.cell}"
            self.show(text, self._done, self._total, worse)


class FuzzProgress(_Live):
    """Progress of a search: the time that has passed, and what has been found."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
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
        self.show(f"preparing {cell.id}")

    def block(
        self,
        number: int,
        cell: Cell,
        done: int,
        of: int,
        seconds_left: float,
        with_interval: int = 0,
    ) -> None:
        """A block begins."""
        known = f"{with_interval} with interval" if with_interval else ""
        left = time_left(seconds_left) if seconds_left else ""
        about = ", ".join(filter(None, (known, left)))
        self.show(f"round {number + 1}: {cell.id}", done, max(of, done), about)
