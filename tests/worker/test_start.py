"""How a worker starts: with what it needs, and with nothing to look through again."""

from __future__ import annotations

import json
import subprocess
import sys

MANY = 10_000


def test_what_imports_made_is_out_of_the_collectors_sight_and_it_goes_on() -> None:
    spec = {"driver": "psycopg2", "options": [], "profile": "default", "copy": 0}
    code = (
        "import gc, json, sys\n"
        "from harness.worker import __main__ as start\n"
        "worker = start._loaded(json.loads(sys.argv[1]))\n"
        "frozen = gc.get_freeze_count()\n"
        "garbage = []\n"
        "garbage.append(garbage)\n"
        "del garbage\n"
        "print(worker.driver.name, gc.isenabled(), frozen, gc.collect())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(spec | {"plugin": "", "places": {}})],
        capture_output=True,
        text=True,
        check=True,
    )
    name, enabled, frozen, collected = done.stdout.split()
    assert (name, enabled) == ("psycopg2", "True")
    assert int(frozen) > MANY
    assert int(collected) > 0
