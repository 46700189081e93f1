"""Parameters that statements, or a session service, have in common."""

from __future__ import annotations

import pytest

from harness.core.calls import Op
from harness.core.cells import Cell, Fixture, StatementSpec
from harness.core.errors import OracleError
from harness.core.expect import Expect
from harness.core.tables import PgType, Table
from harness.venue.params import check_adk, takes, taking

TEXT = PgType("text")
PARAMS = Table(("id", "kind"), (PgType("int4"), TEXT), (("1", "a"), ("2", "b")))


def cell(*taken: tuple[str, ...], clients: int = 2, adk: str = "") -> Cell:
    statements = tuple(StatementSpec("select 1", takes=names) for names in taken)
    return Cell(
        "own", "case", (), "", Op.TRANSACTION, Fixture(), Expect(),
        statements=statements, clients=clients, adk=adk,
    )  # fmt: skip


def test_a_statement_takes_columns_in_its_own_order() -> None:
    asked = cell(("kind", "id"), (), ("kind",))
    assert takes(asked, PARAMS) == ((1, 0), (), (1,))
    first, second, third = taking(asked, PARAMS)
    assert first == (
        "select 1",
        Table(("kind", "id"), (TEXT, PgType("int4")), (("a", "1"), ("b", "2"))),
    )
    assert second == ("select 1", Table((), (), ((), ())))
    assert third == ("select 1", Table(("kind",), (TEXT,), (("a",), ("b",))))


def test_statements_that_take_nothing_have_params_of_their_own() -> None:
    assert taking(cell((), ()), PARAMS) == ()
    assert taking(cell(("id",)), None) == ()


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(OracleError, match="takes 'sort', and params has: id, kind"):
        takes(cell(("sort",)), PARAMS)


def test_a_row_for_each_client_and_no_more() -> None:
    with pytest.raises(OracleError, match=r"2 rows, .* of which there are 1"):
        takes(cell(("id",), clients=0), PARAMS)


def test_an_argument_of_the_service_that_is_missing_is_named() -> None:
    columns = Table(("app_name", "user_id"), (TEXT, TEXT), (("a", "b"),))
    check_adk(cell(adk="list_sessions"), columns)
    with pytest.raises(OracleError, match="get_session needs the argument 'session_id'"):
        check_adk(cell(adk="get_session"), columns)
