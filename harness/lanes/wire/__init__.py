"""`--lane wire`: turns, messages and bytes per op, counted between driver and server."""

from harness.lanes import Lane

LANE = Lane("wire", __name__, "turns, messages and bytes per op, counted between the two")
