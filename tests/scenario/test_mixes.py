"""`[[mix]]`: which cases it takes, how often, in which order, and what it refuses."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest

from harness import scenario
from harness.core.calls import Op
from harness.core.errors import ScenarioError
from harness.scenario.turns import CYCLE, order_of, turns_of

BASE = """
schema = 1
title = "A shop"

[[case]]
name = "read"
op = "fetch_all"
sql = "select 1"
axes.form = ["one"]

[[case]]
name = "read"
op = "sequential"
statements = [{ sql = "select $1::int", params = "select 1 union all select 2", each = 1 }]
axes.form = ["many"]

[[case]]
name = "plain"
op = "fetch_val"
sql = "select 2"
"""
MIX = """
[[mix]]
name = "mixed"
weights = { read = 9, plain = 1 }
axes.form = ["one", "many"]
"""


def load(folder, text):
    file = folder / "shop.toml"
    file.write_text(text)
    return {cell.local_id: cell for cell in scenario.load(file).cells}


# --- turns ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "turns"),
    [
        ([60, 25, 10, 5], [60, 25, 10, 5]),
        ([1], [100]),
        ([9, 1], [90, 10]),
        ([0.5, 0.25, 0.25], [50, 25, 25]),
        ([1, 1, 1], [33, 33, 33]),
        ([12, 5, 2], [60, 25, 10]),
        ([2, 1, 0.5], [56, 28, 14]),
        # Nobody is left out, however little it weighs.
        ([1_000_000, 1], [99, 1]),
        ([1e300, 1e-300, 7], [98, 1, 1]),
        ([61, 40], [60, 40]),
    ],
)
def test_turns_are_in_proportion(weights, turns):
    assert turns_of(weights) == turns


@pytest.mark.parametrize("length", [7, 40, 999])
def test_turns_of_a_given_length(length):
    weights = [123.4, 55, 3.25, 0.01]
    turns = turns_of(weights, length)
    assert sum(turns) == length
    assert min(turns) >= 1
    quota = Fraction("123.4") * length / sum(map(Fraction, map(str, weights)))
    assert abs(turns[0] - quota) < 2


def test_many_tasks_have_a_turn_each():
    turns = turns_of([1 / (place + 1) for place in range(300)])
    assert sum(turns) == 300 > CYCLE
    assert set(turns) == {1}


def test_the_order_is_that_of_the_seed():
    assert order_of([3, 2], 1) == order_of([3, 2], 1)
    assert Counter(order_of([60, 40], 7)) == {0: 60, 1: 40}
    assert order_of([60, 40], 7) != order_of([60, 40], 8)
    # A seed means the same order for ever: results say nothing of it but the digest.
    assert order_of([4, 3, 2], 15) == (2, 0, 1, 0, 2, 1, 1, 0, 0)


# --- what loads -----------------------------------------------------------------------


def test_a_mix_is_a_cell_for_each_point_of_its_axes(tmp_path):
    cells = load(tmp_path, BASE + MIX)
    assert list(cells)[-2:] == ["mixed@form=one", "mixed@form=many"]
    many = cells["mixed@form=many"]
    assert many.op is Op.MIX
    assert [share.cell.local_id for share in many.mix] == ["read@form=many", "plain"]
    assert [(share.weight, share.turns) for share in many.mix] == [("9", 90), ("1", 10)]
    assert Counter(many.turns) == {0: 90, 1: 10}
    assert many.turns == cells["mixed@form=one"].turns
    assert many.digest != cells["mixed@form=one"].digest


def test_a_weight_may_name_a_point(tmp_path):
    mix = '[[mix]]\nname = "both"\nweights = { "read@form=one" = 1, "read@form=many" = 2 }'
    found = load(tmp_path, BASE + mix)["both"].mix
    assert [share.cell.local_id for share in found] == ["read@form=one", "read@form=many"]


def test_marks_of_its_axes_stand_in_other_keys(tmp_path):
    mix = '\n[[mix]]\nname = "m"\nweights = { plain = 1 }\nclients = "${n}"\npool = "${n}"'
    cells = load(tmp_path, f"{BASE}{mix}\naxes.n = [1, 4]\n")
    assert (cells["m@n=4"].clients, cells["m@n=4"].pool) == (4, 4)


def test_another_order_is_other_work_and_another_title_is_not(tmp_path):
    digests = [
        load(tmp_path, BASE + MIX + more)["mixed@form=one"].digest
        for more in ("", "title = 'T'", "seed = 2", "turns = 10")
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_what_all_tasks_need_is_needed(tmp_path):
    text = BASE.replace('sql = "select 2"', 'sql = "select 2"\nneeds = ["version>=14"]')
    assert load(tmp_path, text + MIX)["mixed@form=one"].needs == ("version>=14",)


# --- what does not --------------------------------------------------------------------

WEIGHTS = "weights = { read = 9, plain = 1 }"
HERE = "shop.toml, mix 'mixed'"
REFUSED = {
    "weights = { read = 9, plain = 0 }": ", weights.plain: 0 cannot stand here",
    "weights = { read = 9, plain = -1.5 }": ", weights.plain: -1.5 cannot stand here",
    "weights = { read = inf }": ", weights.read: inf cannot stand here",
    "weights = { read = nan }": ", weights.read: nan cannot stand here",
    "weights = { read = 9, plain = '1' }": ", weights.plain: '1' cannot stand here",
    "weights = { read = 9, plain = true }": ", weights.plain: true cannot stand here",
    "weights = {}": ", weights: they name no case",
    "weights = [1]": ", weights: a list cannot stand here",
    "seed = 1": ": `weights` is missing",
    "weights = { reed = 1 }": ", weights.reed: there is no case 'reed' in this file",
    "weights = { mixed = 1 }": ", weights.mixed: there is no case 'mixed'",
    "weights = { 'plain@a=1' = 1 }": ", weights.plain@a=1: no point of this case is meant",
    "weights = { 'read@form=x' = 1 }": ", weights.read@form=x: no point of this case",
    "weights = { plain = 1 }": ": none of its cases has the axis 'form'",
    f"{WEIGHTS}\nturns = 1": ": 2 tasks in a cycle of 1",
    f"{WEIGHTS}\nturns = 1001": ": turns = 1001 is more than 1,000",
    f"{WEIGHTS}\nturns = 0": ", turns: 0 cannot stand here",
    f"{WEIGHTS}\nseed = 1.5": ", seed: 1.5 cannot stand here",
    f"{WEIGHTS}\nclients = 4": ": clients need a pool",
    f"{WEIGHTS}\nsql = 'select 1'": ": there is no key `sql`",
    f"{WEIGHTS}\nbench.floor = true": ": bench.floor for `mix`",
    f"{WEIGHTS}\nbench.tier = 'fast'": ", bench.tier: 'fast' cannot stand here",
}


@pytest.mark.parametrize(("written", "said"), REFUSED.items())
def test_a_slip_in_a_mix_is_said_with_file_and_key(tmp_path, written, said):
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path, BASE + MIX.replace(WEIGHTS, written))
    assert f"{HERE}{said}" in str(caught.value)
    assert caught.value.hint or "more than" in said


UNFIT = {
    'op = "connect"\nexpect.sessions = 1': "opens sessions with `connect`",
    'op = "connect_query"\nsql = "select 1"': "opens sessions with `connect_query`",
    'op = "checkout"\npool = 2\nexpect.sessions = 0': "takes a connection",
    'step = [{ op = "fetch_val", sql = "select 1", expect.value = 1 }]': "has steps",
    'op = "fetch_val"\nsql = "x"\nexpect.error = { sqlstate = "42601" }': "expects an err",
    'op = "fetch_val"\nsql = "x"\nexpect.rejected = true': "expects an error",
    'op = "fetch_val"\nsql = "select 1"\nexpect.trait = true': "is a trait",
    'op = "fetch_val"\nsql = "select 1"\nclients = 2\npool = 2': "has clients or a pool",
}


@pytest.mark.parametrize(("case", "said"), UNFIT.items())
def test_a_case_that_cannot_be_mixed_is_named(tmp_path, case, said):
    text = BASE.replace('op = "fetch_val"\nsql = "select 2"', case)
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path, text + MIX)
    assert f"{HERE}, weights.plain: a case that {said}" in str(caught.value)
    assert "cannot be mixed" in str(caught.value)


def test_tasks_share_a_session_and_a_schema(tmp_path):
    text = BASE.replace('sql = "select 2"', 'sql = "select 2"\nsettings.work_mem = "5MB"')
    with pytest.raises(ScenarioError, match="'read@form=one' and 'plain' have different s"):
        load(tmp_path, text + MIX)
    fixture = '\n[fixture]\nsql = "create table ${form} (a int)"\n'
    weights = '"read@form=one" = 1, "read@form=many" = 1'
    mix = f'[[mix]]\nname = "mixed"\nweights = {{ {weights} }}\n'
    only_reads = BASE.partition('\n[[case]]\nname = "plain"')[0]
    with pytest.raises(ScenarioError, match="have different fixtures"):
        load(tmp_path, only_reads + mix + fixture)


def test_clients_that_write_need_a_reset(tmp_path):
    text = """
