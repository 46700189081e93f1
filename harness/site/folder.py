"""Writes a site beside its place and swaps it in when it is whole.

A reader, or a build that fails, never meets half a site; and a folder that is not one of
ours is never touched.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from harness.core.errors import ResultsError
from harness.site.listing import LISTING, is_ours


class SiteFolder:
    """The folder of a site that is being written: files go into one beside it, which
    takes its place when the block ends without an exception."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            ResultsError: the path is there and is no site, or nothing can be written.
        """
        self.path = path.absolute()
        self._written: set[str] = set()
        _check(self.path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._new = Path(
                tempfile.mkdtemp(prefix=f".{self.path.name[:40]}-", dir=self.path.parent)
            )
        except OSError as error:
            raise _unwritable(path, error) from error

    def file(self, name: str) -> Path:
        """Where a file lies until the site is whole."""
        return self._new / name

    def write(self, name: str, content: bytes | Iterable[bytes]) -> None:
        """A file of the site, by its place in it.

        Raises:
            ResultsError: it cannot be written, or was written before.
        """
        if name in self._written:
            raise ResultsError(f"two files of the site would be '{name}'")
        self._written.add(name)
        file = self.file(name)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as opened:
                opened.writelines([content] if isinstance(content, bytes) else content)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for what is needed meanwhile, on the disk of the site."""
        folder = self.file(".scratch")
        folder.mkdir()
        yield folder
        shutil.rmtree(folder)

    def remove(self, name: str) -> None:
        """A file that shall not be part of the site after all."""
        self.file(name).unlink()

    def __enter__(self) -> SiteFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._swap()
        finally:
            shutil.rmtree(self._new, ignore_errors=True)

    def _swap(self) -> None:
        """What was there goes aside first, and comes back if the new one cannot go in."""
        _check(self.path)
        try:
            self._new.chmod(0o777 & ~_umask())
            there = self.path.exists()
            aside = self.path.with_name(f"{self._new.name}-old")
            if there:
                self.path.rename(aside)
            try:
                self._new.rename(self.path)
            except OSError:
                if there:
                    aside.rename(self.path)
                raise
            shutil.rmtree(aside, ignore_errors=True)
        except OSError as error:
            raise _unwritable(self.path, error) from error


def _check(path: Path) -> None:
    """Refuse what is there and is not a site of ours; an empty folder is nobody's."""
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_dir():
        raise ResultsError(f"{path} is no folder", hint="name another --out")
    if any(path.iterdir()) and not is_ours(path):
        raise ResultsError(
            f"{path} is not a site of pgdyno: it has no {LISTING} of one",
            hint="name another --out, or empty the folder yourself",
        )


def _unwritable(path: Path, error: OSError) -> ResultsError:
    told = f"{path} cannot be written: {error.strerror}"
    return ResultsError(told, hint="name another --out")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
