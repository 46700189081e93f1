"""What a server does by itself: checkpoints, autovacuum, and blocks that it had to read."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.errors import OracleError
from harness.venue.control import Control

_FROM_17 = 170_000
_QUERY = """
select (select {checkpoints} from {view}),
       (select coalesce(sum(autovacuum_count + autoanalyze_count), 0)
        from pg_stat_all_tables)
       + (select count(*) from pg_stat_activity where backend_type = 'autovacuum worker'),
       (select blks_hit from pg_stat_database where datname = current_database()),
       (select blks_read from pg_stat_database where datname = current_database())
"""


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """Counters of a server since its start; all 0 where it does not tell."""

    checkpoints: int = 0
    vacuums: int = 0
    cache_hits: int = 0
    cache_reads: int = 0

    def since(self, before: Housekeeping) -> Housekeeping:
        """What was done in between."""
        return Housekeeping(
            self.checkpoints - before.checkpoints,
            self.vacuums - before.vacuums,
            self.cache_hits - before.cache_hits,
            self.cache_reads - before.cache_reads,
        )

    @property
    def work(self) -> str:
        """What the server did by itself that takes time from queries; empty if nothing."""
        done = [(self.checkpoints, "a checkpoint"), (self.vacuums, "autovacuum")]
        return " and ".join(name for count, name in done if count > 0)


def housekeeping(control: Control, version_num: int) -> Housekeeping:
    """Read the counters; a user who may not see them reads zeros."""
    new = version_num >= _FROM_17
    query = _QUERY.format(
        checkpoints="num_timed + num_requested"
        if new
        else "checkpoints_timed + checkpoints_req",
        view="pg_stat_checkpointer" if new else "pg_stat_bgwriter",
    )
    try:
        found = control.table(query)
    except OracleError:
        return Housekeeping()
    row = found.rows[0] if found else ()
    return Housekeeping(*(int(value or 0) for value in row))
