"""Nobody waits for ever: a server that is silent, and a statement that does not end."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness import scenario
from harness.core.arms import Arm
from harness.core.errors import ServerError, SilentServerError
from harness.core.verdicts import Judgement, Verdict
from harness.play.seat import Deadlines, Seat
from harness.servers import Server, open_server, parse
from harness.venue import control as controls
from harness.venue.control import Control, connected
from harness.venue.venue import Venue, opened

HEAD = 'schema = 1\ntitle = "T"\nwhy = "W"\n'


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of these tests' own, which they may stop for a while."""
    with open_server(parse("wheel", max_connections=20)) as running:
        yield running


@contextlib.contextmanager
def silent(server: Server) -> Iterator[None]:
    """Every process of the server stopped."""
    postmaster = psutil.Process(server.pid)
    processes = [postmaster, *postmaster.children(recursive=True)]
    try:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):  # a backend that just ended
                process.suspend()
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.resume()


def test_a_silent_server_is_told_apart_from_a_slow_one(server: Server) -> None:
    with connected(server.target) as control, silent(server):
        begun = time.monotonic()
        with control.within(1), pytest.raises(SilentServerError, match="does not answer"):
            control.run("select 1")
        with pytest.raises(SilentServerError, match="does not answer"):  # nor asked again
            control.run("select 1")
        assert time.monotonic() - begun < controls.ORACLE_S
        with pytest.raises(SilentServerError, match='to: set search_path to "mine"'):
            control.use("mine")


def test_a_server_that_is_silent_about_a_type_is_told_as_well(server: Server) -> None:
    told = pytest.raises(SilentServerError, match="does not answer")
    with connected(server.target) as control, silent(server), control.within(1), told:
        control.type(23)


def test_a_silent_server_lets_nobody_in(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controls, "CONNECT_S", 2)
    with silent(server), pytest.raises(SilentServerError, match="within 2 s"):
        Control(server.target)


def test_a_driver_is_not_charged_with_a_silent_server(
    server: Server, tmp_path: Path
) -> None:
    target = server.target
    dsn = f"dsn:postgresql://{target.user}:{target.password}@{target.host}:{target.port}"
    file = tmp_path / "c.toml"
    file.write_text(HEAD + '[[case]]\nname = "c"\nop = "fetch_val"\nsql = "select 1"\n')
    with opened(parse(f"{dsn}/{target.dbname}")) as place:
        play = place.stage.prepare(scenario.load(file).cells[0])
        deadlines = Deadlines(open=3, verify=2)
        seat = Seat(Arm("psycopg"), place.stage, place.control, tmp_path, [], deadlines)
        assert seat.open(play).verdict is Verdict.EXACT
        with silent(server), pytest.raises(SilentServerError):
            seat.verify(play)
        seat.dismiss()


def test_an_interrupt_ends_waiting_and_leaves_a_connection_that_works(
    server: Server,
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with connected(server.target) as control:
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            begun = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                control.run("select pg_sleep(30)")
            assert time.monotonic() - begun < 25
            assert control.value("select 7") == "7"
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupt_does_not_wait_for_a_silent_server(server: Server) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with connected(server.target) as control, silent(server):
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            begun = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                control.run("select 1")
            assert time.monotonic() - begun < controls.ORACLE_S
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_ends_waiting_and_nothing_goes_on_at_the_server(
    server: Server,
) -> None:
    with connected(server.target) as control, connected(server.target) as other:
        threading.Timer(0.3, control.abandon).start()
        with pytest.raises(ServerError):
            control.run("select pg_sleep(30)")
        at_work = "select count(*) from pg_stat_activity where query ~ 'pg_[s]leep'"
        deadline = time.monotonic() + 60
        while other.value(f"{at_work} and state = 'active'") != "0":
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from generate_series(1, 9223372036854775807)",
        "with recursive r as (select 1 as i union all select i from r)"
        " select count(*) from r",
        "select pg_sleep(1000)",
    ],
)
def test_an_oracle_that_does_not_end_is_invalid_and_the_next_cell_is_played(
    place: Venue, tmp_path: Path, sql: str
) -> None:
    file = tmp_path / "endless.toml"
    cases = [("endless", sql), ("plain", "select 1")]
    file.write_text(
        HEAD
        + "".join(
            f'[[case]]\nname = "{name}"\nop = "fetch_val"\nsql = "{text}"\n'
            for name, text in cases
        )
    )
    endless, plain = scenario.load(file).cells
    place.control.run("set statement_timeout = '500ms'")
    try:
        judged = place.stage.playable(endless)
    finally:
        place.control.run(f"set statement_timeout = '{controls.ORACLE_S}s'")
    assert not isinstance(place.stage.playable(plain), Judgement)
    assert isinstance(judged, Judgement)
    assert judged.verdict is Verdict.INVALID
    assert "no end within" in judged.detail


def test_a_fixture_may_take_longer_than_a_question(place: Venue) -> None:
    shown = "select current_setting('statement_timeout')"
    assert place.control.value(shown) == f"{controls.ORACLE_S}s"
    with place.control.taking(controls.FIXTURE_S):
        assert place.control.value(shown) == "2min"
    assert place.control.value(shown) == f"{controls.ORACLE_S}s"
