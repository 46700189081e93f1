"""Where a test connects: the session's server, or an empty schema on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from harness.core.calls import Target
from harness.core.errors import OracleError

if TYPE_CHECKING:
    from harness.pytest_plugin.playing import Ground


@dataclass(frozen=True, slots=True)
class PgTarget:
    """A place on a server. `schema` is empty for the server itself; otherwise names without
    a schema are looked up and made there by every session that is opened with `dsn`."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    dbname: str
    version: str
    schema: str = ""
    dsn: str = field(default="", repr=False)


def of_server(ground: Ground) -> PgTarget:
    """The server itself."""
    return _target(ground.place.server.target, ground.place.facts.version)


@contextlib.contextmanager
def lent(ground: Ground, owner: str) -> Iterator[PgTarget]:
    """An empty schema for a test, dropped when it is over."""
    try:
        with ground.place.stage.lent_schema(owner) as (schema, target):
            yield _target(target, ground.place.facts.version, schema)
    except OracleError as error:
        said = f"the schema of this test cannot be dropped: {error}"
    else:
        return
    pytest.fail(f"{said}\nhint: close what it connected: a lock is held", pytrace=False)


def _target(target: Target, version: str, schema: str = "") -> PgTarget:
    return PgTarget(
        host=target.host,
        port=target.port,
        user=target.user,
        password=target.password,
        dbname=target.dbname,
        version=version,
        schema=schema,
        dsn=uri(target),
    )


def uri(target: Target) -> str:
    """The target as a URI that drivers read, session settings included."""
    secret = f":{quote(target.password, safe='')}" if target.password else ""
    user = f"{quote(target.user, safe='')}{secret}"
    host = f"[{target.host}]" if ":" in target.host else quote(target.host, safe="")
    place = f"{host}:{target.port}/{quote(target.dbname, safe='')}"
    options = f"?options={quote(target.options, safe='')}" if target.settings else ""
    return f"postgresql://{user}@{place}{options}"
