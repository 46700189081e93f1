"""The plug-in contract: what a driver is, and how one is found and verified.

A driver is a class, named by an entry point of the group `pgdyno.drivers`. No base
class, no registry. It opens sessions; a session has one method per op it supports,
found by name (`harness.core.calls.Op`). Each method *binds*: it does all preparation
(placeholders, parameter objects, attribute look-ups) and returns an op: a callable
without arguments that does one whole unit of work as the library's user would see it,
rows fetched and decoded, and returns the library's native result. The op of an async
driver returns an awaitable.

A *wrapper* or a *stack* is a driver on top of another one: an adapter, a toolkit, an ORM.
It names that driver in `wraps`, so that the terms of both are recorded.

Drivers of the group `pgdyno.drivers` are asked by every verb; those of the group
`pgdyno.further` only when they are named.

A *reference* is a plug-in of the group `pgdyno.references`: something that is no driver and
takes part in a bench run to show what a time is made of. It has the same shape, and a
sentence `reference` that says what it is a reference for. Because it stands in a group of
its own, nothing that is about drivers ever meets it. One called `null-LAYER`, where LAYER
is a wrapper or a stack, is that layer over answers from memory: it shows what the layer
itself costs, and takes part in `bench --decompose` only. It names the layer in `isolates`.

What the library cannot do is said while binding, with `errors.Unsupported`.
docs/writing-a-driver.md builds a plug-in step by step.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, get_args

from harness.core import arms, installed
from harness.core.arms import Arm, Kind, Profile
from harness.core.calls import Call, ErrorFields, Op, Target, Terms
from harness.core.capabilities import Capability
from harness.core.errors import DriverError, LibraryMissingError

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

GROUP = "pgdyno.drivers"
FURTHER = "pgdyno.further"
REFERENCES = "pgdyno.references"
ISOLATED = "null-"
"""What the name of a reference that shows a layer's own cost begins with; the layer's
follows."""

SyncOp = Callable[[], Any]
AsyncOp = Callable[[], Awaitable[Any]]
ProgramOp = Callable[[int, int], int]
"""Of a program that times itself: untimed ops, then timed ops; returns nanoseconds."""


class Session(Protocol):
    """An open connection of a library. Sync or async: `close` is a coroutine if async.

    `connection` is the library's own; a reproduction calls it so, too. Besides these:
    one method per supported op, `def <op>(self, call: Call) -> Op`;
    `wrapper(kind, value)` where the library has wrapper types (`kind` is `json`,
    `jsonb` or `vector`); `unregistered`, types or capabilities that the profile should have
    registered and could not → why. A reference that gets answers has `texts()`: of every
    call of the cycle the rows as the server's texts, to be compared with the oracle's.
    """

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """The rows of one native result as tuples; untimed, for verification."""

    def close(self) -> Any:
        """End the session."""


class Pool(Protocol):
    """Connections of a library's own pool, with the methods of a session.

    Each op checks a connection out and gives it back; `checkout` does nothing else.
    A wrapper that has a session service of google-adk has `adk(call)`, which binds a call
    of it, and `adk_answers(native, name)`, the rows that such a call brought.
    """

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """The rows of one native result as tuples; untimed, for verification."""

    def checkout(self, call: Call) -> Any:
        """Bind the op that takes a connection and gives it back."""

    def close(self) -> Any:
        """End the pool."""


class Driver(Protocol):
    """A library with the options its user would spell out.

    Class attributes: `name`, `kind`, `options` (option → what it does),
    `capabilities`. `open` and `open_pool` are coroutines where `kind` is `async`.
    A pool has the methods of a session, each op of which checks a connection out and
    gives it back, plus the op `checkout`. Optional: `open_pool(target, profile, size)`
    opens a pool of exactly so many connections, all of them connected; `acts` names the
    module that plays the steps of cases (`harness.plugin.acts`), or several modules, of
    which a later one replaces what an earlier one has;
    `wraps` names the driver that this one stands on;
    `registrations` says in a sentence each what the profile `configured` registers;
    `connect(target, profile)` and
    `connect_query(target, profile, sql)` bind the ops of the same names;
    `run_loop()` of an async driver makes its event loop; `reference` makes it a reference
    and says what it stands for, and `how` it does so.

    Reproductions print `opening(target)`, which binds the op that opens the library's
    connection, as `open` does before anything else; `configure`, the function of a
    connection that does the registrations of the profile `configured`; `wrappers`, the
    library's wrapper types by kind; `written(value, imports)`, the source of a statement
    that the library makes while binding; and `environment`, variables that must be set
    before the library is imported.
    """

    name: str
    kind: Kind
    options: Mapping[str, str]
    capabilities: frozenset[Capability]

    def __init__(self, options: frozenset[str]) -> None: ...

    def terms(self) -> Terms:
        """Versions and habits, stored with the results."""

    def describe_error(self, error: BaseException) -> ErrorFields:
        """What the library's exception tells about a server error."""

    def open(self, target: Target, profile: Profile) -> Any:
        """Open a session in autocommit."""


