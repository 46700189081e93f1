"""Django over psycopg and over psycopg2: the drivers `django-psycopg`, `django-psycopg2`.

Statements go through `connection.cursor()`, as its documentation has it for SQL that is not
made by the ORM; with the option `raw` rows are model instances, by `Model.objects.raw`.
Django takes psycopg where that is installed, and psycopg2 otherwise, once for a process:
for `django-psycopg2` psycopg is hidden while Django's backend is imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from typing import Any

import django
from django import conf, db

from harness.drivers.django.pool import DjangoPool
from harness.drivers.django.raw import RawSession
from harness.drivers.django.session import DjangoSession
from harness.plugin import (
    RANGE,
    Capability,
    DriverError,
    ErrorFields,
    Kind,
    LibraryMissingError,
    Profile,
    SyncOp,
    Target,
    Terms,
    Wrapper,
    described,
)

_BACKEND = "django.db.backends.postgresql"
_RAW = "rows as instances of a model: Model.objects.raw"
_CAPABILITIES = frozenset({Capability.JSONB, Capability.ARRAYS, Capability.PEP_249})
_RANGES = {
    kind: Wrapper(f"{_BACKEND}.psycopg_any:{name}", RANGE)
    for kind, name in {
        "int4range": "NumericRange",
        "int8range": "NumericRange",
        "numrange": "NumericRange",
        "daterange": "DateRange",
        "tsrange": "DateTimeRange",
        "tstzrange": "DateTimeTZRange",
    }.items()
}
_BINDING = "parameters are bound by the server: OPTIONS['server_side_binding']"


def _database(target: Target) -> dict[str, Any]:
    """An entry of `DATABASES`. The time zone stands where Django looks for it."""
    zones = [value for name, value in target.settings if name.lower() == "timezone"]
    return {
        "ENGINE": _BACKEND,
        "HOST": target.host,
        "PORT": target.port,
        "USER": target.user,
        "PASSWORD": target.password,
        "NAME": target.dbname,
        "TIME_ZONE": zones[-1] if zones else None,
        "OPTIONS": {
            "options": target.options,
            "application_name": target.application_name,
            **target.libpq_tls,
        },
    }


def _prepare(psycopg2: bool) -> None:
    """Configure Django, and import its backend for PostgreSQL over the library asked for.

    Raises:
        DriverError: the backend has been imported over the other one.
    """
    if not conf.settings.configured:
        conf.settings.configure(DATABASES={"default": {"ENGINE": _BACKEND}})
        django.setup()
    hidden = {"psycopg": sys.modules.get("psycopg")} if psycopg2 else {}
    try:
        sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None hides
        backend = importlib.import_module(f"{_BACKEND}.base")
    finally:
        for name, module in hidden.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    if backend.is_psycopg3 == psycopg2:
        raise DriverError(
            "Django has chosen between psycopg and psycopg2 in this process before",
            hint="django-psycopg and django-psycopg2 need a process each",
        )


def _describe(error: BaseException) -> ErrorFields:
    """From the `diag` of psycopg's or psycopg2's exception."""
    diagnostics = getattr(error, "diag", None)
    if diagnostics is None:
        return ErrorFields(message=str(error))
    return ErrorFields(
        sqlstate=diagnostics.sqlstate or "",
        message=diagnostics.message_primary or str(error),
        constraint=diagnostics.constraint_name or "",
        table=diagnostics.table_name or "",
        column=diagnostics.column_name or "",
    )


class _Django:
    """What Django does over either library."""

    name: str
    wraps: str
    kind: Kind = "sync"
    acts: tuple[str, ...]
    options: Mapping[str, str]
    registrations = ()  # its documentation shows none
    capabilities: frozenset[Capability]
    wrappers: Mapping[str, Wrapper]
    psycopg2: bool

    def __init__(self, options: frozenset[str]) -> None:
        self._raw = "raw" in options
        self._binding = "server-binding" in options
        if importlib.util.find_spec(self.wraps) is None:
            raise LibraryMissingError(
                f"driver '{self.name}' is not installed: No module named '{self.wraps}'",
                hint=f"pip install 'pgdyno[{self.name}]'",
            )

    def terms(self) -> Terms:
        """Versions and habits."""
        return Terms(
            library="Django",
            version=django.__version__,
            implementation="Python",
            libpq=f"of {self.wraps}",
            wire_results="text",
            wire_parameters="binary where psycopg has a binary dumper, otherwise text"
            if self._binding
            else "text, put into the SQL by the client",
            row_shape="model instance" if self._raw else "tuple",
            placeholders="%s",
            statement_cache="none (prepare_threshold is off by default)",
            autocommit="on (AUTOCOMMIT, default)",
            pool="none" if self.psycopg2 else "psycopg_pool, by OPTIONS['pool']",
            loop="none",
            binds="server" if self._binding else "client",
        )

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From `error.__cause__.diag`: Django raises exceptions of its own."""
        return described(error, _describe)

    def _arguments(self, target: Target, **options: Any) -> dict[str, Any]:
        arguments = _database(target)
        given = {"server_side_binding": True} if self._binding else {}
        arguments["OPTIONS"] |= given | options
        return arguments

    def opening(self, target: Target) -> SyncOp:
        """An entry of `DATABASES`, and its connection, which belongs to one thread."""
        arguments = self._arguments(target)

        def op() -> Any:
            if not conf.settings.configured:
                conf.settings.configure(DATABASES={"default": arguments})
                django.setup()
            alias = f"database_{len(db.connections.databases)}"
            db.connections.databases[alias] = {
                **db.connections.databases["default"],
                **arguments,
            }
            connection = db.connections[alias]
            connection.connect()
            return connection

        return op

    def open(self, target: Target, profile: Profile) -> DjangoSession:
        """Connect; there is nothing to configure."""
        _prepare(self.psycopg2)
        connection = self.opening(target)()
        made = RawSession if self._raw else DjangoSession
        return made(connection, self.wraps, self.wrappers)

    def connect(self, target: Target, profile: Profile) -> SyncOp:
        """`connection.connect` and `close`."""
        connection = self._defined(self._arguments(target))

        def op() -> None:
            connection.connect()
            connection.close()

        return op

    def connect_query(self, target: Target, profile: Profile, sql: str) -> SyncOp:
        """The first statement connects; `close` after it, as at the end of a request."""
        connection = self._defined(self._arguments(target))

        def op() -> Any:
            try:
                with connection.cursor() as cursor:
                    cursor.execute(sql)
                    return cursor.fetchone()[0]
            finally:
                connection.close()

        return op

    def _defined(self, arguments: Mapping[str, Any]) -> Any:
        """The connection of a new entry of `DATABASES`; it is not open yet."""
        _prepare(self.psycopg2)
        alias = f"database_{len(db.connections.databases)}"
        db.connections.databases[alias] = {
            **db.connections.databases["default"],
            **arguments,
        }
        return db.connections[alias]


