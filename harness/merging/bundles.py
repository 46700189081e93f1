"""Bundles: runs in a file that may be published, `NAME.pgdyno.zip`.

manifest.json   who measured what with which versions, and the digest of each run
runs/*.jsonl    whole runs, scrubbed

The same runs make the same bytes. A bundle may come from anywhere: nothing in it is
believed before it was checked, and nothing is written outside of the folder that is named.
"""

from __future__ import annotations

import hashlib
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from harness.core.errors import ResultsError
from harness.core.visible import visible_line
from harness.merging.files import published
from harness.merging.manifest import FORMAT, BundledFile, BundleManifest

SUFFIX = ".pgdyno.zip"
MANIFEST = "manifest.json"

MOST_FILES = 10_000
MOST_BYTES = 2 << 30
"""Of all runs of a bundle together, unpacked."""
LARGEST_MANIFEST = 16 << 20
_LARGEST_DIRECTORY = 4 << 20
_CHUNK = 1 << 20
_NAME = re.compile(r"runs/(?P<file>[A-Za-z0-9](?:[A-Za-z0-9-]|\.(?!\.)){0,200}\.jsonl)")
_TAIL = 42
"""The end of an archive, and where it would say that it has more files than 65,535."""
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    ValueError,
    OSError,
)


class _Versioned(msgspec.Struct):
    format: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was read: its runs as files in a folder."""

    path: Path
    manifest: BundleManifest
    runs: tuple[Path, ...]


def read(path: Path, folder: Path) -> Bundle:
    """Unpack a bundle: its runs become files of a folder, all of them or none.

    Raises:
        ResultsError: it is no bundle, one of another format, or something in it is not
            as its manifest says, too large, or has a name that leads elsewhere.
    """
    runs, made = [], []
    try:
        with _opened(path) as archive:
            manifest = _checked(path, archive)
            for file in manifest.files:
                target = folder / Path(file.name).name
                made += [] if target.exists() else [target]
                with published(target) as fresh:
                    _unpack(path, archive, file, fresh)
                runs.append(target)
    except BaseException:
        for target in made:
            target.unlink(missing_ok=True)
        raise
    return Bundle(path, manifest, tuple(runs))


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """An archive whose directory is known to be small."""
    try:
        with path.open("rb") as file:
            _check_end(path, file)
            with zipfile.ZipFile(file) as archive:
                yield archive
    except _UNREADABLE as error:
        reason = getattr(error, "strerror", None) or _short(str(error))
        raise ResultsError(f"{path} is no bundle that can be read: {reason}") from error


def _check_end(path: Path, file: BinaryIO) -> None:
    """What an archive says at its end: `zipfile` would hold any directory in memory."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    end = tail[-22:]
    if len(end) < 22 or not end.startswith(b"PK\5\6") or end[20:] != b"\0\0":
        raise _refused(path, "it is no archive, or was cut")
    entries, directory = struct.unpack("<HI", end[10:16])
    if tail[:4] == b"PK\6\7" or entries > MOST_FILES + 1 or directory > _LARGEST_DIRECTORY:
        raise _refused(path, f"it has more than {MOST_FILES:,} files")


def _checked(path: Path, archive: zipfile.ZipFile) -> BundleManifest:
    """The manifest, once all that the archive says of its files is known to fit it."""
    members = {member.filename: member for member in archive.infolist()}
    if len(members) != len(archive.infolist()):
        raise _refused(path, "it has two files of the same name")
    for member in members.values():
        if wrong := _wrong(member):
            raise _refused(path, f"{_short(member.filename)} {wrong}")
    manifest = _manifest_of(path, archive, members)
    told = {file.name: file.size for file in manifest.files}
    there = {name: member.file_size for name, member in members.items() if name != MANIFEST}
    if told != there or len(told) != len(manifest.files):
        names = sorted(name for name in told | there if told.get(name) != there.get(name))
        raise _refused(path, f"its manifest does not fit its files: {_short(*names[:3])}")
    if len({name.lower() for name in told}) != len(told):
        raise _refused(path, "it has two files whose names differ only in case")
    if sum(told.values()) > MOST_BYTES:
        raise _refused(path, f"its runs are larger than {MOST_BYTES >> 30} GiB")
    return manifest


def _wrong(member: zipfile.ZipInfo) -> str:
    """Why a file of an archive is not taken; empty if it is."""
    if member.filename != MANIFEST and not _NAME.fullmatch(member.filename):
        return "is no name of a run in a bundle"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        return "is no regular file"
    if member.flag_bits & 1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed in a way that bundles are not"
    return ""


def _manifest_of(
    path: Path, archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]
) -> BundleManifest:
    if MANIFEST not in members:
        raise _refused(path, f"it has no {MANIFEST}")
    if members[MANIFEST].file_size > LARGEST_MANIFEST:
        raise _refused(path, f"its {MANIFEST} is larger than {LARGEST_MANIFEST >> 20} MiB")
    text = archive.read(MANIFEST)
    try:
        version = msgspec.json.decode(text, type=_Versioned).format
        if version != FORMAT:
            raise _refused(path, f"it has format {version}; this pgdyno reads {FORMAT}")
        return msgspec.json.decode(text, type=BundleManifest)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise _refused(path, f"{MANIFEST}: {_short(str(error))}") from error


def _unpack(path: Path, archive: zipfile.ZipFile, file: BundledFile, target: Path) -> None:
    """Write a run, as long as its manifest says and no byte longer."""
    digest, left = hashlib.sha256(), file.size
    with archive.open(file.name) as source, target.open("wb") as out:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                break
            digest.update(chunk)
            out.write(chunk)
    if left or digest.hexdigest() != file.sha256:
        raise _refused(path, f"{file.name} is not what its manifest says: it was changed")


def _refused(path: Path, why: str) -> ResultsError:
    return ResultsError(
        f"{path} is refused: {why}", hint="pgdyno collect writes bundles; get it again"
    )


def _short(*texts: str) -> str:
    """What somebody else wrote, for a line of a message."""
    return visible_line(", ".join(text[:100] for text in texts))
