"""What a user of psycopg2 writes for each act (`harness.plugin.acts`), by subject."""

from __future__ import annotations  # noqa: I001 - one import for each module

from harness.drivers.psycopg2.acts.arrow import copy_arrow as copy_arrow
from harness.drivers.psycopg2.acts.connections import (
    cancel as cancel,
    close as close,
    closed as closed,
    connect as connect,
    encrypt_password as encrypt_password,
    info as info,
    poll_query as poll_query,
    set_client_encoding as set_client_encoding,
    wait_callback as wait_callback,
)
from harness.drivers.psycopg2.acts.messages import (
    listen as listen,
    listener as listener,
    notifications as notifications,
    notify as notify,
    replication_identify as replication_identify,
    replication_stream as replication_stream,
    unlisten as unlisten,
)
from harness.drivers.psycopg2.acts.pools import (
    pool_acquire as pool_acquire,
    pool_block as pool_block,
    pool_close as pool_close,
    pool_open as pool_open,
    pool_release as pool_release,
)
from harness.drivers.psycopg2.acts.registrations import (
    register_composite as register_composite,
    register_text as register_text,
)
from harness.drivers.psycopg2.acts.statements import (
    diagnose as diagnose,
    execute as execute,
    execute_script as execute_script,
    fetch as fetch,
    fetch_times as fetch_times,
    fetch_val as fetch_val,
    identifier as identifier,
    insert_many as insert_many,
    insert_many_count as insert_many_count,
    insert_returning as insert_returning,
    literal_percent as literal_percent,
    notices as notices,
    row_count as row_count,
    style_named as style_named,
    style_positional as style_positional,
    style_tuple as style_tuple,
)
from harness.drivers.psycopg2.acts.streams import (
    copy_abandoned as copy_abandoned,
    copy_in_file as copy_in_file,
    copy_in_text as copy_in_text,
    copy_out_abandoned as copy_out_abandoned,
    copy_out_file as copy_out_file,
    cursor_close as cursor_close,
    cursor_count as cursor_count,
    cursor_fetch as cursor_fetch,
    cursor_open as cursor_open,
    cursor_scroll as cursor_scroll,
    lo_close as lo_close,
    lo_export as lo_export,
    lo_import as lo_import,
    lo_oid as lo_oid,
    lo_open as lo_open,
    lo_read as lo_read,
    lo_seek as lo_seek,
    lo_tell as lo_tell,
    lo_truncate as lo_truncate,
    lo_unlink as lo_unlink,
    lo_write as lo_write,
)
from harness.drivers.psycopg2.acts.transactions import (
    begin as begin,
    block as block,
    commit as commit,
    rollback as rollback,
    set_autocommit as set_autocommit,
    tpc_begin as tpc_begin,
    tpc_commit as tpc_commit,
    tpc_prepare as tpc_prepare,
    tpc_recover as tpc_recover,
    tpc_rollback as tpc_rollback,
    transaction_status as transaction_status,
)
