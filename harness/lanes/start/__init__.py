"""`--lane start`: what the beginning costs: import, opening a session, each first use."""

from harness.lanes import Lane

LANE = Lane(
    "start",
    __name__,
    "import, opening a session, and each of the first uses in a fresh process",
    paths=("start", "connections/connect#connect"),
)
