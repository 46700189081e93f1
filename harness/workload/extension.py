"""`pg_stat_statements`: what the server itself has counted, of one database."""

from __future__ import annotations

from harness.core.errors import OracleError, ServerError
from harness.venue.control import Control
from harness.workload.observed import Observations, Observed

_HINT = (
    "shared_preload_libraries = 'pg_stat_statements' and a restart, then "
    "create extension pg_stat_statements; or --from log FILE, --from sql FILE"
)
_HIDDEN = "<insufficient privilege>"
_WHERE = """
select quote_ident(n.nspname) from pg_extension e join pg_namespace n
on n.oid = e.extnamespace where e.extname = 'pg_stat_statements'
"""
_STATEMENTS = """
select s.query, sum(s.calls), sum(s.total_exec_time) from {0}.pg_stat_statements s
where s.dbid = (select oid from pg_database where datname = current_database())
group by s.query order by 2 desc
"""


def observations(control: Control) -> Observations:
    """The statements of this database, of all users whose texts may be seen.

    Raises:
        ServerError: the server does not count statements, or has none.
    """
    schema = control.value(_WHERE)
    if not schema:
        raise ServerError(
            "this database has no pg_stat_statements, so nobody counted its statements",
            hint=_HINT,
        )
    try:
        found = control.table(_STATEMENTS.format(schema))
    except OracleError as error:
        raise ServerError(
            f"pg_stat_statements cannot be read: {error}", hint=_HINT
        ) from None
    seen = Observations("pg_stat_statements")
    for text, calls, total_ms in found.rows if found else ():
        _count(seen, str(text), float(calls or 0), float(total_ms or 0))
    if not seen.statements:
        raise ServerError(
            _nothing(seen), hint="run the application for a while, then again"
        )
    return seen


def _count(seen: Observations, text: str, calls: float, total_ms: float) -> None:
    if text == _HIDDEN:
        reason = "statements of other users, whose texts only pg_read_all_stats may see"
        seen.miss(reason, calls)
    else:
        seen.statements.append(Observed(text, calls, total_ms))


def _nothing(seen: Observations) -> str:
    if seen.unseen:
        return (
            "pg_stat_statements shows this user no statement of others, and has none of it"
        )
    return "pg_stat_statements has no statement of this database"
