"""Programs of claims on a real server: whatever they do costs their own answer only."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clients import needs_server

from harness.claims import asking, form, reading
from harness.core.errors import ClaimError

pytestmark = needs_server


def program(python: str, **keys: object) -> asking.LibraryQuestion:
    condition = form.ProgramCondition(
        driver="psycopg2", python=python, expect=form.LibraryAnswer(equals=1), **keys
    )
    return asking.LibraryQuestion("psycopg2", condition)


def asked(place, *questions: asking.LibraryQuestion) -> list:
    said = {}
    asking.ask(questions, place, said.__setitem__)
    return [said[question.digest] for question in questions]


def alive(pid: str) -> bool:
    """Whether a process is there, and no zombie; it may end while it is looked at."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_what_a_program_begins_ends_with_it(place) -> None:
    begun = (
        "import subprocess\n"
        "answer = subprocess.Popen(['sleep', '300'], start_new_session=True).pid"
    )
    (said,) = asked(place, program(begun))
    assert not alive(said.answer["value"])


def test_a_forked_child_does_not_hold_the_answer_back(place) -> None:
    forks = (
        "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(60)\nanswer = 2"
    )
    began = time.monotonic()
    (said,) = asked(place, program(forks, seconds=30))
    assert said.answer["value"] == "2"
    assert time.monotonic() - began < 25


@pytest.mark.parametrize(
    ("python", "told"),
    [
        ("import time\ntime.sleep(60)", "Hangs"),
        ("import os\nos._exit(3)", "Crash"),
        ("import sys\nsys.exit('bye')", "SystemExit"),
        ("raise BaseException('out')", "BaseException"),
    ],
)
def test_how_a_program_ends_is_its_own_answer(place, python, told) -> None:
    first, second = asked(place, program(python, seconds=2), program("answer = 1"))
    assert first.answer["raised"][0] == told
    assert second.answer["value"] == "1"


def test_an_answer_that_utf_8_does_not_have_is_escaped(place) -> None:
    (said,) = asked(place, program("answer = '\\ud800'"))
    assert said.answer["text"] == "\\ud800"


def test_a_large_value_is_not_kept(place) -> None:
    (said,) = asked(place, program("answer = 'x' * 10_000_000"))
    assert len(str(said.answer)) < 2_000


def test_the_password_is_not_told(place) -> None:
    password = place.server.target.password
    shown, raised = asked(
        place, program("answer = [dsn, password]"), program("raise ValueError(dsn)")
    )
    assert password not in f"{shown} {raised}"
    assert shown.answer["value"].count("…") == 2 or "\\u2026" in shown.answer["value"]


def test_a_path_of_the_claim_that_leads_nowhere_is_its_own_fault(place) -> None:
    condition = form.ProgramCondition(
        driver="psycopg2", python="answer = 1", expect=form.LibraryAnswer(is_a="nomod:X")
    )
    (said,) = asked(place, asking.LibraryQuestion("psycopg2", condition))
    assert said.fault
    assert "nomod" in said.problem


def test_what_is_no_answer_of_ours_is_not_kept(place) -> None:
    writes = (
        "import contextlib, os\n"
        "for number in range(3, 60):\n"
        "    with contextlib.suppress(OSError):\n"
        "        os.write(number, b'{}\\n')\n"
    )
    (said,) = asked(place, program(writes))
    assert said.fault


def test_who_leaves_takes_the_programs_along(tmp_path) -> None:
    """An interrupt while a program runs that ignores it."""
    code = (
        "import socket, subprocess, sys, json, time\n"
        "near, far = socket.socketpair()\n"
        "module = [sys.executable, '-m', 'harness.claims.inspector', '[]']\n"
        "number = far.fileno()\n"
        "process = subprocess.Popen([*module, str(number)], pass_fds=[number])\n"
        "far.close()\n"
        'python = "import os, signal, time; signal.signal(2, 1); print(os.getpid(), '
        "file=open(given_file, 'w'), flush=True); time.sleep(300)\"\n"
        "asked = {'python': python, 'given': {'given_file': sys.argv[1]}, 'seconds': 300}\n"
        "near.sendall(json.dumps(asked).encode() + b'\\n')\n"
        "time.sleep(300)\n"
    )
    file = tmp_path / "pid"
    asker = subprocess.Popen([sys.executable, "-c", code, str(file)])
    try:
        deadline = time.monotonic() + 30
        while not (file.exists() and file.read_text().strip()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        pid = file.read_text().strip()
        assert alive(pid)
        asker.send_signal(signal.SIGKILL)
        asker.wait()
        while alive(pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        asker.kill()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("seconds = -1", "seconds"),
        ("seconds = nan", "seconds"),
        ("seconds = inf", "seconds"),
        ("expect.equals = nan", "nan"),
    ],
)
def test_a_number_that_is_none_is_refused(tmp_path, line, told) -> None:
    text = f"""schema = 1
id = "T"
title = "t"
date = "d"
about = "a"
[[claim]]
id = "T-01"
claim = "c"
[[claim.decide]]
by = "program"
driver = "psycopg2"
python = "answer = 1"
{line}
"""
    if "expect" not in line:
        text += "expect.equals = 1\n"
    file = tmp_path / "t.toml"
    file.write_text(text)
    with pytest.raises(ClaimError, match=told):
        reading.load(file)


def test_a_link_is_an_address_of_the_web(tmp_path) -> None:
    file = tmp_path / "t.toml"
    file.write_text("""schema = 1
id = "T"
title = "t"
date = "d"
about = "a"
link = "javascript:alert(1)"
[[claim]]
id = "T-01"
claim = "c"
decide = [{ by = "undecidable", reason = "advice" }]
""")
    with pytest.raises(ClaimError, match="address of the web"):
        reading.load(file)
