"""How an arm gets its environment: looked up, or made beside its place and renamed."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.arms import Arm
from harness.core.errors import DriverError
from harness.environments import (
    cache,
    installers,
    interpreters,
    requirements,
    scratch,
    sources,
)
from harness.environments.cache import Manifest
from harness.environments.environment import Environment
from harness.environments.installers import NotInstalled
from harness.environments.interpreters import Interpreter
from harness.environments.requirements import Attempt, Needs
from harness.environments.rooms import rooms_for
from harness.environments.sources import LibrarySource

_SOURCE = "source"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EnvironmentRequest:
    """What an arm asks for, before anything is resolved."""

    arm: Arm
    interpreter: Interpreter
    needs: Needs
    source: LibrarySource | None

    @property
    def digest(self) -> str:
        """Equal for requests that ask for the same."""
        return _digest(
            _identity(self.interpreter),
            [attempt.requirements for attempt in self.attempts],
            self.source.key if self.source else "",
        )

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """What to try to install, in this order."""
        return tuple(self.needs.attempts(source=self.source is not None))

    @property
    def settled(self) -> bool:
        """Whether it asks for a copy of the library that does not change with time."""
        return bool(self.arm.pin.version or self.source)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The exact requirements of a request, and what it has to do without."""

    exact: tuple[str, ...]
    lacking: tuple[str, ...]


def environment_of(arm: Arm, tell: Tell) -> Environment:
    """The environment of an arm, from the cache or made now; that is told.

    Raises:
        DriverError: there is no such interpreter, folder or commit, or the installer
            cannot make it.
    """
    interpreter = interpreters.find(arm.pin.python)
    source = sources.source_of(arm.pin)
    folder = f"./{_SOURCE}" if source else ""
    needs = requirements.needs_of(arm, interpreter, folder)
    request = EnvironmentRequest(arm, interpreter, needs, source)
    return _environment(request, rooms_for(arm.driver), tell)


def environment_of_project(
    project: Arm, extras: Sequence[str], more: Sequence[str], tell: Tell
) -> Environment:
    """The environment of a project that is no driver: `project` is called as its
    distribution, and its pin names the folder or the commit. It is built with `extras`,
    and `more` is installed beside it.

    Raises:
        DriverError: there is no such folder or commit, or it cannot be made.
    """
    interpreter = interpreters.find(project.pin.python)
    listed = f"[{','.join(extras)}]" if extras else ""
    needs = Needs(f"./{_SOURCE}{listed}", "", tuple(more), ())
    request = EnvironmentRequest(
        project, interpreter, needs, sources.source_of(project.pin)
    )
    return _environment(request, rooms_for(), tell)


def _environment(request: EnvironmentRequest, rooms: Path, tell: Tell) -> Environment:
    with cache.usable_root() as root:
        place, manifest = (request.settled and _known(request)) or _made(
            request, root, tell
        )
    return Environment(
        str(cache.python_of(place)),
        rooms,
        manifest.packages,
        manifest.source,
        manifest.lacking,
    )


def _known(request: EnvironmentRequest) -> tuple[Path, Manifest] | None:
    """The environment that was made for the same request; nobody is asked then."""
    for place, manifest in cache.manifests():
        if manifest.request == request.digest and (held := cache.hold(place)):
            return place, held
    return None


def _made(request: EnvironmentRequest, root: Path, tell: Tell) -> tuple[Path, Manifest]:
    """The environment of what the request resolves to, made if there is none."""
    with scratch.folder() as folder:
        if request.source:
            _copy(request.source, folder)
        resolved = _resolve(request, folder, root)
        place = root / _name(request, resolved)
        while (found := cache.hold(place)) is None:
            with cache.exclusively(place):
                if cache.read(place) is None:
                    _refuse_to_fail_again(request, place)
                    tell(f"making an environment for {_title(request)}")
                    _make(request, resolved, place, folder)
    return place, found


def _copy(source: LibrarySource, folder: Path) -> None:
    """Copy a source so that what is to be built lies at `source`."""
    built = source.copied_to(folder / "copy")
    (folder / _SOURCE).symlink_to(built)


def _resolve(request: EnvironmentRequest, folder: Path, root: Path) -> Resolved:
    """The first attempt that can be installed; the last one says what is the matter."""
    resolve, said = installers.installer().resolve, ""
    for attempt in request.attempts:
        try:
            exact = resolve(attempt.requirements, request.interpreter, folder)
        except NotInstalled as error:
            said = str(error)
        else:
            return Resolved(exact, attempt.lacking)
    raise _failure(request, said, root / _name(request, None))


def _refuse_to_fail_again(request: EnvironmentRequest, place: Path) -> None:
    """Raise `DriverError` where the build of the same requirements failed just now: the
    jobs of a plan ask one after another, and each would compile until it fails."""
    said = cache.said_lately(place)
    if installers.is_failed_build(said):
        raise DriverError(
            f"{_title(request)} cannot be installed: {installers.gist(said)}",
            hint=f"all that was said: {cache.log_of(place)}; remove it to try at once",
        )


def _make(
    request: EnvironmentRequest, resolved: Resolved, place: Path, folder: Path
) -> None:
    """Make it beside its place and move it there when it is complete."""
    partial = cache.partial(place)
    for ruin in (partial, place):  # of a killed run; or its interpreter is gone
        shutil.rmtree(ruin, ignore_errors=True)
    try:
        installers.installer().make(partial, resolved.exact, request.interpreter, folder)
        packages = installers.packages_of(cache.python_of(partial))
        _require_library(request, packages)
        cache.write(partial, _manifest(request, resolved, packages))
        partial.rename(place)
    except NotInstalled as error:
        raise _failure(request, str(error), place) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _require_library(request: EnvironmentRequest, packages: Mapping[str, str]) -> None:
    """Refuse a folder that builds something else than the driver's library."""
    from packaging.utils import canonicalize_name

    if not request.needs.name:
        return
    name = canonicalize_name(request.needs.name)
    there = {canonicalize_name(package) for package in packages}
    if not there & {name, name.removesuffix("-binary")}:
        raise DriverError(
            f"{request.arm.pin.path} does not build {request.needs.name}, the library of "
            f"'{request.arm.driver}'; it brings {', '.join(packages)}"
        )


def _manifest(
    request: EnvironmentRequest, resolved: Resolved, packages: dict[str, str]
) -> Manifest:
    return Manifest(
        arm=request.arm.name,
        interpreter=request.interpreter.title,
        request=request.digest,
        base=request.interpreter.base,
        packages=packages,
        source=request.source.key if request.source else "",
        lacking=resolved.lacking,
        made=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _failure(request: EnvironmentRequest, said: str, place: Path) -> DriverError:
    log = cache.log_of(place)
    log.write_text(said, "utf-8")
    return DriverError(
        f"{_title(request)} cannot be installed: {installers.gist(said)}",
        hint=f"all that was said: {log}",
    )


def _title(request: EnvironmentRequest) -> str:
    return f"{request.arm.name} ({request.interpreter.title})"


def _name(request: EnvironmentRequest, resolved: Resolved | None) -> str:
    """The name of an environment's folder, by interpreter and exact requirements."""
    exact = sorted(resolved.exact) if resolved else [request.digest]
    source = request.source.key if request.source else ""
    key = _digest(_identity(request.interpreter), exact, source)
    return f"{request.arm.driver}-{key}"


def _identity(interpreter: Interpreter) -> list[str]:
    return [interpreter.title, interpreter.abi, interpreter.base]


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
