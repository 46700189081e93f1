"""`--lane threads`: a lane from elsewhere, as small as one can be."""

from harness.lanes import Lane

LANE = Lane("threads", __name__, "threads of the client after an op", threshold=0.01)
