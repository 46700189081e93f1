"""Where the SQLSTATE is that an exception of a wrapper has inside it."""

from __future__ import annotations

import sys

import pytest

from harness.core import installed
from harness.core.arms import Arm
from harness.core.calls import ErrorFields
from harness.core.errors import LibraryMissingError
from harness.core.expect import ExpectedError
from harness.core.verdicts import Verdict
from harness.judge import activity, verify
from harness.plugin import beneath, contract, described


class ServerSaidError(Exception):
    sqlstate = "23505"


class WrappedError(Exception):
    orig: BaseException | None = None


def _read(error: BaseException) -> ErrorFields:
    state = getattr(error, "sqlstate", "")
    return ErrorFields(sqlstate=state, message=str(error), table="t" if state else "")


def _raised(cause: BaseException | None) -> WrappedError:
    try:
        raise WrappedError("outside") from cause
    except WrappedError as error:
        return error


def test_what_stands_on_the_exception_itself_is_taken() -> None:
    assert described(ServerSaidError("taken"), _read) == _read(ServerSaidError("taken"))


def test_the_cause_of_a_cause_is_found_and_its_place_is_told() -> None:
    error = _raised(_raised(ServerSaidError("taken")))
    assert described(error, _read) == ErrorFields(
        "23505", "outside", table="t", on="__cause__.__cause__"
    )


def test_an_attribute_that_the_library_documents_comes_first() -> None:
    error = _raised(ServerSaidError("taken"))
    error.orig = ServerSaidError("taken")
    assert described(error, _read).on == "orig"


def test_without_any_sqlstate_the_outermost_one_speaks() -> None:
    assert described(_raised(ValueError("inside")), _read) == ErrorFields(message="outside")


def test_a_ring_of_exceptions_ends() -> None:
    error = WrappedError("outside")
    error.orig = WrappedError("inside")
    error.orig.orig = error
    assert described(error, _read) == ErrorFields(message="outside")


def test_an_expected_error_whose_sqlstate_is_inside_is_exact_and_says_where() -> None:
    error = _raised(ServerSaidError("taken"))
    judged = verify.judge_error(
        ExpectedError(sqlstate="23505"), False, described(error, _read), error
    )
    assert (judged.verdict, judged.facts) == (Verdict.EXACT, {"on": "__cause__"})
    assert "__cause__" in judged.detail


def test_who_declares_to_rewrite_sql_may_send_other_sql_but_must_send_some() -> None:
    terms = {"commits": "driver", "binds": "server", "wire_parameters": "binary"}
    sent = activity.Activity(1, "idle", "with t as (delete from x returning 1) select 1")
    silent = activity.Activity(1, "idle", f"select '{verify.CANARY}1'::text")
    rewriting = {**terms, "rewrites": "wraps DML in a WITH"}
    assert activity.breach(sent, terms, "delete from x").verdict is Verdict.INVALID
    assert activity.breach(sent, rewriting, "delete from x").verdict is Verdict.EXACT
    assert activity.breach(silent, rewriting, "delete from x").verdict is Verdict.INVALID


def test_the_driver_beneath_is_loaded_without_options() -> None:
    assert beneath("asyncpg").terms().library == "asyncpg"


def test_where_nothing_is_installed_a_worker_knows_what_it_was_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = contract.places()
    assert places["asyncpg"] == "harness.drivers.asyncpg:Asyncpg"
    monkeypatch.setattr(installed, "entry_points", lambda _: {})
    monkeypatch.setattr(sys, "path", [*sys.path, "nowhere"])  # what was found is not asked
    monkeypatch.setattr(contract, "_told", {})
    assert contract.locate("asyncpg") == ""
    with pytest.raises(contract.DriverError, match="there is no driver 'asyncpg'"):
        contract.load(Arm("asyncpg"))
    contract.learn(places)
    assert contract.load(Arm("asyncpg")).name == "asyncpg"


def test_a_layer_over_a_library_that_is_not_there_says_so(outside) -> None:
    (outside / "out_package" / "__init__.py").write_text("import library_of_nobody")
    layer = contract.load(Arm("psycopg"))
    layer.name, layer.wraps = "layer", "out"
    with pytest.raises(LibraryMissingError, match="library_of_nobody") as caught:
        contract.terms_of(layer)
    assert "'layer' cannot be used: driver 'out' is not installed" in str(caught.value)
    assert "pgdyno[layer]" in caught.value.hint


def test_the_drivers_below_are_told_by_the_terms() -> None:
    terms = {"wraps": "middle", "wrapped_wraps": "bare", "wrapped_version": "1"}
    assert contract.stands_on(terms) == ("middle", "bare")
    assert contract.stands_on({}) == ()
