"""`pgdyno bisect` as it is called: real versions for verdicts, made up runs for times."""

from __future__ import annotations

import os
import re
from pathlib import Path

import fake_runs
import pytest
from commands import pgdyno
from fake_runs import arm_facts, bench
from msgspec.structs import replace

from harness import environments
from harness.cli import bisecting
from harness.core.arms import parse
from harness.core.errors import (
    EXIT_FAILED,
    EXIT_INCONCLUSIVE,
    EXIT_INTERRUPTED,
    EXIT_PASS,
    EXIT_USAGE,
    DriverError,
)
from harness.environments import releases
from harness.play import recording
from harness.results import store
from harness.results.lines import encoded

# --- real versions ----------------------------------------------------------------------

COPIED = "types/numbers#int2-copy@value=-32768"
VERSIONS = ("0.11.12", "0.12.1", "0.13.1")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables under which three releases are there; without a network, none are."""
    kept = os.environ.get("PGDYNO_TEST_ENVIRONMENTS")
    folder = kept or str(tmp_path_factory.mktemp("environments"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGDYNO_ENVIRONMENTS", folder)
        patch.setattr(environments, "_known", {})
        try:
            for version in VERSIONS:
                environments.of(parse(f"psqlpy=={version}"))
        except DriverError as error:
            pytest.skip(f"nothing can be installed here: {error}")
    return {**os.environ, "PGDYNO_ENVIRONMENTS": folder}


def test_a_verdict_is_followed_to_its_release_and_read_again(made, dsn, tmp_path):
    """psqlpy encodes int2 in COPY from 0.12.1 on; 0.11.12 refuses it."""
    asked = ("bisect", COPIED, "--driver", "psqlpy", "--from", VERSIONS[0], "--to",
             VERSIONS[-1], "--server", dsn, "--out", tmp_path / "runs")  # fmt: skip
    ended = pgdyno(*asked, env=made)
    assert ended.code == EXIT_PASS, ended.said
    assert "released between them: 0.12.1\n" in ended.out
    told = " ".join(ended.out.split())
    assert f"{COPIED} changed in psqlpy 0.12.1 0.11.12 → 0.12.1: rejected → exact" in told
    assert "--server 'dsn:…'" in told
    assert dsn not in ended.said
    assert "pgdyno check 'types/numbers#int2-copy@value=-32768'" in told
    files = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()}
    assert sorted(files) == [
        "verdict-0.11.12-0.12.1-0.13.1.jsonl",
        "verdict-0.11.12-0.13.1.jsonl",
    ]
    assert all(store.read(tmp_path / "runs" / name).checks for name in files)
    again = pgdyno(*asked, env=made)
    assert again.out == ended.out
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()}
    assert after == files


# --- runs that are made up --------------------------------------------------------------

CELL = "query/point#fetch-one"
BETWEEN = ["0.28.0", "0.29.0", "0.30.0", "0.31.0"]


class MadeUp:
    """Measures by writing runs in which versions have the speeds that they are given."""

    def __init__(self, slower_from: str, factor: float, noise: float = 0.003) -> None:
        self.slow = [*BETWEEN, "0.32.0"]
        self.slow = self.slow[self.slow.index(slower_from) :]
        self.factor, self.noise = factor, noise
        self.measured: list[str] = []
        self.interrupted = ""

    def bench(self, runs, path, cells, arms, *, more) -> None:
        self.measured.append(path.name)
        row = fake_runs.CELLS[0]
        run = bench(
            run=path.name,
            seed=len(self.measured),
            rows=[row],
            arms=[arm_facts(arm.id) for arm in arms],
            rounds=24 if more else 12,
            noise=self.noise,
            factor={arm.id: self.factor for arm in arms if arm.pin.version in self.slow},
        )
        (scenario,) = runs.scenarios
        facts = [recording._cell_facts(cell, scenario) for cell in cells]
        header = replace(run.header, cells=facts)
        trials = [replace(trial, cell=facts[0].id) for trial in run.trials]
        path.parent.mkdir(parents=True, exist_ok=True)
        stopped = path.name == self.interrupted
        footer = replace(run.footer, reason="interrupted" if stopped else "complete")
        path.write_bytes(encoded([header, *trials, footer]))
        if stopped:
            self.interrupted = ""
            raise KeyboardInterrupt


@pytest.fixture
def made_up(monkeypatch, tmp_path):
    """Makes `pgdyno bisect` measure by what is made up; in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(releases, "between", lambda *_: BETWEEN)
    monkeypatch.setattr(bisecting.KeptRuns, "prepare", lambda *_: None)

    def begin(*arguments, **options) -> MadeUp:
        source = MadeUp(*arguments, **options)
        monkeypatch.setattr(
            bisecting.KeptRuns,
            "_bench",
            lambda runs, path, cells, arms, *, more: source.bench(
                runs, path, cells, arms, more=more
            ),
        )
        return source

    return begin


