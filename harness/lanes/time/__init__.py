"""`--lane time`: time per op, the common one.

What it records are trials (`harness.results`), what they mean stands in
`harness.analysis`, and a report ranks them (`harness.report.cells`): most of pgdyno is
about this lane. Here is what makes it a lane among others.
"""

from harness.lanes import Lane

LANE = Lane(
    "time",
    __name__,
    "time per op, slices of all drivers interleaved",
    clocks=True,
    threshold=0.03,
)
