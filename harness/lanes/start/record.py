"""What the lane of beginnings records: an import, and the first uses of a session."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from harness.results.records import LaneRecord


class Import(LaneRecord, frozen=True, kw_only=True, tag="import"):
    """An arm's libraries imported in a fresh interpreter that has imported nothing else.

    `python_cpu_ns` is what the interpreter had taken before. `modules` were added, and
    `rss_bytes` to the resident size; 0 where the system does not tell it. It belongs to no
    cell.
    """

    cell: str = ""
    python_cpu_ns: int = 0
    wall_ns: int = 0
    cpu_ns: int = 0
    rss_bytes: int = 0
    modules: int = 0

    @property
    def measured(self) -> bool:
        """Whether it has numbers."""
        return self.wall_ns > 0


class Start(LaneRecord, frozen=True, kw_only=True, tag="start"):
    """The first uses of a cell in a fresh process: entry k is use number k + 1.

    `open_ns` is how long the session took to open, with the registrations of its profile;
    0 for an op that connects itself. `server_cpu_ns` is empty where it cannot be read. All
    lists are empty where the verdict forbids numbers.
    """

    open_ns: int = 0
    wall_ns: list[int] = msgspec.field(default_factory=list)
    cpu_ns: list[int] = msgspec.field(default_factory=list)
    server_cpu_ns: list[int] = msgspec.field(default_factory=list)

    @property
    def measured(self) -> bool:
        """Whether it has numbers."""
        return bool(self.wall_ns)

    def problems(self) -> Iterator[str]:
        """Times of which no ratio can be computed."""
        if min(self.wall_ns, default=1) < 1:
            yield "wall_ns holds a time of zero or less"
        if len(self.cpu_ns) != len(self.wall_ns):
            yield "wall_ns and cpu_ns are of different lengths"
        if self.server_cpu_ns and len(self.server_cpu_ns) != len(self.wall_ns):
            yield "wall_ns and server_cpu_ns are of different lengths"


RECORDS = (Import, Start)
