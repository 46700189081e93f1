"""What a user of psycopg writes for each act (`harness.plugin.acts`), blocking."""
# ruff: noqa: F401 - who plays a case finds them by their names

from __future__ import annotations

from harness.drivers.psycopg.acts.arrow import copy_arrow as copy_arrow
from harness.drivers.psycopg.acts.connections import (
    cancel,
    close,
    closed,
    connect,
    encrypt_password,
    info,
    set_client_encoding,
)
from harness.drivers.psycopg.acts.messages import (
    diagnose,
    listen,
    listener,
    notices,
    notifications,
    notify,
    unlisten,
)
from harness.drivers.psycopg.acts.pools import (
    pool_acquire,
    pool_block,
    pool_close,
    pool_idle,
    pool_open,
    pool_release,
    pool_size,
)
from harness.drivers.psycopg.acts.registrations import (
    register_composite as register_composite,
)
from harness.drivers.psycopg.acts.registrations import (
    register_enum as register_enum,
)
from harness.drivers.psycopg.acts.registrations import (
    register_text as register_text,
)
from harness.drivers.psycopg.acts.statements import (
    execute,
    execute_script,
    fetch,
    fetch_prepared,
    fetch_times,
    fetch_val,
    identifier,
    insert_many,
    insert_many_count,
    insert_returning,
    literal_percent,
    pipeline,
    pipeline_outcomes,
    row_count,
    style_named,
    style_numeric,
    style_positional,
    style_tuple,
)
from harness.drivers.psycopg.acts.streams import (
    copy_abandoned,
    copy_in_file,
    copy_in_rows,
    copy_in_text,
    copy_out_abandoned,
    copy_out_file,
    cursor_close,
    cursor_count,
    cursor_fetch,
    cursor_open,
    cursor_scroll,
    stream_count,
)
from harness.drivers.psycopg.acts.transactions import (
    begin,
    block,
    commit,
    nested_block,
    rollback,
    set_autocommit,
    tpc_begin,
    tpc_commit,
    tpc_prepare,
    tpc_recover,
    tpc_rollback,
    transaction_status,
)
