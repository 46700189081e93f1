"""Which statements can be repeated, by their kind; what cannot says why."""

from __future__ import annotations

from collections.abc import Iterator

from pglast import ast, parse_sql
from pglast.enums import SQLValueFunctionOp
from pglast.parser import ParseError

from harness.workload.relations import Relations
from harness.workload.tree import walk


class Refused(Exception):  # noqa: N818 - a verdict on a statement, not a fault
    """A statement cannot be repeated; `str()` is the reason, free of private values."""


_KINDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "TruncateStmt"), "it writes"),
    (("TransactionStmt",), "it begins or ends a transaction"),
    (
        ("VariableSetStmt", "ListenStmt", "UnlistenStmt", "NotifyStmt", "DiscardStmt",
         "LockStmt", "ConstraintsSetStmt", "LoadStmt"),
        "it changes the state of its session",
    ),
    (("DeclareCursorStmt", "FetchStmt", "ClosePortalStmt"), "it works on a cursor"),
    (
        ("PrepareStmt", "ExecuteStmt", "DeallocateStmt"),
        "it names a statement that its session has prepared",
    ),
    (("CopyStmt",), "it is a COPY"),
    (("CallStmt", "DoStmt"), "it runs a program, which may write"),
)  # fmt: skip
_SCHEMA = (
    "Create", "Alter", "Drop", "Define", "Rename", "Grant", "Comment", "Index", "View",
    "Rule", "Reassign", "Secur", "Import", "CompositeType", "RefreshMatView",
)  # fmt: skip
_MOMENTS = frozenset(
    {"now", "transaction_timestamp", "statement_timestamp", "clock_timestamp", "timeofday"}
)
_NOT_MOMENTS = frozenset(
    {
        SQLValueFunctionOp.SVFOP_CURRENT_ROLE,
        SQLValueFunctionOp.SVFOP_CURRENT_USER,
        SQLValueFunctionOp.SVFOP_USER,
        SQLValueFunctionOp.SVFOP_SESSION_USER,
        SQLValueFunctionOp.SVFOP_CURRENT_CATALOG,
        SQLValueFunctionOp.SVFOP_CURRENT_SCHEMA,
    }
)


def parsed(text: str) -> ast.SelectStmt:
    """The tree of a statement that only reads.

    Raises:
        Refused: it does something else, or is no SQL.
    """
    try:
        found = parse_sql(text)
    except ParseError:
        raise Refused("PostgreSQL's parser does not understand it") from None
    except (ValueError, UnicodeError):
        raise Refused("it has characters that PostgreSQL cannot take") from None
    if len(found) != 1:
        raise Refused("it is several statements" if found else "it is empty")
    statement = found[0].stmt
    if not isinstance(statement, ast.SelectStmt):
        raise Refused(_kind(type(statement).__name__))
    for node in walk(statement):
        _check(node)
    return statement


def _kind(name: str) -> str:
    for names, reason in _KINDS:
        if name in names:
            return reason
    if name.startswith(_SCHEMA):
        return "it changes the schema"
    return f"it is a command ({name.removesuffix('Stmt').upper()}), no query"


def _check(node: ast.Node) -> None:
    if isinstance(node, ast.SelectStmt):
        if node.intoClause:
            raise Refused("it makes a table")
        if node.lockingClause:
            raise Refused("it locks rows")
    elif isinstance(node, ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt | ast.MergeStmt):
        raise Refused("it writes")
    elif isinstance(node, ast.SQLValueFunction) and node.op not in _NOT_MOMENTS:
        raise Refused("its answer depends on the moment (current_date, localtime, …)")


def check_functions(tree: ast.Node, relations: Relations) -> None:
    """Refuse a statement whose answer comes anew each time, by the server's account."""
    called = set(_functions(tree))
    if moments := sorted(called & _MOMENTS):
        raise Refused(f"its answer depends on the moment ({moments[0]})")
    if found := relations.volatile(called):
        raise Refused(f"{found[0]}() is volatile: it may write, or answer anew each time")
    if reached := relations.lasting(called | set(_relations(tree))):
        name, lasting = reached
        raise Refused(
            f"{name or lasting} calls {lasting}, which may leave something behind"
        )


def _relations(tree: ast.Node) -> Iterator[str]:
    for node in walk(tree):
        if isinstance(node, ast.RangeVar):
            yield str(node.relname)


def _functions(tree: ast.Node) -> Iterator[str]:
    for node in walk(tree):
        if isinstance(node, ast.FuncCall):
            yield str((node.funcname or ())[-1].sval)