class DjangoPsycopg(_Django):
    """Django over psycopg."""

    name = "django-psycopg"
    wraps = "psycopg"
    acts = ("harness.drivers.django.acts", "harness.drivers.django.acts_psycopg")
    options: Mapping[str, str] = {"raw": _RAW, "server-binding": _BINDING}
    capabilities = _CAPABILITIES | {Capability.POOL, Capability.POOL_WAITS}
    wrappers: Mapping[str, Wrapper] = {
        "json": Wrapper("psycopg.types.json:Json"),
        "jsonb": Wrapper("psycopg.types.json:Jsonb"),
        **_RANGES,
    }
    psycopg2 = False

    def open_pool(self, target: Target, profile: Profile, size: int) -> DjangoPool:
        """`OPTIONS["pool"]`; it is open when all connections are."""
        sizes = {"min_size": size, "max_size": size}
        connection = self._defined(self._arguments(target, pool=sizes))
        connection.pool.open(wait=True)
        return DjangoPool(connection.alias, self.wraps, self.wrappers)


class DjangoPsycopg2(_Django):
    """Django over psycopg2."""

    name = "django-psycopg2"
    wraps = "psycopg2"
    acts = ("harness.drivers.django.acts", "harness.drivers.django.acts_psycopg2")
    options: Mapping[str, str] = {"raw": _RAW}
    capabilities = _CAPABILITIES
    wrappers: Mapping[str, Wrapper] = {
        "json": Wrapper("psycopg2.extras:Json"),
        "jsonb": Wrapper("psycopg2.extras:Json"),
        **_RANGES,
    }
    psycopg2 = True

    def opening(self, target: Target) -> SyncOp:
        """The same, with psycopg hidden: Django would prefer it."""
        arguments = self._arguments(target)

        def op() -> Any:
            if not conf.settings.configured:
                sys.modules.setdefault("psycopg", None)  # type: ignore[arg-type]
                conf.settings.configure(DATABASES={"default": arguments})
                django.setup()
            alias = f"database_{len(db.connections.databases)}"
            db.connections.databases[alias] = {
                **db.connections.databases["default"],
                **arguments,
            }
            connection = db.connections[alias]
            connection.connect()
            return connection

        return op
