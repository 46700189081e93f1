"""What the memory lane records: a footprint, with its memory if the verdict allows."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from harness.results.records import LaneRecord


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What one arm held of memory in one cell, in two fresh processes.

    One process plays the cell in a long loop: `loop_bytes` is its resident size after
    `lead` ops and then after every `ops` ops more. The other opens sessions: after
    `sessions[k]` of them it holds `sessions_bytes[k]`, and `server_bytes` has one entry
    per server process at the end. `peak_bytes` is 0, and lists are empty, where nothing
    can be read or there is nothing to open.
    """

    import_bytes: int
    session_bytes: int
    peak_bytes: int
    page_bytes: int
    lead: int
    ops: int
    loop_bytes: list[int]
    sessions: list[int] = msgspec.field(default_factory=list)
    sessions_bytes: list[int] = msgspec.field(default_factory=list)
    server_bytes: list[int] = msgspec.field(default_factory=list)

    def beside(
        self, *, sessions: list[int], sessions_bytes: list[int], server_bytes: list[int]
    ) -> Memory:
        """The same loop, with what the process that opens sessions held."""
        return msgspec.structs.replace(
            self,
            sessions=sessions,
            sessions_bytes=sessions_bytes,
            server_bytes=server_bytes,
        )


class Footprint(LaneRecord, frozen=True, kw_only=True, tag="footprint"):
    """One cell of one arm, once more in fresh processes: its verdict and its memory."""

    memory: Memory | None = None

    @property
    def measured(self) -> bool:
        """Whether it has numbers."""
        return self.memory is not None

    def problems(self) -> Iterator[str]:
        """Samples and sessions that no slope can be computed of."""
        memory = self.memory
        if memory is None:
            return
        if len(memory.loop_bytes) > 1 and memory.ops < 1:
            yield f"memory.ops is {memory.ops}: samples lie at least one op apart"
        if len(memory.sessions) != len(memory.sessions_bytes):
            yield "memory.sessions and memory.sessions_bytes are of different lengths"
        if len(set(memory.sessions)) != len(memory.sessions):
            yield "memory.sessions holds a number twice"


RECORDS = (Footprint,)
