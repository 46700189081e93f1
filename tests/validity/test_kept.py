"""Kept trials: whatever measured them differently from now is refused, and says why."""

from __future__ import annotations

import json
from pathlib import Path

import fake_runs
import pytest
from msgspec.structs import replace

from harness import scenario
from harness.bench.schedule import PLANS
from harness.core.errors import ResultsError
from harness.machine import host
from harness.results import store
from harness.results.records import Footer, Header
from harness.validity import kept

SERVER = fake_runs.SERVER
RULES = {"burdens": (0.02, 0.05), "seed": 1}


def claim(folder: Path, trials: str = "idle", **changed) -> None:
    kept.claim(folder, SERVER, trials, RULES | changed)


def refusal(folder: Path, **changed) -> str:
    with pytest.raises(ResultsError) as caught:
        claim(folder, **changed)
    assert str(caught.value).startswith(f"{folder}: ")
    assert caught.value.hint == "remove the folder, or name another one with --keep"
    return str(caught.value).removeprefix(f"{folder}: ")


def test_a_new_folder_says_what_measures_its_trials(tmp_path: Path):
    folder = tmp_path / "deep" / "kept"
    claim(folder)
    said = json.loads((folder / kept.FILE).read_text())
    assert said["rules"] == {"idle": {"burdens": [0.02, 0.05], "seed": 1}}
    assert {*said["conditions"]} == {
        "pgdyno", "sources", "machine", "python", "server", "libraries",
    }  # fmt: skip


def test_who_comes_again_is_let_in(tmp_path: Path):
    claim(tmp_path)
    before = (tmp_path / kept.FILE).read_text()
    claim(tmp_path)
    assert (tmp_path / kept.FILE).read_text() == before


def test_other_trials_may_stand_beside(tmp_path: Path):
    claim(tmp_path)
    claim(tmp_path, "hog", burdens=())
    claim(tmp_path)
    assert {*json.loads((tmp_path / kept.FILE).read_text())["rules"]} == {"idle", "hog"}


def test_other_rules_are_refused(tmp_path: Path):
    claim(tmp_path)
    assert refusal(tmp_path, burdens=(0.02,)) == (
        "its trials 'idle' were measured otherwise:"
        " burdens was [0.02, 0.05], now it is [0.02]"
    )


@pytest.mark.parametrize(
    ("patched", "value", "name"),
    [
        ("__version__", "0.0.9", "pgdyno"),
        ("sources", lambda: "f00", "sources"),
        ("DRIVERS", ("pytest",), "libraries"),
    ],
)
def test_other_code_is_refused(tmp_path: Path, monkeypatch, patched, value, name):
    claim(tmp_path)
    monkeypatch.setattr(kept, patched, value)
    assert refusal(tmp_path).startswith(f"its trials were measured otherwise: {name} was ")


def test_another_machine_is_refused(tmp_path: Path, monkeypatch):
    claim(tmp_path)
    elsewhere = replace(host.describe(), hostname_hash="0" * 12)
    monkeypatch.setattr(host, "describe", lambda: elsewhere)
    assert refusal(tmp_path).startswith("its trials were measured otherwise: machine was ")


def test_another_server_is_refused(tmp_path: Path):
    claim(tmp_path)
    with pytest.raises(ResultsError, match=r"server was .* 18.4 .* now it is .* 9.6"):
        kept.claim(tmp_path, replace(SERVER, version="9.6"), "idle", RULES)


@pytest.mark.parametrize("name", ["idle-10x100-000.jsonl", "pyperf-idle.json"])
def test_trials_from_nobody_knows_when_are_refused(tmp_path: Path, name: str):
    (tmp_path / name).write_text("")
    assert refusal(tmp_path) == "nothing says what measured the trials that are in it"


@pytest.mark.parametrize("text", ["", "[]", '{"conditions": {}}', "{"])
def test_an_unreadable_account_is_refused(tmp_path: Path, text: str):
    (tmp_path / kept.FILE).write_text(text)
    assert refusal(tmp_path) == f"{kept.FILE} cannot be read"


def test_the_code_of_a_trial_is_not_its_comments():
    plain = "def f(a):\n    return a\n"
    told = '"""Doc."""\n\n\ndef f(a):\n    """Doc."""\n    # a reason\n    return (a)\n'
    assert kept.code(plain) == kept.code(told)
    assert kept.code(plain) != kept.code(plain.replace("return a", "return -a"))


def test_the_digest_knows_every_deciding_room():
    package = Path(kept.__file__).parents[1]
    assert all((package / room / "__init__.py").exists() for room in kept.DECIDING)
    assert all((package / "validity" / name).exists() for name in kept.DOSES)
    assert kept.sources() == kept.sources.__wrapped__()


def test_rules_of_a_run_are_its_cells_and_its_plan():
    _, cells = scenario.select_cells(["query/point#fetch-one"])
    rules = kept.rules(cells, PLANS["quick"], arms=["psycopg2"])
    assert rules["cells"] == {cells[0].id: cells[0].digest}
    assert rules["slice_ns"] == PLANS["quick"].slice_ns
    assert rules["arms"] == ["psycopg2"]


# --- a trial by itself --------------------------------------------------------------------


def trial(file: Path, reason: str = "complete", **header) -> Path:
    """The file of a trial of today, here, but for what is given."""
    made = fake_runs.bench(rounds=1).header
    told: Header = replace(
        made, **{"pgdyno": kept.__version__, "machine": host.describe(), **header}
    )
    with store.Writer(file) as out:
        out.write(told)
        out.write(Footer(ended="", reason=reason, trials=0, checks=0, elapsed_ns=1))
    return file


def test_a_trial_is_complete_when_it_came_to_its_end(tmp_path: Path):
    assert kept.complete(trial(tmp_path / "a.jsonl"))
    assert not kept.complete(trial(tmp_path / "b.jsonl", reason="interrupted"))
    assert not kept.complete(tmp_path / "c.jsonl")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"pgdyno": "0.0.9"}, "pgdyno was 0.0.9, now it is "),
        ({"machine": fake_runs.MACHINE}, "machine was Linux, AMD EPYC 7763"),
    ],
)
def test_a_trial_from_elsewhere_is_refused(tmp_path: Path, header, said):
    with pytest.raises(ResultsError, match=r"its trial .* was measured") as caught:
        kept.complete(trial(tmp_path / "a.jsonl", **header))
    assert said in str(caught.value)
