"""Who else uses the processors, and where work is placed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from harness.core.calls import Target
from harness.core.niceness import set_niceness, slice_ns
from harness.machine import host
from harness.machine import watch as watching
from harness.machine.contention import FOREIGN_LIMIT
from harness.servers import Server

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system cannot pin processes"
)
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
BURN = "while True: pass"
BURN_A_WHILE = """
import subprocess, sys
code = "import time\\nwhile time.process_time() < 0.4: pass"
sys.stdin.readline()
subprocess.run([sys.executable, "-c", code])
print("over", flush=True)
sys.stdin.read()
"""


def may_raise() -> bool:
    """Whether this user may make a process less nice than it is."""
    with process("import time; time.sleep(60)") as one:
        return host.prioritise([one.pid], host.PRIORITY)


@contextlib.contextmanager
def process(code: str, *, core: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """A Python process that runs some code, perhaps on one core."""
    command = [sys.executable, "-c", code]
    one = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        if core is not None:
            os.sched_setaffinity(one.pid, [core])
        yield one
    finally:
        one.kill()
        one.communicate()


@pytest.fixture
def affinity() -> Iterator[None]:
    """Whatever a test pins, this process is let go again."""
    before = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, before)


def shares(pid: int, core: int) -> tuple[float, float]:
    """How much of a core is foreign: if a process is not ours, and if it is."""
    unaware, aware = watching.Watch([core], []), watching.Watch([core], [pid])
    time.sleep(0.6)
    return unaware.foreign(), aware.foreign()


@pytest.mark.usefixtures("quiet")
def test_somebody_on_the_watched_core_is_seen_and_we_ourselves_are_not() -> None:
    with process(BURN, core=CORES[0]) as burner:
        time.sleep(0.1)
        as_foreign, as_ours = shares(burner.pid, CORES[0])
    assert as_foreign > FOREIGN_LIMIT
    assert as_foreign - as_ours > FOREIGN_LIMIT


def test_nothing_watched_is_nothing_foreign() -> None:
    watch = watching.Watch([], [])
    time.sleep(0.01)
    assert watch.foreign() == 0.0


def test_a_core_that_does_not_exist_is_ignored() -> None:
    assert watching.Watch([10_000], []).foreign() == 0.0


@pytest.mark.usefixtures("quiet")
def test_what_this_process_does_is_our_own(affinity: None) -> None:
    os.sched_setaffinity(0, CORES[:1])
    watch = watching.Watch(CORES[:1], [])
    spent, end = time.process_time(), time.monotonic() + 0.4
    while time.monotonic() < end:
        pass
    share = (time.process_time() - spent) / 0.4
    assert watch.foreign() < 1.05 - share + 0.1


def test_own_time_counts_children_that_have_ended() -> None:
    with process(BURN_A_WHILE) as parent:
        before = watching.own_seconds([parent.pid])
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write("go\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == "over\n"
        assert psutil.Process(parent.pid).children() == []
        assert watching.own_seconds([parent.pid]) - before >= 0.35


def test_own_time_counts_children_that_live() -> None:
    code = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{BURN}']).wait()"
    )
    with process(code) as parent:
        family = psutil.Process(parent.pid)
        deadline = time.monotonic() + 60
        while not family.children() and time.monotonic() < deadline:
            time.sleep(0.01)
        before = watching.own_seconds([parent.pid])
        spent, deadline = 0.0, time.monotonic() + 60
        while spent <= 0.1 and time.monotonic() < deadline:  # others may be in the way
            time.sleep(0.1)
            spent = watching.own_seconds([parent.pid]) - before
        for child in family.children():
            child.kill()
    assert spent > 0.1


def test_own_time_of_a_process_that_is_gone() -> None:
    with process("pass") as one:
        one.wait()
    assert watching.own_seconds([one.pid]) == 0


# --- placement -----------------------------------------------------------------------


@pytest.mark.skipif(len(CORES) < 2, reason="there is only one core")
def test_clients_and_server_have_cores_of_their_own() -> None:
    split = host.place(server=True)
    assert (split.clients, split.server) == ((CORES[0],), (CORES[1],))
    assert split.describe() == {
        "kind": "split",
        "clients": str(CORES[0]),
        "server": str(CORES[1]),
    }


@pytest.mark.skipif(len(CORES) < 2, reason="there is only one core")
def test_a_server_elsewhere_is_not_ours_to_place() -> None:
    assert host.place(server=False).server == ()
    assert host.place(server=False).describe()["server"] == "not ours to place"


def test_on_one_core_clients_and_server_take_turns(affinity: None) -> None:
    os.sched_setaffinity(0, CORES[:1])
    shared = host.place(server=True)
    assert (shared.clients, shared.server) == ((CORES[0],), (CORES[0],))
    assert (shared.shared, shared.split) == (True, False)
    assert shared.describe()["kind"] == "shared"
    assert host.Placement().describe() == {"kind": "unpinned"}


@pytest.mark.skipif(len(CORES) < 2, reason="there is only one core")
def test_the_parent_leaves_the_clients_core(affinity: None) -> None:
    host.keep_off(CORES[:1])
    assert os.sched_getaffinity(0) == set(CORES[1:])
    host.keep_off(CORES)  # nowhere else to go
    assert os.sched_getaffinity(0) == set(CORES[1:])
    os.sched_setaffinity(0, CORES)
    host.keep_off(CORES[:1], CORES[1:])  # beside the server rather than the clients
    assert os.sched_getaffinity(0) == set(CORES[1:])


@pytest.mark.skipif(not may_raise(), reason="this user may not raise a priority")
def test_a_managed_server_and_its_children_are_less_nice_while_a_run_goes_on(
    affinity: None,
) -> None:
    target = Target("127.0.0.1", 1, "nobody", "", "nothing")
    with process("import time; time.sleep(60)") as one:
        server = Server("local", target, True, "tcp", one.pid)
        with host.placed(server) as placement:
            assert placement.priority == host.PRIORITY
            assert os.getpriority(os.PRIO_PROCESS, one.pid) == host.PRIORITY
            assert placement.describe()["priority"] == f"{host.PRIORITY:+d}"
        assert os.getpriority(os.PRIO_PROCESS, one.pid) == 0


def test_who_is_less_nice_has_slices_a_little_shorter_than_others() -> None:
    usual = slice_ns(0)
    if not (usual and may_raise()):
        pytest.skip("the kernel has no time slices, or nobody may ask for them")
    with process("import time; time.sleep(60)") as other:
        set_niceness(other.pid, host.PRIORITY)
        assert usual / 2 < slice_ns(other.pid) < usual
        set_niceness(other.pid, host.PRIORITY)
        assert usual / 2 < slice_ns(other.pid) < usual
        set_niceness(other.pid, 0)
        assert slice_ns(other.pid) == usual


def test_a_borrowed_server_keeps_its_priority(affinity: None) -> None:
    target = Target("127.0.0.1", 1, "nobody", "", "nothing")
    with process("import time; time.sleep(60)") as one:
        server = Server("dsn", target, False, "tcp", one.pid)
        with host.placed(server) as placement:
            assert placement.priority == 0
            assert os.getpriority(os.PRIO_PROCESS, one.pid) == 0


def test_where_nobody_may_raise_it_the_priority_is_not_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(pid: int, nice: int) -> None:
        raise PermissionError

    monkeypatch.setattr(host, "set_niceness", refuse)
    assert not host.prioritise([os.getpid()], host.PRIORITY)
    with host._prioritised(os.getpid(), host.PRIORITY) as priority:
        assert priority == 0


@pytest.mark.skipif(len(CORES) < 2, reason="there is only one core")
def test_a_server_is_pinned_with_its_children() -> None:
    code = "import subprocess; subprocess.run(['sleep', '60'])"
    with process(code) as server:
        family = psutil.Process(server.pid)
        deadline = time.monotonic() + 60
        while not family.children() and time.monotonic() < deadline:
            time.sleep(0.01)
        host.pin_server(server.pid, CORES[1:2])
        pinned = [one.cpu_affinity() for one in (family, *family.children())]
        for child in family.children():
            child.kill()
    assert pinned == [CORES[1:2]] * 2


def test_a_server_that_is_not_there_is_no_error() -> None:
    host.pin_server(0, CORES)
    with process("pass") as one:
        one.wait()
    host.pin_server(one.pid, CORES)


def test_the_machine_is_described_without_its_name() -> None:
    about = host.describe()
    assert about.cores >= len(CORES) > 0
    assert about.memory_bytes > 1 << 20
    assert os.uname().nodename not in about.hostname_hash
    assert about.fingerprint == host.describe().fingerprint
