"""`--lane memory`: bytes per connection, and whether a long loop grows."""

from harness.lanes import Lane

LANE = Lane("memory", __name__, "bytes per connection, and whether a long loop grows")
