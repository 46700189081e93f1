"""Runs on their way into a bundle: scrubbed; the same runs make the same bytes."""

from __future__ import annotations

import hashlib
import itertools
import stat
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.core.errors import ResultsError
from harness.merging import heading
from harness.merging.bundles import MANIFEST, MOST_BYTES, MOST_FILES
from harness.merging.files import published
from harness.merging.joining import Whole
from harness.merging.manifest import BundledFile, BundleManifest, manifest_of
from harness.merging.private import disguised, secrets_here
from harness.merging.scrubbing import Scrubber
from harness.results import soundness
from harness.results.lines import encoded
from harness.results.records import Header, changed

_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Collected:
    """A bundle that was written; `scrubbed` says what was taken out of how many texts."""

    manifest: BundleManifest
    scrubbed: dict[str, int]


def write(runs: Iterable[Whole], path: Path) -> Collected:
    """Write a bundle of runs, without what is not for the public.

    Raises:
        ResultsError: there is no run, it cannot be written, or nobody would read it.
    """
    with published(path) as fresh, zipfile.ZipFile(fresh, "w") as archive:
        packing = _Packing(archive)
        for run in runs:
            packing.add(run)
        if not packing.files:
            raise ResultsError("there is no run to collect")
        manifest = manifest_of(packing.headers, packing.files)
        with archive.open(_member(MANIFEST), "w") as file:
            file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    return Collected(manifest, dict(sorted(packing.scrubber.gone.items())))


class _Packing:
    """An archive that runs are put into."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.scrubber = Scrubber(secrets_here())
        self.headers: list[Header] = []
        self.files: list[BundledFile] = []
        self._names: Counter[str] = Counter()

    def add(self, run: Whole) -> None:
        """Put a run into it, line by line."""
        lines = self._lines(run)
        first = next(lines)
        header = msgspec.json.decode(first, type=Header)
        name, size, digest = self._name(header), 0, hashlib.sha256()
        with self.archive.open(_member(name), "w") as file:
            for line in itertools.chain([first], lines):
                file.write(line)
                digest.update(line)
                size += len(line)
        self.headers.append(header)
        self.files.append(BundledFile(name=name, size=size, sha256=digest.hexdigest()))
        if (
            sum(file.size for file in self.files) > MOST_BYTES
            or len(self.files) > MOST_FILES
        ):
            raise ResultsError(
                f"these runs are too large for a bundle: more than {MOST_BYTES >> 30} GiB, "
                f"or than {MOST_FILES:,} runs",
                hint="collect them in several",
            )

    def _lines(self, run: Whole) -> Iterator[bytes]:
        """Its lines, scrubbed; the header says of its machine what all may know."""
        blocks = run.lines()
        header: Header = msgspec.json.decode(self.scrubber.line(next(blocks)), type=Header)
        job = header.job and changed(header.job, moved_from="")
        header = changed(header, machine=disguised(header.machine), job=job)
        if wrong := soundness.problem(header):
            raise ResultsError(
                f"without what is private, run {header.run} is none: {wrong}"
            )
        yield encoded([header])
        for block in blocks:
            for line in block.splitlines():
                yield self.scrubber.line(line) + b"\n"

    def _name(self, header: Header) -> str:
        stem = heading.file_name(header).removesuffix(".jsonl")
        self._names[stem] += 1
        again = f"-{self._names[stem]}" if self._names[stem] > 1 else ""
        return f"runs/{stem}{again}.jsonl"


def _member(name: str) -> zipfile.ZipInfo:
    """A file of an archive that says nothing of when and where it was made."""
    member = zipfile.ZipInfo(name, _EPOCH)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system = 3  # Unix, wherever this runs
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    return member
