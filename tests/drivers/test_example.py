"""The example of a driver from outside, and the page that explains drivers."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from clients import needs_server

from harness.core.calls import Op
from harness.core.capabilities import Capability

ROOT = Path(__file__).parents[2]
pytestmark = needs_server


# -- the example from outside ----------------------------------------------------------

USE_EXAMPLE = """
import json, sys
from harness.plugin import Call, Op, Statement, Target
from harness.plugin import contract as driver
target = Target(**json.loads(sys.stdin.read()))
loaded = driver.load(driver.parse_arm(sys.argv[1]))
session = loaded.open(target, "configured")
call = lambda op, **fields: getattr(session, op)(Call(Op(op), **fields))()
rows = session.rows(call("fetch_all", sql="select $2::text, $1::int", params=((1, "x"),)))
assert rows == [("x", 1)], rows
assert call("fetch_one", sql="select 1 where false") is None
assert call("fetch_val", sql="select '{}'::jsonb") == {}
call("execute", sql="create temp table example (id int primary key)")
call("copy_in", table="example", columns=("id",), data=b"1\\n2\\n")
assert call("copy_out", sql="table example", format="csv") == b"1\\n2\\n"
insert = Statement("insert into example values ($1)", (3,))
assert call("transaction", statements=(insert, Statement("select 1"))) == [None, [[1]]]
try:
    call("savepoint", statements=(insert,))
except Exception as error:
    assert loaded.describe_error(error).sqlstate == "23505"
assert call("fetch_val", sql="select count(*) from example") == 3
session.close()
loaded.connect(target, "default")()
assert loaded.connect_query(target, "default", "select 42")() == 42
print("ok", loaded.terms().version)
"""


def installer():
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--no-input"]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", sys.executable]
    return []


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    pytest.importorskip("pg8000")
    if not installer():
        pytest.skip("neither pip nor uv is here")
    folder = tmp_path_factory.mktemp("example")
    # The backend is here already: nothing has to be fetched to build it.
    command = [*installer(), "--no-deps", "--no-build-isolation", "--target", str(folder)]
    source = str(ROOT / "examples" / "pgdyno-pg8000")
    done = subprocess.run([*command, source], capture_output=True, text=True)
    if done.returncode and "hatchling" in done.stdout + done.stderr:
        pytest.skip("the package index is out of reach")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("spec", ["pg8000", "pg8000+prepared"])
def test_the_example(example, target, spec):
    done = subprocess.run(
        [sys.executable, "-c", USE_EXAMPLE, spec],
        input=json.dumps(dataclasses.asdict(target)),
        env={"PYTHONPATH": f"{example}:{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ok ")


# -- the documentation -----------------------------------------------------------------


def test_every_op_and_capability_is_explained():
    text = (ROOT / "docs" / "writing-a-driver.md").read_text()
    names = [*(op for op in Op if op not in (Op.STEPS, Op.MIX)), *Capability]
    assert [name for name in names if f"`{name}`" not in text] == []
