"""What the start of a worker costs: milliseconds of imports by driver, and whose they are.

    python benchmarks/worker_start.py [--driver NAME …] [--repeats N] [--modules N]

Every round of a bench starts a fresh process per driver, so what a worker imports is paid
for again and again. `python -X importtime` tells what each module takes by itself; the
fastest of some repeats counts. `--modules` also lists the dearest modules.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from harness.plugin import contract

START = """
import harness.worker.__main__, harness.worker.trial
from harness.core.arms import Arm
from harness.plugin import contract
contract.load(Arm({name!r}), {plugin!r})
"""
STDLIB = frozenset(sys.stdlib_module_names)


def imports(statement: str, repeats: int) -> dict[str, float]:
    """Milliseconds by module, in the order of the fastest start."""
    fastest: dict[str, float] = {}
    for _ in range(repeats):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", statement],
            capture_output=True,
            text=True,
            check=True,
        )
        for module, ms in map(_read, filter(_is_time, done.stderr.splitlines())):
            fastest[module] = min(fastest.get(module, ms), ms)
    return fastest


def _is_time(line: str) -> bool:
    return line.startswith("import time:") and "self [us]" not in line


def _read(line: str) -> tuple[str, float]:
    own, _, module = line.removeprefix("import time:").split("|")
    return module.strip(), int(own) / 1e3


def whose(module: str) -> str:
    """`pgdyno`, `Python`, or `library` for the driver's own and what it brings along."""
    package = module.partition(".")[0]
    if package == "harness":
        return "pgdyno"
    return "Python" if package in STDLIB else "library"


def main() -> None:
    """Print a line per driver."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--driver", action="append", metavar="NAME")
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--modules", type=int, default=0, metavar="N")
    args = parser.parse_args()
    print(f"{'':<16}{'all':>8}{'pgdyno':>8}{'Python':>8}{'library':>8}  ms of imports")
    for name in args.driver or sorted(contract.entry_points()):
        modules = imports(
            START.format(name=name, plugin=contract.locate(name)), args.repeats
        )
        parts = dict.fromkeys(("pgdyno", "Python", "library"), 0.0)
        for module, ms in modules.items():
            parts[whose(module)] += ms
        columns = (sum(parts.values()), *parts.values())
        print(f"{name:<16}" + "".join(f"{ms:>8.1f}" for ms in columns))
        for module in sorted(modules, key=modules.__getitem__, reverse=True)[
            : args.modules
        ]:
            print(f"  {modules[module]:6.1f}  {module}")


if __name__ == "__main__":
    main()
