"""What a user of asyncpg writes for each act (`harness.plugin.acts`), by subject."""

from __future__ import annotations  # noqa: I001 - one import for each module

from harness.drivers.asyncpg.acts.arrow import copy_arrow as copy_arrow
from harness.drivers.asyncpg.acts.connections import (
    close as close,
    close_timeout as close_timeout,
    closed as closed,
    connect as connect,
    info as info,
)
from harness.drivers.asyncpg.acts.messages import (
    listen as listen,
    listener as listener,
    notifications as notifications,
    notify as notify,
    unlisten as unlisten,
)
from harness.drivers.asyncpg.acts.pools import (
    pool_acquire as pool_acquire,
    pool_block as pool_block,
    pool_close as pool_close,
    pool_idle as pool_idle,
    pool_open as pool_open,
    pool_release as pool_release,
    pool_size as pool_size,
)
from harness.drivers.asyncpg.acts.registrations import register_text as register_text
from harness.drivers.asyncpg.acts.statements import (
    diagnose as diagnose,
    execute as execute,
    execute_script as execute_script,
    execute_timeout as execute_timeout,
    fetch as fetch,
    fetch_times as fetch_times,
    fetch_val as fetch_val,
    insert_many as insert_many,
    insert_returning as insert_returning,
    literal_percent as literal_percent,
    notices as notices,
    prepare as prepare,
    row_count as row_count,
    run_prepared as run_prepared,
    style_numeric as style_numeric,
)
from harness.drivers.asyncpg.acts.streams import (
    copy_abandoned as copy_abandoned,
    copy_in_file as copy_in_file,
    copy_in_rows as copy_in_rows,
    copy_in_text as copy_in_text,
    copy_out_abandoned as copy_out_abandoned,
    copy_out_file as copy_out_file,
    cursor_count as cursor_count,
    cursor_fetch as cursor_fetch,
    cursor_open as cursor_open,
    cursor_scroll as cursor_scroll,
)
from harness.drivers.asyncpg.acts.transactions import (
    begin as begin,
    block as block,
    commit as commit,
    nested_block as nested_block,
    rollback as rollback,
    transaction_status as transaction_status,
)