def entry_points() -> dict[str, EntryPoint]:
    """Every installed driver plug-in by name, without importing any."""
    return {**_points(FURTHER), **_points(GROUP)}


def usual() -> list[str]:
    """The drivers that a verb asks if nobody is named."""
    return sorted(_points(GROUP))


def _points(group: str) -> dict[str, EntryPoint]:
    return installed.entry_points(group)


def locate(name: str) -> str:
    """Where the plug-in of a driver or a reference is, `module:Class`; empty if nowhere."""
    return _located(name, tuple(sys.path)) or _told.get(name, "")


def places() -> dict[str, str]:
    """Where the plug-in of every installed driver is: for a worker, which may not find the
    one that its driver stands on by itself."""
    return {name: point.value for name, point in sorted(entry_points().items())}


_told: dict[str, str] = {}


def learn(places: Mapping[str, str]) -> None:
    """Take over the `places` of another process, for what is not installed in this one."""
    _told.update(places)


def distribution(name: str) -> Distribution:
    """The distribution that brings a driver's plug-in; raises `DriverError` without one."""
    point = entry_points().get(name)
    if point is None or point.dist is None:
        raise DriverError(f"driver '{name}' belongs to no installed distribution")
    return point.dist


@lru_cache(maxsize=256)
def _located(name: str, _path: tuple[str, ...]) -> str:
    point = {**_points(REFERENCES), **entry_points()}.get(name)
    return point.value if point else ""


def layer_of(reference: str) -> str:
    """The layer whose own cost a reference shows, by its name: `null-sqlspec-asyncpg` is
    `sqlspec-asyncpg` over answers from memory. Empty for any other reference."""
    name = reference.removeprefix(ISOLATED)
    return name if name != reference and name in entry_points() else ""


def isolating(layers: Iterable[str], profile: Profile = "configured") -> list[Arm]:
    """An arm for every installed reference that shows the own cost of one of these layers;
    none of them is imported."""
    known = _points(REFERENCES)
    return [
        Arm(
            ISOLATED + layer,
            (),
            profile,
            reference=f"{layer} alone",
            isolates=layer,
        )
        for layer in layers
        if ISOLATED + layer in known
    ]


def references(profile: Profile = "configured") -> list[Arm]:
    """An arm for every installed reference, but for those that show a layer's own cost.

    Raises:
        DriverError: a plug-in cannot be imported, or does not keep the contract.
    """
    arms = []
    for name, point in sorted(_points(REFERENCES).items()):
        if layer_of(name):
            continue
        plugin = _plugin(name, point.value)
        if not plugin.reference:
            raise DriverError(
                f"the plug-in {point.value} does not say what it is a reference for",
                hint="set `reference` and `how`: see docs/writing-a-driver.md",
            )
        arms.append(Arm(name, (), profile, reference=plugin.reference))
    return arms


def companion(name: str, file: str) -> Path | None:
    """A file that a driver brings along, such as `fixes.toml`; None if there is none.

    It stands inside the plug-in's package. A plug-in that is one module, `mine.py`, has
    `mine.fixes.toml` beside it. Nothing is imported: a plug-in may do anything then.
    """
    spec = _found(locate(name).partition(":")[0])
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    package = spec.submodule_search_locations is not None
    found = origin.with_name(file) if package else origin.with_suffix(f".{file}")
    return found if found.is_file() else None


