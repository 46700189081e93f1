"""How many statements and round trips an op of a case is, as the case is written."""

from __future__ import annotations

import pytest

from harness import scenario
from harness.core.trips import round_trips_of, statements_of

LIST = 'statements = [{ sql = "select $1::int", params = "select 1", each = 1 }, %s]'
UNKNOWN = '{ sql = "select $1::int", params = "select 1" }'
PLAIN = '{ sql = "select 2" }'


@pytest.mark.parametrize(
    ("text", "statements", "round_trips"),
    [
        ('op = "fetch_all"\nsql = "select 1"', 1, 1),
        ('op = "copy_out"\nsql = "select 1"', 1, 1),
        (f'op = "sequential"\n{LIST % PLAIN}', 2, 2),
        (f'op = "pipeline"\n{LIST % PLAIN}', 2, 1),
        (f'op = "transaction"\n{LIST % PLAIN}', 2, 4),
        (f'op = "savepoint"\n{LIST % PLAIN}', 2, 6),
        (
            'op = "sequential"\n'
            + LIST % '{ sql = "select $1::int", params = "select 1", each = 5 }',
            6,
            6,
        ),
        # Only the server knows how many rows make one call.
        (
            f'op = "sequential"\nstatements = [{UNKNOWN}]',
            0,
            0,
        ),
        (
            f'op = "pipeline"\nstatements = [{UNKNOWN}]',
            0,
            0,
        ),
    ],
)
def test_what_a_case_says(tmp_path, text, statements, round_trips):
    file = tmp_path / "one.toml"
    file.write_text(f'schema = 1\n[[case]]\nname = "case"\n{text}\n')
    (cell,) = scenario.load(file).cells
    assert (statements_of(cell), round_trips_of(cell)) == (statements, round_trips)


@pytest.mark.parametrize(
    ("strategy", "statements"),
    [("values", 1), ("unnest", 1), ("loop", 0), ("pipeline", 0), ("execute_many", 0)],
)
def test_what_a_strategy_says(tmp_path, strategy, statements):
    file = tmp_path / "one.toml"
    file.write_text(
        'schema = 1\n[fixture]\nscope = "trial"\nsql = "create table t (a int)"\n'
        '[[case]]\nname = "case"\nop = "bulk_insert"\ntable = "t"\ncolumns = ["a"]\n'
        f'rows = "select 1"\nstrategy = "{strategy}"\nexpect.state = "select * from t"\n'
    )
    (cell,) = scenario.load(file).cells
    assert (statements_of(cell), round_trips_of(cell)) == (statements, statements)
