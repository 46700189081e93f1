"""What a bundle says of itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from harness.results.records import CellFacts, Header, Machine

FORMAT = 1


class BundledFile(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a bundle: its name there, how long it is, its digest."""

    name: str
    size: int
    sha256: str


class BundledMachine(msgspec.Struct, frozen=True, kw_only=True):
    """A machine; `key` tells it from others, and what it is called nobody can tell."""

    key: str
    system: str
    cpu: str
    cores: int
    memory_bytes: int


class BundleManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a bundle. `catalogue` is equal where the same cells ask the same work."""

    format: int
    pgdyno: list[str]
    catalogue: str
    drivers: dict[str, list[str]]
    servers: list[str]
    pythons: list[str]
    machines: list[BundledMachine]
    files: list[BundledFile]


def manifest_of(headers: Sequence[Header], files: Sequence[BundledFile]) -> BundleManifest:
    """What is in these files, by the headers of their runs."""
    arms = [arm for header in headers for arm in header.arms if arm.competes]
    versions: dict[str, set[str]] = {arm.id: set() for arm in arms}
    for arm in arms:
        versions[arm.id].add(arm.terms.get("version", ""))
    machines = {header.machine.key: header.machine for header in headers}
    return BundleManifest(
        format=FORMAT,
        pgdyno=sorted({header.pgdyno for header in headers}),
        catalogue=digest_of(cell for header in headers for cell in header.cells),
        drivers={name: sorted(versions[name] - {""}) for name in sorted(versions)},
        servers=sorted({header.server.version for header in headers}),
        pythons=sorted({arm.python or header.machine.python for header in headers
                        for arm in header.arms if arm.competes}),
        machines=[_machine(machines[key]) for key in sorted(machines)],
        files=sorted(files, key=lambda file: file.name),
    )  # fmt: skip


def _machine(machine: Machine) -> BundledMachine:
    return BundledMachine(
        key=machine.key,
        system=machine.system,
        cpu=machine.cpu,
        cores=machine.cores,
        memory_bytes=machine.memory_bytes,
    )


def digest_of(cells: Iterable[CellFacts]) -> str:
    """A digest of what cells ask; a cell may be told more than once."""
    asked = sorted({(cell.id, cell.digest) for cell in cells})
    told = "\n".join(f"{name} {digest}" for name, digest in asked)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]