def _found(module: str) -> ModuleSpec | None:
    """Where a module is; unlike `find_spec`, without importing what it lies in."""
    top, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # an entry point may say anything
        return None
    path = top
    for name in inner:
        path = f"{path}.{name}"
        places = spec.submodule_search_locations if spec else None
        spec = PathFinder.find_spec(path, places) if places else None
    return spec


def parse_arm(spec: str, profile: Profile = "configured") -> Arm:
    """`asyncpg+uvloop==0.31.0%3.13` → an arm (`harness.core.arms` has the form); raises
    `DriverError` for another form, for a driver that is not there, and for one that several
    distributions bring."""
    arm = arms.parse(spec, profile)
    known = entry_points()
    if arm.driver in _points(REFERENCES):
        raise DriverError(
            f"'{arm.driver}' is a reference, not a driver",
            hint="pgdyno bench adds it by itself in cells with `floor`",
        )
    if arm.driver not in known:
        raise DriverError(
            f"there is no driver '{arm.driver}'",
            hint=f"known drivers: {', '.join(sorted(known))}",
        )
    _refuse_rivals(arm.driver)
    return arm


def _refuse_rivals(name: str) -> None:
    """A name says which plug-in was measured: no two distributions may bring it."""
    groups = (GROUP, FURTHER)
    points = [point for group in groups for point in installed.announced(group, name)]
    if len({point.value for point in points}) > 1:
        brought = ", ".join(f"{point.value} of {_owner(point)}" for point in points)
        raise DriverError(
            f"several plug-ins are called '{name}': {brought}",
            hint="uninstall all but one, or give yours another name in its entry points",
        )


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown distribution"


def load(arm: Arm, place: str = "") -> Driver:
    """Import, verify and construct the driver of an arm, from where `locate` found it.

    Raises:
        DriverError: the plug-in or its library cannot be imported, or the plug-in
            does not keep the contract. One error, whatever went wrong inside.
    """
    place = place or locate(arm.driver)
    if not place:
        raise DriverError(f"there is no driver '{arm.driver}'", hint="pgdyno list drivers")
    plugin = _plugin(arm.driver, place)
    check_options(plugin, arm)
    try:
        driver: Driver = plugin(frozenset(arm.options))
        terms = driver.terms()
    except DriverError:
        raise
    except Exception as error:
        raise DriverError(
            f"driver '{arm.name}' cannot be used: {type(error).__name__}: {error}",
            hint=f"the plug-in is {place}",
        ) from error
    if not isinstance(terms, Terms) or not terms.version:
        raise DriverError(
            f"driver '{arm.name}' does not report its version",
            hint=f"{place}.terms() must return Terms with a version",
        )
    return driver


def terms_of(driver: Driver) -> dict[str, str]:
    """Under which terms a driver works: its own, and of a wrapper also those of the driver
    that it stands on, as `wrapped_version` and so on.

    Raises:
        DriverError: what it wraps cannot be loaded.
    """
    terms = driver.terms()
    told: dict[str, str] = {name: getattr(terms, name) for name in terms.__slots__}
    if not told["rewrites"]:
        del told["rewrites"]
    wraps = getattr(driver, "wraps", "")
    if wraps:
        under = terms_of(_below(driver.name, wraps))
        told["wraps"] = wraps
        told |= {f"wrapped_{name}": text for name, text in under.items()}
    return told


def _below(layer: str, wraps: str) -> Driver:
    try:
        return load(Arm(wraps))
    except LibraryMissingError as error:
        raise LibraryMissingError(
            f"driver '{layer}' cannot be used: {error}",
            hint=f"pip install 'pgdyno[{layer}]' or the plug-in's own library",
        ) from error


def stands_on(terms: Mapping[str, str]) -> tuple[str, ...]:
    """The drivers below one, the next first, by its terms as `terms_of` tells them."""
    names: list[str] = []
    term = "wraps"
    while name := terms.get(term, ""):
        names.append(name)
        term = f"wrapped_{term}"
    return tuple(names)


