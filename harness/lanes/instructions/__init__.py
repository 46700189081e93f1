"""`--lane instructions`: instructions of the client per op, by callgrind."""

from harness.lanes import Lane

LANE = Lane(
    "instructions",
    __name__,
    "instructions of the client per op, by callgrind: hardly any noise",
    threshold=0.003,
)
