"""psycopg 3: the drivers `psycopg` (sync) and `psycopg-async`.

The library is imported when a driver is constructed and not before, because the option
`python` must set PSYCOPG_IMPL first. `asynchronous.py` and `acts_async` are written by
hand, `sync.py` and `acts` by tools/psycopg_sync.py; what both share is pure and happens
while binding.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
from collections.abc import Mapping

from harness.drivers.psycopg.asynchronous import AsyncOpening
from harness.drivers.psycopg.shared import WRAPPERS
from harness.drivers.psycopg.sync import Opening
from harness.plugin import Capability, DriverError, ErrorFields, Kind, Terms

_BINARY = "ask for results in binary format (cursor binary=True)"
_NOPREPARE = "prepare no statements (prepare_threshold=None), as behind PgBouncer"
_PYTHON = "the pure-Python implementation (PSYCOPG_IMPL=python); needs a libpq"
_UVLOOP = "run on uvloop instead of asyncio's loop"


def _environment(options: frozenset[str]) -> dict[str, str]:
    """What must be in the environment before the library is imported."""
    return {"PSYCOPG_IMPL": "python"} if "python" in options else {}


def _import_library(environment: Mapping[str, str]) -> None:
    """Import psycopg in the implementation that is asked for.

    Raises:
        DriverError: it cannot be had, or another one has been imported before.
    """
    os.environ.update(environment)
    try:
        import psycopg
    except ImportError as error:
        raise DriverError(
            f"psycopg cannot be imported: {error}",
            hint="the option 'python' needs a libpq of the system (Debian: libpq5)"
            if environment
            else "pip install 'pgdyno[psycopg]'",
        ) from error
    if environment and psycopg.pq.__impl__ != "python":
        raise DriverError(
            f"psycopg's '{psycopg.pq.__impl__}' implementation is loaded already",
            hint="the option 'python' needs a process of its own",
        )


def _error_fields(error: BaseException) -> ErrorFields:
    import psycopg

    if not isinstance(error, psycopg.Error):
        return ErrorFields(message=str(error))
    diagnostics = error.diag
    return ErrorFields(
        sqlstate=error.sqlstate or "",
        message=diagnostics.message_primary or str(error),
        constraint=diagnostics.constraint_name or "",
        table=diagnostics.table_name or "",
        column=diagnostics.column_name or "",
    )


def _version_text(number: int) -> str:
    """libpq's version: 180001 is 18.1. psycopg says it so itself since 3.2."""
    major, minor = divmod(number, 10_000)
    return f"{major}.{minor}" if major >= 10 else f"{major}.{minor // 100}.{minor % 100}"


def _terms(binary: bool, prepare: bool, loop: str) -> Terms:
    import psycopg

    return Terms(
        library="psycopg",
        version=psycopg.__version__,
        implementation=psycopg.pq.__impl__,
        libpq=_version_text(psycopg.pq.version()),
        wire_results="binary" if binary else "text",
        wire_parameters="binary where the type has a binary dumper, otherwise text",
        row_shape="tuple",
        placeholders="%s; %(name)s where a parameter is used twice",
        statement_cache="prepares at the 5th execution, keeps 100 (default)"
        if prepare
        else "off (prepare_threshold=None)",
        autocommit="on (set at connect)",
        pool="psycopg_pool",
        loop=loop,
    )


class Psycopg(Opening):
    """psycopg's sync API."""

    name = "psycopg"
    acts: tuple[str, ...] = ("harness.drivers.psycopg.acts",)
    kind: Kind = "sync"
    options: Mapping[str, str] = {
        "binary": _BINARY,
        "noprepare": _NOPREPARE,
        "python": _PYTHON,
    }
    registrations = (
        "a `dict` is sent as jsonb: `register_dumper(dict, JsonbDumper)`",
        "pgvector’s `register_vector`, where the server has the type",
    )
    capabilities = frozenset(Capability)
    wrappers = WRAPPERS

    def __init__(self, options: frozenset[str]) -> None:
        self.environment = _environment(options)
        _import_library(self.environment)
        self._binary = "binary" in options
        self._prepare = "noprepare" not in options
        if not self._prepare:
            self.acts = (*self.acts, "harness.drivers.psycopg.acts_pooler")
            self.capabilities = self.capabilities - {Capability.PREPARED}

    def terms(self) -> Terms:
        """Versions and habits."""
        return _terms(self._binary, self._prepare, loop="none")

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From `error.diag`."""
        return _error_fields(error)


class PsycopgAsync(AsyncOpening):
    """psycopg's async API."""

    name = "psycopg-async"
    acts: tuple[str, ...] = ("harness.drivers.psycopg.acts_async",)
    kind: Kind = "async"
    options: Mapping[str, str] = {
        "binary": _BINARY,
        "noprepare": _NOPREPARE,
        "python": _PYTHON,
        "uvloop": _UVLOOP,
    }
    registrations = (
        "a `dict` is sent as jsonb: `register_dumper(dict, JsonbDumper)`",
        "pgvector’s `register_vector_async`, where the server has the type",
    )
    capabilities = frozenset(Capability)
    wrappers = WRAPPERS

    def __init__(self, options: frozenset[str]) -> None:
        self.environment = _environment(options)
        _import_library(self.environment)
        self._binary = "binary" in options
        self._prepare = "noprepare" not in options
        if not self._prepare:
            self.acts = (*self.acts, "harness.drivers.psycopg.acts_pooler_async")
            self.capabilities = self.capabilities - {Capability.PREPARED}
        self._loop = asyncio.new_event_loop
        self._loop_name = "asyncio"
        if "uvloop" in options:
            import uvloop

            self._loop = uvloop.new_event_loop
            self._loop_name = f"uvloop {importlib.metadata.version('uvloop')}"

    def run_loop(self) -> asyncio.AbstractEventLoop:
        """A new event loop."""
        return self._loop()

    def terms(self) -> Terms:
        """Versions and habits."""
        return _terms(self._binary, self._prepare, loop=self._loop_name)

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From `error.diag`."""
        return _error_fields(error)
