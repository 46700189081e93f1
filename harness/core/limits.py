"""How much a scenario may ask for, in one place; docs/scenario-format.md lists them.

Each is far above what a question needs. What is beyond is a slip of the pen, and would
otherwise end as a machine without memory or as a run without end.
"""

FILE_BYTES = 1_000_000
"""Of one scenario file."""

NESTING = 32
"""Tables and lists inside each other, in a file."""

DIGITS = 1_000
"""Of a whole number in a file."""

NAME_CHARS = 100
"""Of a scenario's name, which is that of its file."""

POINTS = 1_000
"""Cells of one case: the product of its axes."""

CELLS = 10_000
"""Cells of one file: all points of all cases, all literals in all directions."""

CLIENTS = 1_000
"""Clients, and connections of a pool, of one cell."""

ARRIVALS = 1_000_000
"""Ops of an open loop in one slice: its rate times its seconds."""

TURNS = 1_000
"""Turns of one cycle of a mix."""

STEPS = 1_000
"""Steps of one case, each repeated one counted."""

WAIT_SECONDS = 10
"""How long one `wait` may last: a step that takes longer counts as hung."""

VALUE_BYTES = 1 << 30
"""Of a value that a constructor makes: PostgreSQL's own limit for a field."""

CALLS = 10_000
"""Rows of `params`, each of which is one call."""

ROWS = 200_000
"""Rows of `rows`, and rows of all expected answers of a cell."""

DATA_BYTES = 256 << 20
"""Of the texts of one query of the oracle."""