def bisect(*more: str, cell: str = CELL):
    ends = ("--from", "0.27.0", "--to", "0.32.0")
    return pgdyno("bisect", cell, "--driver", "asyncpg", *ends, "--what", "time", *more)


def test_the_release_that_is_slower_with_all_that_shows_it(made_up):
    source = made_up("0.30.0", 1.2)
    ended = bisect()
    assert ended.code == EXIT_FAILED
    lines = ended.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "exit 1"
    assert lines[-3] == f"{CELL} changed in asyncpg 0.30.0"
    ratio = r"\+(19|20)\.\d % \(\+\d+\.\d … \+\d+\.\d %\), slower"
    assert re.fullmatch(rf"  0\.29\.0 → 0\.30\.0: {ratio}", lines[-2])
    joined = ended.out.replace(" \\\n", " ")
    pair = "asyncpg==0.29.0 --driver     asyncpg==0.30.0"
    assert " ".join(pair.split()) in " ".join(joined.split())
    assert "pgdyno compare again.jsonl --base asyncpg==0.29.0" in joined
    (folder,) = Path("results/bisect").iterdir()
    assert f"runs    {folder}" in lines
    assert sorted(path.name for path in folder.iterdir()) == sorted(source.measured)


def test_what_was_interrupted_is_kept_and_the_next_call_goes_on(made_up):
    source = made_up("0.30.0", 1.2)
    source.interrupted = "time-0.27.0-0.29.0-0.32.0.jsonl"
    ended = bisect()
    assert ended.code == EXIT_INTERRUPTED
    assert "the same command goes on there" in ended.err
    before = list(source.measured)
    assert before == ["time-0.27.0-0.32.0.jsonl", "time-0.27.0-0.29.0-0.32.0.jsonl"]
    assert bisect().code == EXIT_FAILED
    assert source.measured[len(before)] == "time-0.27.0-0.29.0-0.32.0.2.jsonl"
    assert len(set(source.measured)) == len(source.measured)
    done = list(source.measured)
    assert bisect().code == EXIT_FAILED
    assert source.measured == done


def test_a_file_that_was_cut_is_measured_again(made_up):
    source = made_up("0.30.0", 1.2)
    bisect()
    (folder,) = Path("results/bisect").iterdir()
    (folder / "time-0.27.0-0.32.0.jsonl").write_bytes(b'{"record": "head')
    assert bisect().code == EXIT_FAILED
    assert source.measured[-1] == "time-0.27.0-0.32.0.2.jsonl"


@pytest.mark.parametrize(
    ("factor", "noise", "code", "said"),
    [
        (1.0, 0.003, EXIT_PASS, "no change between asyncpg 0.27.0 and 0.32.0"),
        (1.0, 0.4, EXIT_INCONCLUSIVE, "0.32.0 is inconclusive"),
        (0.8, 0.003, EXIT_PASS, "changed in asyncpg 0.30.0"),
    ],
)
def test_how_it_ends(made_up, factor, noise, code, said):
    source = made_up("0.30.0", factor, noise=noise)
    ended = bisect()
    assert ended.code == code
    assert said in " ".join(ended.out.split())
    if noise > 0.1:
        assert source.measured[-1] == "time-0.27.0-0.32.0-more.jsonl"


def test_a_threshold_of_ones_own(made_up):
    made_up("0.30.0", 1.2)
    assert bisect("--threshold", "40%").code == EXIT_PASS


def test_other_arguments_have_another_folder(made_up):
    made_up("0.30.0", 1.2)
    bisect()
    bisect("--profile", "default")
    assert len(list(Path("results/bisect").iterdir())) == 2


# --- what cannot be asked for -----------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "0.32", "--to", "0.30"), "--from 0.32 is newer than --to 0.30"),
        (("--from", "0.30", "--to", "0.30.0"), "are the same version"),
        (("--from", "main", "--to", "0.30.0"), "'main' is not a version"),
    ],
)
def test_ends_that_make_no_sense(words, said):
    ended = pgdyno("bisect", CELL, "--driver", "asyncpg", *words)
    assert ended.code == EXIT_USAGE
    assert said in ended.err


@pytest.mark.parametrize("driver", ["asyncpg==0.30.0", "asyncpg@.."])
def test_a_driver_that_is_pinned_already(driver):
    ended = pgdyno("bisect", CELL, "--driver", driver, "--from", "0.30", "--to", "0.32")
    assert ended.code == EXIT_USAGE
    assert "names a copy of the library already" in ended.err


def test_what_cannot_be_timed(made_up):
    made_up("0.30.0", 1.2)
    ended = bisect(cell="types/numbers#int2-write")
    assert ended.code == EXIT_USAGE
    assert "nothing in types/numbers#int2-write can be timed" in ended.err


def test_more_rounds_are_more():
    first, again = (bisecting._plan(1, 4, more=more) for more in (False, True))
    assert again.min_rounds == 2 * first.min_rounds
    assert again.max_rounds == 2 * first.max_rounds
    assert again.budget_s > 2 * first.budget_s
    assert again.target < first.target