def _plugin(name: str, place: str) -> Any:
    """The class of a plug-in, held to the contract."""
    module, _, attribute = place.partition(":")
    try:
        plugin = attrgetter(attribute)(importlib.import_module(module))
    except ModuleNotFoundError as error:
        raise LibraryMissingError(
            f"driver '{name}' is not installed: {error}",
            hint=f"pip install 'pgdyno[{name}]' or the plug-in's own library",
        ) from error
    except BaseException as error:  # a plug-in may do anything at import
        raise DriverError(
            f"driver '{name}' cannot be imported: {type(error).__name__}: {error}",
            hint=f"the plug-in is {place}",
        ) from error
    verify_plugin(plugin, place)
    return plugin


def verify_options(arm: Arm) -> None:
    """Refuse options that a driver does not declare, before anything is started.

    What else may be wrong with a plug-in or its library, its worker will say.
    """
    if not arm.options:
        return
    try:
        with contextlib.redirect_stdout(sys.stderr):  # ours may be for a program
            plugin = entry_points()[arm.driver].load()
    except KeyboardInterrupt:
        raise
    except BaseException:  # a plug-in may do anything at import
        return
    if isinstance(getattr(plugin, "options", None), Mapping):
        check_options(plugin, arm)


def check_options(plugin: type[Driver], arm: Arm) -> None:
    """Every option that is asked for must be one that the driver declares."""
    for option in arm.options:
        if option not in plugin.options:
            known = ", ".join(sorted(plugin.options)) or "none"
            raise DriverError(
                f"driver '{arm.driver}' has no option '{option}'", hint=f"it has: {known}"
            )


def verify_plugin(plugin: Any, where: str) -> None:
    """Hold a plug-in to the contract; every breach in one message."""
    faults = list(_faults(plugin)) if inspect.isclass(plugin) else ["it is not a class"]
    if faults:
        raise DriverError(
            f"the plug-in {where} is not a driver: {'; '.join(faults)}",
            hint="see docs/writing-a-driver.md",
        )


def _faults(plugin: Any) -> Iterable[str]:
    if not isinstance(getattr(plugin, "name", None), str):
        yield "`name` must be a string"
    if getattr(plugin, "kind", None) not in get_args(Kind):
        yield "`kind` must be 'sync', 'async' or 'program'"
    elif plugin.kind == "program" and not getattr(plugin, "reference", ""):
        yield "only a reference may be of the kind 'program'"
    if not isinstance(getattr(plugin, "options", None), Mapping):
        yield "`options` must map each option to what it does"
    if not isinstance(getattr(plugin, "wraps", ""), str):
        yield "`wraps` must be the name of the driver that it stands on"
    capabilities = getattr(plugin, "capabilities", None)
    if not isinstance(capabilities, frozenset):
        yield "`capabilities` must be a frozenset"
    else:
        known = {str(capability) for capability in Capability}
        unknown = sorted(
            str(capability) for capability in capabilities if str(capability) not in known
        )
        if unknown:
            yield f"unknown capability {', '.join(unknown)}"
    wanted = {"terms": 0, "describe_error": 1, "open": 2, "open_pool": 3, "connect": 2,
              "connect_query": 3}  # fmt: skip
    required = {"terms", "describe_error", "open"}
    for method, arity in wanted.items():
        function = getattr(plugin, method, None)
        if function is None:
            if method in required:
                yield f"`{method}` is missing"
        elif not _accepts(function, arity):
            yield f"`{method}` must take {arity} argument(s) besides self"
    asynchronous = getattr(plugin, "kind", None) == "async"
    for method in ("open", "open_pool"):
        function = getattr(plugin, method, None)
        if function is not None and inspect.iscoroutinefunction(function) != asynchronous:
            yield f"`{method}` must {'' if asynchronous else 'not '}be a coroutine function"


def _accepts(function: Any, arity: int) -> bool:
    try:
        inspect.signature(function).bind(None, *range(arity))
    except (TypeError, ValueError):
        return False
    return True


def claims(session: Any, op: Op) -> bool:
    """Whether a session claims an op: by having the method of its name."""
    return callable(getattr(session, op.value, None))
