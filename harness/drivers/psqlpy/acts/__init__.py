"""What a user of psqlpy writes for each act (`harness.plugin.acts`)."""

from __future__ import annotations  # noqa: I001 - one import for each module

from harness.drivers.psqlpy.acts.arrow import copy_arrow as copy_arrow
from harness.drivers.psqlpy.acts.connections import (
    closed as closed,
    connect as connect,
    info as info,
    pool_acquire as pool_acquire,
    pool_block as pool_block,
    pool_close as pool_close,
    pool_idle as pool_idle,
    pool_open as pool_open,
    pool_release as pool_release,
    pool_size as pool_size,
)
from harness.drivers.psqlpy.acts.messages import (
    diagnose as diagnose,
    listen as listen,
    listener as listener,
    notifications as notifications,
    notify as notify,
    unlisten as unlisten,
)
from harness.drivers.psqlpy.acts.statements import (
    copy_abandoned as copy_abandoned,
    copy_in_rows as copy_in_rows,
    cursor_close as cursor_close,
    cursor_count as cursor_count,
    cursor_fetch as cursor_fetch,
    cursor_open as cursor_open,
    execute as execute,
    execute_script as execute_script,
    fetch as fetch,
    fetch_prepared as fetch_prepared,
    fetch_times as fetch_times,
    fetch_val as fetch_val,
    insert_many as insert_many,
    literal_percent as literal_percent,
    prepare as prepare,
    run_prepared as run_prepared,
    style_named as style_named,
    style_numeric as style_numeric,
    style_positional as style_positional,
    style_tuple as style_tuple,
)
from harness.drivers.psqlpy.acts.transactions import (
    begin as begin,
    block as block,
    close as close,
    commit as commit,
    nested_block as nested_block,
    pipeline as pipeline,
    rollback as rollback,
    transaction_status as transaction_status,
)
