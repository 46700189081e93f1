"""One step of a case of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.core.expect import StepExpect


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a case of several: an act (`harness.plugin.acts`) on a named object.

    `on` names what `save` saved, or control, server, proxy, which the parent plays.
    `start` runs it beside the next steps under a name, `join` waits for it; `with_next`
    begins it together with the next one. `process` names a process beside the first.
    """

    on: str
    op: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    save: str = ""
    start: str = ""
    join: str = ""
    with_next: bool = False
    process: str = ""
    within_ms: int = 0
    note: str = ""
    expect: StepExpect = field(default_factory=StepExpect)

    @property
    def by_parent(self) -> bool:
        """Whether the parent plays it, and no driver."""
        return self.on in ("control", "server", "proxy") and not self.join

    @property
    def label(self) -> str:
        """What a reader calls it."""
        plain = f"join {self.join}" if self.join else f"{self.on}.{self.op}"
        return self.note or (f"{self.process}: {plain}" if self.process else plain)