schema = 1
[fixture]
scope = "trial"
sql = "create table t (a int)"
[[case]]
name = "plain"
op = "execute"
sql = "insert into t values (1)"
expect.state = "select * from t"
[[mix]]
name = "mixed"
weights = { plain = 1 }
clients = 2
pool = 2
"""
    with pytest.raises(
        ScenarioError, match=r"mixed': clients in a mix that writes, and no"
    ):
        load(tmp_path, text)
    assert load(tmp_path, text + "bench.reset = 'truncate t'")["mixed"].clients == 2


# --- one case in several tables --------------------------------------------------------


def test_a_case_may_stand_in_tables_with_other_points(tmp_path):
    cells = load(tmp_path, BASE)
    assert cells["read@form=one"].op is Op.FETCH_ALL
    assert cells["read@form=many"].op is Op.SEQUENTIAL
    assert cells["read@form=many"].in_calls


@pytest.mark.parametrize("axes", ['axes.form = ["one"]', 'axes.x = ["many"]', ""])
def test_two_tables_of_one_case_have_the_same_axes_and_other_values(tmp_path, axes):
    with pytest.raises(ScenarioError, match="two cases are called"):
        load(tmp_path, BASE.replace('axes.form = ["many"]', axes))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('sql = "select 1", each = 1', "statement 1: each without params"),
        ('sql = "select 1", params = "select 1", each = 0', "statement 1, each: 0 cannot"),
        ('sql = "select 1", params = "select 1", each = "x"', "each = 'x' is not a number"),
    ],
)
def test_each_is_for_params(tmp_path, written, said):
    case = f'[[case]]\nname = "c"\nop = "sequential"\nstatements = [{{ {written} }}]'
    with pytest.raises(ScenarioError, match="case 'c'") as caught:
        load(tmp_path, f"schema = 1\n{case}")
    assert said in str(caught.value)


def test_an_error_belongs_to_no_call(tmp_path):
    each = '{ sql = "x", params = "select 1", each = 1 }'
    case = f'[[case]]\nname = "c"\nop = "sequential"\nstatements = [{each}]'
    with pytest.raises(ScenarioError, match="each in statements that are not answered"):
        load(tmp_path, f'schema = 1\n{case}\nexpect.error = {{ sqlstate = "42601" }}')
