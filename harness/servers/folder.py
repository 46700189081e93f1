"""The folder in which one managed server lives, and what happens to it when its run dies.

Everything of a server is below `pgdyno-<uid>-XXXX` in the temporary directory, so that
removing the folder removes the server. The run that made it holds a lock on its
`owner.json` for as long as it lives; the kernel lets go of the lock however the run
ends. `reap` removes the folders whose lock nobody holds. A lock is used, rather than
the process id that the file also tells, because ids are used again, mean nothing in
another container that shares the directory, and start times move with the clock.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from harness.core import interrupt
from harness.core.errors import ServerError

if sys.platform != "win32":
    import fcntl
    import pwd

OWNER = "owner.json"
GRACE_S = 60.0
"""A folder without an owner may be one that is being made; after this it is a ruin."""

SOCKET_PATH_BYTES = 103
"""The shortest `sun_path` among the systems we run on (macOS: 104 with its NUL)."""

_SHORT_BASES = (Path("/tmp"), Path("/var/tmp"))
_SOCKETS_PREFIX = "pgdyno-socket-"
_PATIENCE_S = 10.0
_PROGRAMS = ("postgres", "pgbouncer")


@dataclass(frozen=True, slots=True)
class Account:
    """The user that a server runs as, when that is not ourselves."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Folder:
    """A server's own folder. `sockets` is None where no socket path is short enough."""

    path: Path
    sockets: Path | None
    account: Account | None

    @property
    def data(self) -> Path:
        """The data directory, owned by the account."""
        return self.path / "data"

    @property
    def log(self) -> Path:
        """What `postgres` wrote to stdout and stderr."""
        return self.path / "log"

    def own(self, path: Path) -> None:
        """Give a path of ours to the account that the server runs as."""
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)


def unprivileged() -> Account | None:
    """Whom to become because PostgreSQL refuses root; None for an ordinary user."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "postgres", "daemon"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise ServerError(
        "PostgreSQL refuses to run as root, and there is no user 'nobody' to become",
        hint="run as an ordinary user, or add one to /etc/passwd",
    )


@contextlib.contextmanager
def create() -> Iterator[Folder]:
    """A fresh folder that is ours until the end, and then gone with all its processes."""
    account = unprivileged()
    with contextlib.ExitStack() as stack:
        with interrupt.deferred():
            path, owner = _claim(account)
            stack.callback(os.close, owner)
            stack.callback(_remove, path)
        sockets = socket_folder(path)
        _write_owner(owner, sockets)
        folder = Folder(path, sockets, account)
        # Last in, first out: nothing may run in what is being removed.
        if sockets is not None:
            stack.callback(_remove, sockets)
        stack.callback(stop_processes, folder.data)
        stack.enter_context(interrupt.last_resort(lambda: _abolish(folder)))
        _furnish(folder)
        yield folder


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A private folder for a run's own files, removed at the end or by a later `reap`."""
    with contextlib.ExitStack() as stack:
        with interrupt.deferred():
            path, owner = _claim(None)
            stack.callback(os.close, owner)
            stack.callback(_remove, path)
        stack.enter_context(interrupt.last_resort(lambda: _remove(path)))
        yield path


def socket_folder(path: Path, bases: Sequence[Path] = _SHORT_BASES) -> Path | None:
    """A place for sockets with a path that is short enough; nothing is made yet."""
    writable = [base for base in bases if os.access(base, os.W_OK | os.X_OK)]
    candidates = [base / f"{_SOCKETS_PREFIX}{secrets.token_hex(6)}" for base in writable]
    for candidate in (path / "sockets", *candidates):
        if len(os.fsencode(candidate / ".s.PGSQL.65535")) <= SOCKET_PATH_BYTES:
            return candidate
    return None


def reap() -> list[Path]:
    """Remove what dead runs of this user left: their servers, then their folders.

    Returns the folders that are gone. What cannot be removed is left for the next time:
    an old ruin is no reason to refuse a new server.
    """
    gone = []
    for path in _found():
        with contextlib.suppress(OSError, psutil.Error):
            if _reap(path):
                gone.append(path)
    return gone


def stop_processes(data: Path) -> None:
    """End every PostgreSQL process that works in this data directory, hard if need be."""
    processes = _processes_in(data)
    for signum in (signal.SIGQUIT, signal.SIGKILL):
        _send(processes, signum)
        _send(processes, signal.SIGCONT)  # what is stopped would not hear it
        _, processes = psutil.wait_procs(processes, timeout=_PATIENCE_S)


def wake_processes(data: Path) -> None:
    """Let stopped processes of this data directory go on, so that they can end."""
    _send(_processes_in(data), signal.SIGCONT)


def kill_processes(data: Path) -> None:
    """End them all at one instant: none has the time to tell its client of the others."""
    processes = _processes_in(data)
    for signum in (signal.SIGSTOP, signal.SIGKILL):
        _send(processes, signum)
    deadline = time.monotonic() + _PATIENCE_S
    while any(map(_runs, processes)) and time.monotonic() < deadline:
        time.sleep(0.005)


