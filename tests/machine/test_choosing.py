"""Where clients go beside a server that is not ours to place."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator

import pytest

from harness.machine import choosing
from harness.venue.venue import Venue

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
pytestmark = [
    pytest.mark.usefixtures("quiet"),
    pytest.mark.skipif(len(CORES) < 2, reason="there is no second core to choose from"),
]


@contextlib.contextmanager
def busy(core: int) -> Iterator[None]:
    """A core on which somebody else takes all he can get."""
    code = f"import os\nos.sched_setaffinity(0, [{core}])\nwhile True: pass"
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.parametrize("taken", CORES[:2])
def test_clients_go_where_they_wait_least(
    place: Venue, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "available_cores", lambda: tuple(CORES[:2]))
    with busy(taken):
        found = choosing.chosen(lambda: place.control.value("select 1"), 0)
    assert found.clients == tuple({*CORES[:2]} - {taken})
    assert found.server == ()
    assert found.describe()["server"] == "not ours to place"
    assert f"clients on core {taken} waited" in found.chosen
    assert os.sched_getaffinity(0) == set(CORES)


def test_a_backend_on_the_clients_core_is_told(
    place: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, core = place.control.backend_pid, CORES[0]
    before = os.sched_getaffinity(backend)
    monkeypatch.setattr(choosing, "available_cores", lambda: (core,))
    os.sched_setaffinity(backend, [core])
    try:
        found = choosing.chosen(lambda: place.control.value("select 1"), backend)
    finally:
        os.sched_setaffinity(backend, before)
    assert (found.clients, found.shared) == ((core,), True)
    assert found.describe()["kind"] == "shared"


def test_backends_of_our_sessions_get_a_core_of_their_own(
    place: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, first = place.control.backend_pid, tuple(CORES[:2])
    monkeypatch.setattr(choosing, "available_cores", lambda: first)
    before = os.sched_getaffinity(backend)
    os.sched_setaffinity(backend, CORES)
    try:
        found = choosing.chosen(lambda: place.control.value("select 1"), backend)
        assert os.sched_getaffinity(backend) == set(CORES)  # as it was found
    finally:
        os.sched_setaffinity(backend, before)
    assert found.split
    assert sorted(found.clients + found.server) == sorted(first)
    for clients, backends in itertools.product(first, repeat=2):
        assert f"clients on core {clients} and backends on core {backends}" in found.chosen


@pytest.mark.parametrize("taken", CORES[:2])
def test_beside_somebody_busy_clients_and_backends_share_the_other_core(
    place: Venue, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (free,) = {*CORES[:2]} - {taken}
    backend = place.control.backend_pid
    monkeypatch.setattr(choosing, "available_cores", lambda: tuple(CORES[:2]))
    before = os.sched_getaffinity(backend)
    os.sched_setaffinity(backend, CORES)
    try:
        with busy(taken):
            found = choosing.chosen(lambda: place.control.value("select 1"), backend)
    finally:
        os.sched_setaffinity(backend, before)
    assert (found.clients, found.server) == ((free,), (free,))
    assert found.describe()["kind"] == "shared"


def test_a_core_each_is_the_first_choice() -> None:
    waited = choosing.WAITING_LIMIT
    apart = choosing.Probe(core=0, backends=(1,), waited=waited, beside=0.0)
    assert not apart.shared
    assert apart.cost < choosing.Probe(0, (0,), 0.001, 1.0).cost
    assert (
        choosing.Probe(0, (1,), 2 * waited, 0.0).cost > choosing.Probe(0, (0,), 0, 1).cost
    )


def test_backends_stay_where_they_may_not_be_moved(
    place: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, move = place.control.backend_pid, os.sched_setaffinity

    def denied(pid: int, cores: Iterable[int]) -> None:
        if pid == backend:
            raise PermissionError
        move(pid, cores)

    monkeypatch.setattr(choosing, "available_cores", lambda: tuple(CORES[:2]))
    monkeypatch.setattr(os, "sched_setaffinity", denied)
    found = choosing.chosen(lambda: place.control.value("select 1"), backend)
    assert (len(found.clients), found.server, found.split) == (1, (), False)


def test_of_many_cores_only_the_idlest_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    load = [50.0, 0.0, 90.0, 10.0, 20.0, 30.0]
    monkeypatch.setattr(choosing.psutil, "cpu_percent", lambda *_, **__: load)
    assert choosing._idlest(range(6)) == [1, 3, 4, 5]
    assert choosing._idlest([0, 2]) == [0, 2]
