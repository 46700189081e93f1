"""What placeholders want against what a query gives."""

from __future__ import annotations

import pytest

from harness.core.errors import UsageError
from harness.core.tables import PgType
from harness.statements.parameters import check_parameters

INT, TEXT, NUMERIC, JSONB = map(PgType, ("int4", "text", "numeric", "jsonb"))
MOOD = PgType("mood", "enum")
INTS = PgType("_int4", "array", INT)


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        (INT, PgType("int8")),
        (NUMERIC, INT),
        (TEXT, PgType("varchar")),
        (MOOD, TEXT),
        (INTS, PgType("_int8", "array", PgType("int8"))),
        (PgType("price", "domain", NUMERIC), NUMERIC),
        (JSONB, JSONB),
    ],
)
def test_a_type_that_every_driver_may_send_fits(wanted: PgType, given: PgType) -> None:
    check_parameters([wanted], [given], ["v"])


@pytest.mark.parametrize(
    ("wanted", "given", "told"),
    [
        (INT, TEXT, "$1 is of type int4, and --params gives text (column v)"),
        (INT, NUMERIC, "--params gives numeric"),
        (JSONB, TEXT, "$1 is of type jsonb"),
        (INTS, INT, "$1 is of type int4[], and --params gives int4"),
        (MOOD, PgType("season", "enum"), "--params gives season"),
    ],
)
def test_another_type_is_refused_with_the_cast_to_write(
    wanted: PgType, given: PgType, told: str
) -> None:
    with pytest.raises(UsageError) as caught:
        check_parameters([wanted], [given], ["v"])
    assert told in str(caught.value)
    assert caught.value.hint.startswith("cast it in --params: ::")


def test_each_placeholder_has_a_column() -> None:
    with pytest.raises(UsageError, match=r"\$2 has no value: --params gives 1 column"):
        check_parameters([INT, INT], [INT], ["a"])
    with pytest.raises(
        UsageError, match="gives 2 columns, the statement has 1 placeholder"
    ):
        check_parameters([INT], [INT, INT], ["a", "b"])
