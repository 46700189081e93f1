"""What a way to a server is to its routes, and how its own connections are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from harness.core.calls import Target
from harness.servers.patient import PatientConnection

_CONNECT_S = 30  # eight round trips of a second each, and some
# What libpq would otherwise take from PG* variables, which were set for another server.
_NOT_FROM_ENVIRONMENT: dict[str, Any] = {
    "hostaddr": "",
    "gssencmode": "disable",
    "channel_binding": "prefer",
    "target_session_attrs": "any",
    "client_encoding": "UTF8",
}


def _unchanged(target: Target) -> Target:
    return target


@dataclass(frozen=True, slots=True)
class Way:
    """A way that is open.

    `label` and `versions` are for readers of results. `lead` tells where the way begins
    for a client of a target. `orders` are what a relay must be told besides; a way with
    any needs one, whose certificate is of the authority `ca`.
    """

    label: str
    versions: Mapping[str, str] = field(default_factory=dict)
    lead: Callable[[Target], Target] = _unchanged
    orders: Mapping[str, str] = field(default_factory=dict)
    ca: str = ""
    pids: Sequence[int] = ()


def connect(target: Target, sslmode: str = "") -> PatientConnection:
    """A connection over a route; TLS is verified where the target asks for it, else left
    to libpq."""
    tls: dict[str, Any] = {"sslmode": sslmode or "prefer"}
    if target.tls:
        tls = {"sslmode": "verify-full", "sslrootcert": target.tls}
    return PatientConnection.connect(
        host=target.host,
        port=target.port,
        user=target.user,
        password=target.password,
        dbname=target.dbname,
        options=target.options,
        application_name=target.application_name,
        autocommit=True,
        connect_timeout=_CONNECT_S,
        **tls,
        **_NOT_FROM_ENVIRONMENT,
    )


def said(error: psycopg.Error) -> str:
    """The first line of what libpq or the server says."""
    return str(error).strip().partition("\n")[0] or "no word of why"