def others_may_enter(path: Path) -> bool:
    """Whether a user without any privilege can reach what is below this folder."""
    return all(step.stat().st_mode & stat.S_IXOTH for step in (path, *path.parents))


def _prefix() -> str:
    return f"pgdyno-{os.geteuid()}-"


def _bases() -> list[Path]:
    """Where folders may be: the user's choice, else where every user may go."""
    candidates = [Path(tempfile.gettempdir()), *_SHORT_BASES]
    existing = [candidate.resolve() for candidate in candidates if candidate.is_dir()]
    return list(dict.fromkeys(existing))


def _claim(account: Account | None) -> tuple[Path, int]:
    """Make the folder and lock its owner file before the file has its name."""
    path = _make(account)
    owner = -1
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        owner = os.open(path / f"{OWNER}.new", flags, 0o600)
        _lock(owner)
        _write_owner(owner, None)
        (path / f"{OWNER}.new").rename(path / OWNER)
    except BaseException:
        if owner >= 0:
            os.close(owner)
        _remove(path)
        raise
    return path, owner


def _make(account: Account | None) -> Path:
    reasons = []
    for base in _bases():
        # Opening somebody's private folder to the server's user is not ours to do.
        if account is not None and not others_may_enter(base):
            reasons.append(f"{base} is closed to the user '{account.name}'")
            continue
        try:
            return Path(tempfile.mkdtemp(prefix=_prefix(), dir=base))
        except OSError as error:
            reasons.append(f"{base}: {error.strerror}")
    raise ServerError(
        f"there is no place for a server's folder: {'; '.join(reasons)}",
        hint="set TMPDIR to a folder that can be written and entered",
    )


def _furnish(folder: Folder) -> None:
    if folder.account is not None:
        folder.path.chmod(0o711)  # the account passes through, and sees nothing
    for path, mode in ((folder.data, 0o700), (folder.sockets, 0o755)):
        if path is not None:
            path.mkdir(mode=mode)
            folder.own(path)


def _write_owner(owner: int, sockets: Path | None) -> None:
    record = {
        "pid": os.getpid(),
        "created": psutil.Process().create_time(),
        "sockets": "" if sockets is None else str(sockets),
    }
    os.ftruncate(owner, 0)
    os.pwrite(owner, json.dumps(record).encode(), 0)


def _lock(descriptor: int) -> bool:
    """Take the lock; False when somebody alive holds it, or when nobody can know."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _found() -> Iterator[Path]:
    for base in _bases():
        with contextlib.suppress(OSError), os.scandir(base) as entries:
            for entry in entries:
                if entry.name.startswith(_prefix()) and _is_ours(Path(entry.path)):
                    yield Path(entry.path)


def _is_ours(path: Path) -> bool:
    """A real folder of this user: in a shared directory a name proves nothing."""
    status = path.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()


def _reap(path: Path) -> bool:
    try:
        owner = os.open(path / OWNER, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return time.time() - path.lstat().st_mtime > GRACE_S and _clear(path, None)
    try:
        return _lock(owner) and _clear(path, _recorded_sockets(owner))
    finally:
        os.close(owner)


def _clear(path: Path, sockets: Path | None) -> bool:
    stop_processes(path / "data")
    if sockets is not None:
        _remove(sockets)
    _remove(path)
    return not path.exists()


def _recorded_sockets(owner: int) -> Path | None:
    """The socket folder of a dead run; None if its name is not one that we give."""
    try:
        record: Any = json.loads(os.pread(owner, 4096, 0))
        sockets = Path(record["sockets"])
    except (ValueError, KeyError, TypeError):
        return None
    known = sockets.name.startswith(_SOCKETS_PREFIX) and sockets.parent in _SHORT_BASES
    return sockets if known else None


def _processes_in(data: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _works_in(process, data)]


def _send(processes: Sequence[psutil.Process], signum: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signum)


def _runs(process: psutil.Process) -> bool:
    """Whether it is more than an entry that its parent, or init, has yet to remove."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _works_in(process: psutil.Process, data: Path) -> bool:
    """Whether it is PostgreSQL, and this server: an id in a file could be anybody's."""
    try:
        if not process.name().startswith(_PROGRAMS):
            return False
        return process.cwd() == str(data)
    except psutil.AccessDenied:  # without CAP_SYS_PTRACE; backends follow their postmaster
        with contextlib.suppress(psutil.Error):
            return str(data) in process.cmdline()
    except psutil.Error:
        pass
    return False


def _abolish(folder: Folder) -> None:
    """End a server without asking it, and remove all that it had."""
    kill_processes(folder.data)
    for path in filter(None, (folder.sockets, folder.path)):
        _remove(path)


def _remove(path: Path) -> None:
    """Remove a folder although its last processes may still be writing; never a link."""
    for _ in range(100):
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            if not path.exists():
                return
        except OSError:
            time.sleep(0.05)
        else:
            return
