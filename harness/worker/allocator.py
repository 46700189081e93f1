"""The allocator of a process that is no longer young. Standard library only."""

from __future__ import annotations

ALLOCATOR_BYTES = 8 << 20


def warm_allocator() -> None:
    """Free one large block, as every program has done that runs for a while.

    glibc hands blocks above a threshold back to the system at once, and raises the
    threshold when such a block is freed for the first time. asyncio asks for 256 KiB at
    each read, so before that moment every read of an asyncio driver costs two system
    calls more: 17 % of the CPU of asyncpg's point query. Without this, the order of
    cells would decide (docs/decisions/0011-the-allocator-is-warm.md).
    """
    block = bytearray(ALLOCATOR_BYTES)
    del block
