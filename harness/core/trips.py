"""How many statements an op of a case is, and how often it waits for the server.

Both are what the case says, so that nobody's number hides round trips in an author's
choice. What a driver sends besides (to prepare a statement, to look up a type) is no part
of it.
"""

from __future__ import annotations

from harness.core.calls import Op
from harness.core.cells import Cell

_BLOCK: dict[Op, int] = {Op.TRANSACTION: 2, Op.SAVEPOINT: 4}
"""What a block says besides: its begin and its end, and those of a savepoint."""
_ROWS = frozenset({Op.EXECUTE_MANY, Op.BATCH_HELPER, Op.COPY_IN})


def statements_of(cell: Cell) -> int:
    """The statements of one op; 0 where only the server or the driver knows."""
    if cell.op in _ROWS or (cell.strategy and cell.op in (Op.SEQUENTIAL, Op.PIPELINE)):
        return 0
    if not cell.statements:
        return 1
    counts = [each.each or (not each.params) for each in cell.statements]
    return sum(counts) if all(counts) else 0


def round_trips_of(cell: Cell) -> int:
    """How often one op waits for the server's answer; 0 where that is not known."""
    count = statements_of(cell)
    if cell.op is Op.PIPELINE:
        return min(count, 1)
    return count + _BLOCK.get(cell.op, 0) if count else 0
