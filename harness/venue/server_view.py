"""The sessions of drivers, as the server sees them: how many, and what they did last."""

from __future__ import annotations

import time

from harness.core.verdicts import EXACT, Code, Judgement, Verdict
from harness.judge.activity import Activity
from harness.venue.control import Control

REPORT_SECONDS = 2.0
"""How long the server may take to tell of a session that ended, or ends its work."""

# A session that was closed a moment ago may still be there; it worked earlier. The server
# cuts a text at a whole character, so up to 4 bytes before the limit, whose unit `B` older
# servers write but do not read.
_ACTIVITY_QUERY = r"""
select pid, state, query, octet_length(query) + 5 > pg_size_bytes(
         regexp_replace(current_setting('track_activity_query_size'), '(\d)B$', '\1'))
from pg_stat_activity
where application_name = $1 and backend_type = 'client backend'
order by query_start desc nulls last
"""


def count_sessions(control: Control) -> int:
    """How many sessions the server has seen end or begin in this database."""
    control.run("select pg_stat_clear_snapshot()")
    return int(
        control.value(
            "select sessions from pg_stat_database where datname = current_database()"
        )
        or 0
    )


def check_sessions(control: Control, wanted: int, *, exact: bool) -> Judgement:
    """Whether the server has seen so many sessions; on a borrowed one, at least.

    The server reports a session when it ends, a moment later.
    """
    deadline = time.monotonic() + REPORT_SECONDS
    seen = count_sessions(control)
    while seen < wanted and time.monotonic() < deadline:
        time.sleep(0.01)
        seen = count_sessions(control)
    if seen < wanted or (exact and seen > wanted):
        return Judgement(
            Verdict.LOSSY,
            Code.SESSION_COUNT,
            "the server saw a different number of sessions than were asked for",
            f"{seen} sessions in all",
            f"{wanted} sessions in all",
            {"sessions": seen, "expected_sessions": wanted},
        )
    return EXACT


def await_others(control: Control, run: str) -> None:
    """Wait for a moment until no driver of this run has a session any more."""
    query = (
        "select count(*) from pg_stat_get_activity(null)"
        f" where application_name like 'pgdyno {run}%'"
    )
    deadline = time.monotonic() + REPORT_SECONDS
    while control.value(query) != "0" and time.monotonic() < deadline:
        time.sleep(0.005)


def await_end(control: Control, application_name: str) -> None:
    """Wait for a moment until a seat has no session any more: a goodbye that is still on
    its way would leave a backend that the next cell takes for its own."""
    query = "select count(*) from pg_stat_get_activity(null) where application_name = $1"
    deadline = time.monotonic() + REPORT_SECONDS
    while control.value(query, [application_name]) != "0" and time.monotonic() < deadline:
        time.sleep(0.002)


def activities(control: Control, application_name: str) -> list[Activity]:
    """A seat's sessions as the server sees them, the one that worked last first.

    Asked again for a moment while a session is still at work.
    """
    deadline = time.monotonic() + REPORT_SECONDS
    seen = _activities(control, application_name)
    while seen and seen[0].state == "active" and time.monotonic() < deadline:
        time.sleep(0.01)
        seen = _activities(control, application_name)
    return seen


def _activities(control: Control, application_name: str) -> list[Activity]:
    found = control.table(_ACTIVITY_QUERY, [application_name])
    return [
        Activity(int(pid or 0), state or "", query or "", cut == "t")
        for pid, state, query, cut in (found.rows if found else ())
    ]
