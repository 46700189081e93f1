"""Which workers are machines, what they must share, and how cores are parted."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from harness import fleet
from harness.core.errors import UsageError
from harness.fleet import connection, facts, machines, quiet


def worker(name: object, host: str, resource: float = 1, status: str = "running") -> dict:
    return {
        "name": name,
        "host": host,
        "resources": {"pgdyno": resource} if resource else {},
        "status": status,
    }


def test_a_host_is_a_machine_and_only_loopback_has_several() -> None:
    workers = {
        "tcp://10.0.0.2:1": worker("x", "10.0.0.2"),
        "tcp://10.0.0.2:2": worker("y", "10.0.0.2"),
        "tcp://10.0.0.3:1": worker("z", "10.0.0.3", resource=0),
        "tcp://10.0.0.4:1": worker("v", "10.0.0.4", status="closing"),
        "tcp://127.0.0.1:1": worker(10, "127.0.0.1"),
        "tcp://127.0.0.1:2": worker(9, "127.0.0.1"),
    }
    found = machines.found(workers, known=["tcp://10.0.0.2:2"])
    assert [tuple(machine) for machine in found] == [
        ("9", "tcp://127.0.0.1:2"),
        ("10", "tcp://127.0.0.1:1"),
        ("10.0.0.2", "tcp://10.0.0.2:2"),
    ]
    assert machines.crowded(workers) == 1


def test_a_fleet_of_several_versions_is_refused_by_name() -> None:
    mine = facts.here()
    facts.check({"a": mine, "b": mine | {"machine": "another"}})
    for key, noun in (
        ("pgdyno", "pgdyno"),
        ("catalogue", "scenarios"),
        ("python", "Python"),
    ):
        with pytest.raises(facts.UnlikeMachinesError) as error:
            facts.check({"a": mine, "b": mine | {key: "9.9"}})
        assert f"differ in {noun}: {mine[key]} (here and a); 9.9 (b)" in str(error.value)


def test_a_machine_without_pgdyno_is_refused() -> None:
    with pytest.raises(facts.UnlikeMachinesError, match="b cannot run pgdyno: No module"):
        facts.check({"b": ModuleNotFoundError("No module named 'harness'")})


def test_cores_are_parted() -> None:
    assert quiet.parts({0, 1, 2, 3, 4}, 2) == [(0, 1, 2), (3, 4)]
    assert quiet.parts({3, 5}, 3) == [(3,), (5,), (3,)]


def test_where_a_scheduler_is() -> None:
    assert connection.place("local").workers == 1
    assert connection.place("local:3").workers == 3
    assert connection.place("tcp://10.0.0.1:8786").workers == 0
    with pytest.raises(UsageError, match="no number of workers"):
        connection.place("local:many")


def test_no_clock_of_the_day_is_read() -> None:
    """Clocks of machines may differ by an hour: only durations are ever looked at."""
    for file in Path(fleet.__file__).parent.glob("*.py"):
        tree = ast.parse(file.read_text())
        calls = {
            ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)
        }
        assert not any("datetime" in call or call == "time.time" for call in calls)
        assert {call for call in calls if call.startswith("time.")} <= {
            "time.monotonic",
            "time.monotonic_ns",
            "time.sleep",
        }
