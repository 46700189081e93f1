"""An interpreter that has done what scripts begin with; each script is a fork of it."""

from __future__ import annotations

import ast
import os
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from harness.cli.show import RUN_SECONDS
from harness.reproduce.script import Ran
from harness.venue.venue import Venue

SERVER = """
import os, runpy, sys, traceback
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"), {})
for line in sys.stdin:
    child = os.fork()
    if child:
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    script, code = line.rstrip("\\n"), 0
    for number, name in ((0, os.devnull), (1, script + ".out"), (2, script + ".err")):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    try:
        runpy.run_path(script, run_name="__main__")
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
"""


def beginning(script: str) -> str:
    """The environment that a script sets and what it imports, before all else."""
    statements = ast.parse(script).body
    imports = [
        number
        for number, node in enumerate(statements)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    return ast.unparse(ast.Module(statements[: imports[-1] + 1], []))


class Interpreter:
    """Runs scripts of one driver: to start Python and import a library for each takes ten
    times as long as what most of them do.

    The first script says what is imported. Each has a process of its own all the same.
    """

    def __init__(self, folder: Path, place: Venue) -> None:
        """`folder` takes the scripts and what they print; they connect to `place`."""
        target = place.server.target
        self.folder = folder
        self.environment = {
            "PGHOST": target.host,
            "PGPORT": str(target.port),
            "PGUSER": target.user,
            "PGPASSWORD": target.password,
            "PGDATABASE": target.dbname,
            "PYTHONIOENCODING": "utf-8",
        }
        self._server: subprocess.Popen[str] | None = None
        self._scripts = 0

    def __enter__(self) -> Interpreter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.communicate()

    def run(self, script: str) -> Ran:
        """Run a script to its end, as `pgdyno show --run` does."""
        server = self._server = self._server or self._started(script)
        assert server.stdin is not None
        assert server.stdout is not None
        self._scripts += 1
        file = self.folder / f"script-{self._scripts}.py"
        file.write_text(script, "utf-8")
        server.stdin.write(f"{file}\n")
        server.stdin.flush()
        if not select.select([server.stdout], [], [], RUN_SECONDS)[0]:
            raise TimeoutError(f"{file} does not end within {RUN_SECONDS:.0f} s")
        code = int(server.stdout.readline())
        out, err = (file.with_name(f"{file.name}.{end}") for end in ("out", "err"))
        return Ran(*(one.read_text("utf-8", "replace") for one in (out, err)), code)

    def _started(self, script: str) -> subprocess.Popen[str]:
        first = self.folder / "beginning.py"
        first.write_text(beginning(script), "utf-8")
        return subprocess.Popen(
            [sys.executable, "-c", SERVER, str(first)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | self.environment,
            cwd=self.folder,
        )
