"""SQLAlchemy: Core and the ORM over psycopg (sync and async), psycopg2 and asyncpg.

The asynchronous modules are written by hand, the synchronous ones from them by
tools/psycopg_sync.py; what both share is pure and happens while binding.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Mapping
from typing import Any, Literal, cast

import sqlalchemy

from harness.drivers.sqlalchemy.below import BELOW, Below, described_driver
from harness.drivers.sqlalchemy.opening import CoreOpening, OrmOpening
from harness.drivers.sqlalchemy.opening_async import AsyncCoreOpening, AsyncOrmOpening
from harness.drivers.sqlalchemy.statements import WRAPPERS
from harness.drivers.sqlalchemy.written import (
    configure_psycopg,
    configure_psycopg2,
    configure_psycopg_async,
)
from harness.plugin import Capability, ErrorFields, Kind, Terms, described

_REGISTRATIONS = (
    "a `dict` is sent as jsonb: `bindparam(…, type_=JSONB(none_as_null=True))`",
    "pgvector’s `register_vector` at the event `connect`, but not over asyncpg",
)
_CAPABILITIES = frozenset(
    {
        Capability.JSONB,
        Capability.ARRAYS,
        Capability.VECTOR,
        Capability.PREPARED,
        Capability.POOL,
        Capability.POOL_WAITS,
        Capability.PEP_249,
    }
)


def _implementation() -> str:
    """Whether the compiled extensions are there; they are not for every platform."""
    found = importlib.util.find_spec("sqlalchemy.engine._row_cy")
    compiled = found is not None and not str(found.origin).endswith(".py")
    return "Cython" if compiled else "Python"


_NOPREPARE = {
    "noprepare": "ops prepare no statements, as behind PgBouncer:"
    " connect_args={'prepare_threshold': None}"
}
_HERE = "harness.drivers.sqlalchemy"


def _acts(kind: str, suffix: str, reach: str) -> tuple[str, ...]:
    """The modules of acts: for both, for Core or the ORM, and for the driver below."""
    shared = f"{_HERE}.acts{suffix}", f"{_HERE}.acts_{kind}{suffix}"
    ways = {"core": ("",), "orm": ("", "orm_")}[kind]
    return *shared, *(f"{_HERE}.reach.{way}{reach}" for way in ways)


class _Stack:
    """What all drivers of SQLAlchemy say about themselves."""

    wraps: str
    options: Mapping[str, str] = {}
    registrations = _REGISTRATIONS
    capabilities = _CAPABILITIES
    wrappers = WRAPPERS
    row_shape = "Row (a named tuple)"
    pool = "QueuePool of the engine; waits 30 s; a return sends nothing in AUTOCOMMIT"

    def __init__(self, options: frozenset[str]) -> None:
        self.capabilities = self.capabilities - BELOW[self.wraps].without
        self.further: Mapping[str, Any] = {}
        if "noprepare" in options:
            self.further = {"prepare_threshold": None}
            self.capabilities = self.capabilities - {Capability.PREPARED}

    def terms(self) -> Terms:
        """Versions and habits."""
        below = BELOW[self.wraps]
        results, parameters = below.wire
        return Terms(
            library="sqlalchemy",
            version=sqlalchemy.__version__,
            implementation=_implementation(),
            libpq="that of the driver below",
            wire_results=results,
            wire_parameters=parameters,
            row_shape=self.row_shape,
            placeholders=":name; the driver gets its own",
            statement_cache=f"compiles a text once, keeps 500; {self._prepares(below)}",
            autocommit='on (isolation_level="AUTOCOMMIT"; transactions by another engine)',
            pool=self.pool,
            loop=self.loop,
            binds=cast("Literal['server', 'client']", below.binds),
            rewrites="puts casts at typed bind parameters",
        )

    loop = "none"

    def _prepares(self, below: Below) -> str:
        if self.further:
            return "the driver prepares nothing (prepare_threshold=None)"
        return below.statement_cache

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From the driver's exception, which SQLAlchemy's has as `orig`."""
        below = BELOW[self.wraps]
        return described(error, lambda found: described_driver(below, found))


class _Sync(_Stack):
    kind: Kind = "sync"


class _Async(_Stack):
    kind: Kind = "async"
    loop = "asyncio"

    def run_loop(self) -> Any:
        """A new event loop."""
        return asyncio.new_event_loop()


class _Orm:
    row_shape = "an object of a mapped class where the rows have an `id`, otherwise Row"
    pool = "QueuePool of the engine; each op's Session takes a connection and returns it"


class CorePsycopg(_Sync, CoreOpening):
    """SQLAlchemy Core over psycopg."""

    name = "sqlalchemy-core-psycopg"
    options = _NOPREPARE
    wraps = "psycopg"
    acts = _acts("core", "", "psycopg")
    configure = staticmethod(configure_psycopg)


class CorePsycopgAsync(_Async, AsyncCoreOpening):
    """SQLAlchemy Core's asyncio API over psycopg."""

    name = "sqlalchemy-core-psycopg-async"
    options = _NOPREPARE
    wraps = "psycopg-async"
    acts = _acts("core", "_async", "psycopg_async")
    configure = staticmethod(configure_psycopg_async)


class CorePsycopg2(_Sync, CoreOpening):
    """SQLAlchemy Core over psycopg2."""

    name = "sqlalchemy-core-psycopg2"
    wraps = "psycopg2"
    acts = _acts("core", "", "psycopg2")
    configure = staticmethod(configure_psycopg2)


class CoreAsyncpg(_Async, AsyncCoreOpening):
    """SQLAlchemy Core's asyncio API over asyncpg."""

    name = "sqlalchemy-core-asyncpg"
    wraps = "asyncpg"
    acts = _acts("core", "_async", "asyncpg")


class OrmPsycopg(_Orm, _Sync, OrmOpening):
    """SQLAlchemy's ORM over psycopg."""

    name = "sqlalchemy-orm-psycopg"
    options = _NOPREPARE
    wraps = "psycopg"
    acts = _acts("orm", "", "psycopg")


class OrmPsycopgAsync(_Orm, _Async, AsyncOrmOpening):
    """SQLAlchemy's ORM over the asyncio API of psycopg."""

    name = "sqlalchemy-orm-psycopg-async"
    options = _NOPREPARE
    wraps = "psycopg-async"
    acts = _acts("orm", "_async", "psycopg_async")


class OrmPsycopg2(_Orm, _Sync, OrmOpening):
    """SQLAlchemy's ORM over psycopg2."""

    name = "sqlalchemy-orm-psycopg2"
    wraps = "psycopg2"
    acts = _acts("orm", "", "psycopg2")


class OrmAsyncpg(_Orm, _Async, AsyncOrmOpening):
    """SQLAlchemy's ORM over the asyncio API of asyncpg."""

    name = "sqlalchemy-orm-asyncpg"
    wraps = "asyncpg"
    acts = _acts("orm", "_async", "asyncpg")
