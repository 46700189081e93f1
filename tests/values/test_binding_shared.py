"""Clients that stay apart: each is bound to its own row of parameters."""

from __future__ import annotations

from harness.core.calls import Op, Statement
from harness.core.tables import PgType, Table
from harness.core.tasks import Expected, Task
from harness.values.binding import bind_call

PARAMS = Table(
    ("id", "kind"), (PgType("int4"), PgType("text")), (("1", "a"), ("2", "b"), ("3", "c"))
)


def test_statements_take_the_row_of_their_client() -> None:
    task = Task(
        "own#case", Op.TRANSACTION, Expected(), params=PARAMS, clients=3,
        statements=(("insert", None), ("update", None)), takes=((1, 0), ()),
    )  # fmt: skip
    assert task.apart
    bound = [bind_call(task, None, client) for client in range(4)]
    assert [call.statements[0] for call in bound] == [
        Statement("insert", ("a", 1)),
        Statement("insert", ("b", 2)),
        Statement("insert", ("c", 3)),
        Statement("insert", ("a", 1)),
    ]
    assert bound[1].statements[1] == Statement("update", ())


def test_agents_stay_with_their_row_and_know_its_names() -> None:
    task = Task(
        "own#case", Op.EXECUTE, Expected(), sql="delete", params=PARAMS, clients=3,
        adk="delete_session",
    )  # fmt: skip
    call = bind_call(task, None, 2)
    assert call.params == ((3, "c"),)
    assert call.names == ("id", "kind")
    assert call.adk == "delete_session"


def test_a_single_client_goes_through_all_rows() -> None:
    task = Task("own#case", Op.EXECUTE, Expected(), params=PARAMS, adk="get_session")
    assert not task.apart
    assert bind_call(task, None, 0).params == ((1, "a"), (2, "b"), (3, "c"))


def test_clients_of_other_cases_go_through_all_rows() -> None:
    task = Task("own#case", Op.EXECUTE, Expected(), params=PARAMS, clients=3)
    assert bind_call(task, None, 1).params == ((1, "a"), (2, "b"), (3, "c"))
    assert bind_call(task, None, 1).names == ()
