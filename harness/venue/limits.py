"""What a server grants us: how many sessions, and whether we may write.

Both are asked for before anything waits, so that a cell that cannot be played here is
skipped with the reason, and no driver is charged with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.core.calls import Op
from harness.core.cells import Cell
from harness.core.errors import OracleError
from harness.core.steps import Step
from harness.venue.control import Control

SESSIONS_OF_A_SEAT = 1
"""The control connection that stands beside a driver's sessions."""
_USUAL_POOL = 10  # no library opens more by itself
TIGHT_SESSIONS = 20
"""With fewer, a session that is still ending may be the one that is missing."""

# Limits bind ordinary users only; what is reserved is for superusers and, from 16 on, for
# members of a role. -1 is no limit. A session of ours is in every count already.
_ROOM_QUERY = """
select current_setting('max_connections')::int - reserved
         - (select coalesce(sum(numbackends), 0) from pg_stat_database),
       case when rolsuper or rolconnlimit < 0 then -1 else greatest(0, rolconnlimit
         - (select count(*) from pg_stat_activity where usesysid = r.oid)) end,
       case when rolsuper or datconnlimit < 0 then -1 else greatest(0, datconnlimit
         - (select numbackends from pg_stat_database s where s.datid = d.oid)) end
from pg_roles r, pg_database d, lateral (select case when rolsuper then 0 else
       current_setting('superuser_reserved_connections')::int
       + coalesce(current_setting('reserved_connections', true), '0')::int end) x(reserved)
where rolname = session_user and datname = current_database()
"""
_READ_ONLY_QUERY = """
select current_setting('transaction_read_only') = 'on', pg_is_in_recovery(),
       has_database_privilege(current_database(), 'CREATE'),
       quote_ident(current_database()), quote_ident(session_user)
"""
_WRITES = re.compile(
    r"\b(create|insert|update|delete|drop|alter|truncate|merge|copy|grant|revoke|comment"
    r"|nextval|setval|prepare\s+transaction|lock\s+table|do\s+\$|call|vacuum|refresh"
    r"|reindex|cluster|notify|lo_\w+)\b",
    re.IGNORECASE,
)
_WRITING_ACT = re.compile(r"copy_|_many|insert|tpc_|large_object|notify")


def room(control: Control) -> int:
    """How many more sessions the server grants this user at this moment."""
    found = control.table(_ROOM_QUERY)
    if found is None or not found.rows:
        return 0
    server, role, database = (int(count or 0) for count in found.rows[0])
    return min(max(0, server), *(count for count in (role, database) if count >= 0), 10**6)


def sessions_of(cell: Cell) -> int:
    """How many sessions a driver has for a cell, at most; one that was closed a moment
    ago may still count."""
    least = 2 if cell.op in (Op.CONNECT, Op.CONNECT_QUERY) else 1
    processes = {step.process for step in cell.steps} - {""}
    return max(least, cell.pool, len(processes) + sum(map(_opened_by, cell.steps)))


def _opened_by(step: Step) -> int:
    if step.by_parent or step.join or step.arguments.get("to", "main") != "main":
        return 0
    if step.op == "pool_open":
        return int(step.arguments.get("max_size", _USUAL_POOL))
    return 1 if step.op.startswith("connect") else 0


def unwritable(control: Control) -> str:
    """Why no schema can be made here, and what to grant; empty if one can."""
    found = control.table(_READ_ONLY_QUERY)
    assert found is not None
    read_only, standby, may_create, database, user = found.rows[0]
    if standby == "t":
        return "the server is a standby, which takes no writes: name its primary"
    if read_only == "t":
        return (
            "the session may only read: alter role or database … reset "
            "default_transaction_read_only, or name another database"
        )
    if may_create != "t":
        return f"the user may make no schema: grant create on database {database} to {user}"
    return ""


def needs_schema(cell: Cell) -> bool:
    """Whether a cell works in a schema of ours; if not, it may be played anywhere."""
    if cell.search_path:
        return False
    if cell.fixture.sql or cell.expect.state or cell.table:
        return True
    if any(needs_schema(share.cell) for share in cell.mix):
        return True
    texts = [cell.sql, *(statement.sql for statement in cell.statements)]
    texts += [text for step in cell.steps for text in _texts(step.arguments)]
    acts = [step.op for step in cell.steps if not step.by_parent]
    return any(map(_WRITES.search, texts)) or any(map(_WRITING_ACT.search, acts))


def _texts(value: Any) -> Iterator[str]:
    """Every text in a step's arguments, whatever they are in."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def refuses_writes(error: OracleError) -> bool:
    """Whether the server would not let us write: it is read only, or we lack a right."""
    return error.sqlstate in ("25006", "42501")
