"""`pgdyno claims` as it is called: real libraries, a real server, and what is kept."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.claims import naming, reading
from harness.claims.baseline import load
from harness.claims.form import AnyCondition
from harness.cli.main import main
from harness.core.errors import EXIT_FAILED, EXIT_INVALID, EXIT_PASS, EXIT_USAGE

ROOT = Path(__file__).parent.parent.parent
FILE = '''\
schema = 1
id = "ZZ"
title = "A page"
date = "2026"
about = "What it says."
[[claim]]
id = "ZZ-01"
claim = "It seeks."
[[claim.decide]]
by = "cell"
cell = "query/constant#select-1"
driver = "psycopg2"
[[claim]]
id = "ZZ-02"
claim = "It has `notifies()`."
[[claim.decide]]
by = "program"
driver = "psycopg2"
python = """
import psycopg2
conn = psycopg2.connect(dsn)
conn.cursor().execute('create table mine (id int)')
answer = conn.notifies()
"""
needs = ["output-plugin:pgoutput"]
expect.type = "list"
[[claim]]
id = "ZZ-03"
claim = "It has a signature, and no other."
[[claim.decide]]
by = "inspect"
part = "by its documentation"
driver = "psycopg2"
path = "psycopg2.extras:ReplicationCursor.send_feedback"
expect.parameters = ["write_lsn", "reply"]
[[claim.decide]]
by = "inspect"
part = "a module that is not there"
driver = "psycopg2"
path = "psycopg2.nothing:Thing"
expect.exists = true
[[claim.decide]]
by = "program"
part = "a module of its own"
driver = "psycopg2"
python = "import psycopg2.nothing"
expect.equals = 1
[[claim]]
id = "ZZ-04"
claim = "It ends."
[[claim.decide]]
by = "program"
part = "hangs"
driver = "psycopg2"
python = "import time; time.sleep(60)"
expect.raises = "Hangs"
seconds = 1
[[claim.decide]]
by = "program"
part = "dies"
driver = "psycopg2"
python = "import os; os.kill(os.getpid(), 11)"
expect.raises = "Crash: *-11*"
[[claim.decide]]
by = "program"
part = "raises what no `except Exception` catches"
driver = "psycopg2"
python = "raise KeyboardInterrupt"
expect.raises = "KeyboardInterrupt"
[[claim.decide]]
by = "program"
part = "awaits, and sees nothing of the others"
driver = "psycopg2"
python = """
import asyncio
await asyncio.sleep(0)
answer = sorted(name for name in ("time", "os") if name in globals())
"""
expect.equals = []
[[claim]]
id = "ZZ-05"
claim = "It needs what is not here."
[[claim.decide]]
by = "program"
part = "a package beside the library"
driver = "psycopg2"
python = "import no_such_package.part"
expect.equals = 1
[[claim.decide]]
by = "program"
driver = "psycopg2"
needs = ["output-plugin:no_such_plugin"]
python = "answer = 1"
expect.equals = 1
[[claim]]
id = "ZZ-06"
claim = "It is a matter of taste."
[[claim.decide]]
by = "undecidable"
reason = "Nothing measures it."
'''


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    found = tmp_path / "zz.toml"
    found.write_text(FILE)
    return found


def outcomes(capsys: pytest.CaptureFixture[str]) -> dict[str, dict]:
    (source,) = json.loads(capsys.readouterr().out)["sources"]
    return {claim["id"]: claim for claim in source["claims"]}


def test_claims_are_run_kept_and_watched(file, dsn, capsys):
    run = ["claims", str(file), "--run", "--server", dsn, "--format", "json"]
    assert main(run) == EXIT_PASS
    found = outcomes(capsys)
    assert {name: claim["outcome"] for name, claim in found.items()} == {
        "ZZ-01": "holds",
        "ZZ-02": "does not hold",
        "ZZ-03": "depends",
        "ZZ-04": "holds",
        "ZZ-05": "not tried",
        "ZZ-06": "not tried",
    }
    assert "TypeError: 'list' object is not callable" in found["ZZ-02"]["seen"]
    assert found["ZZ-02"]["versions"].startswith("psycopg2 2.")
    assert "does not hold: a module that is not there" in found["ZZ-03"]["seen"]
    assert "a module of its own: raises ModuleNotFoundError" in found["ZZ-03"]["seen"]
    assert "holds: by its documentation: parameters: write_lsn" in found["ZZ-03"]["seen"]
    assert "no_such_plugin cannot be used" in found["ZZ-05"]["seen"]
    assert "needs the module no_such_package, which is not" in found["ZZ-05"]["seen"]
    assert found["ZZ-06"]["seen"] == "Nothing measures it."

    kept = sorted(Path("results/claims").iterdir())
    assert [re.sub(r"-\d.*\d", "", path.name) for path in kept] == [
        "check.jsonl",
        "library.json",
    ]
    later = ["claims", str(file), "--format", "json"]
    assert main(later) == EXIT_PASS
    assert outcomes(capsys) == found
    assert sorted(Path("results/claims").iterdir()) == kept

    watched = [*later, "--baseline", "known/baseline.json"]
    assert main([*watched, "--update"]) == EXIT_PASS
    capsys.readouterr()
    known = load(Path("known/baseline.json"))
    assert known["ZZ-02"].outcome == "does not hold"
    file.write_text(FILE.replace('expect.type = "list"', 'expect.raises = "TypeError"'))
    assert main(watched) == EXIT_FAILED
    drift = outcomes(capsys)["ZZ-02"]["drift"]
    assert drift.startswith(
        "holds instead of does not hold, with the same version: psycopg2"
    )

    elsewhere = ["--evidence", "nothing", "--format", "text", "--details"]
    assert main([*watched, *elsewhere]) == EXIT_PASS
    told = capsys.readouterr().out
    assert "4 outcomes of the baseline" in told
    assert max(len(line) for line in told.splitlines() if "pgdyno" not in line) <= 80


def test_a_claim_that_names_no_cell_is_a_fault(file, capsys):
    file.write_text(FILE.replace("query/constant#select-1", "query/constant#select-2"))
    assert main(["claims", str(file)]) == EXIT_INVALID
    told = capsys.readouterr()
    assert "did you mean `query/constant#select-1`?" in told.err


def test_a_library_that_is_not_installed(file, dsn, capsys, monkeypatch, tmp_path):
    """Its plug-in is there, the library is not; others go on."""
    (tmp_path / "psycopg2.py").write_text("raise ModuleNotFoundError('No psycopg2')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = ["claims", str(file), "--run", "--server", dsn, "--format", "json"]
    assert main(run) == EXIT_PASS
    found = outcomes(capsys)
    assert {claim["outcome"] for claim in found.values()} == {"not tried"}
    assert "is not installed" in found["ZZ-01"]["seen"]
    assert "pip install 'pgdyno[psycopg2]'" in found["ZZ-02"]["seen"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["QQ"], "'QQ' is neither a source nor a claim"),
        (["nothing.toml"], "nothing.toml cannot be read"),
        (["--run", "--from", "run.jsonl"], "--from decides from runs that there are"),
    ],
)
def test_what_cannot_be_asked(file, capsys, words, told):
    assert main(["claims", *words]) == EXIT_USAGE
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("form", ["html", "markdown", "text"])
def test_a_page_shows_what_somebody_claims_as_text(file, capsys, form):
    file.write_text(FILE.replace("It seeks.", "<script>alert(`1`)</script>"))
    assert (
        main(["claims", str(file), "--format", form, "--out", f"page.{form}"]) == EXIT_PASS
    )
    page = Path(f"page.{form}").read_text()
    assert "A page" in page
    assert "<script>" not in page or form == "text"


def test_a_report_has_a_section_about_claims(file, dsn, capsys):
    check = ["check", "query/constant", "--driver", "psycopg2", "--server", dsn]
    main([*check, "--out", "run.jsonl"])
    main(["report", "run.jsonl", "--claims", "--format", "html,markdown", "--out", "with"])
    main(["report", "run.jsonl", "--format", "html", "--out", "without"])
    page = Path("with/report.html").read_text()
    assert 'id="P2-04"' in page
    assert "## What is claimed" in Path("with/report.md").read_text().replace("\n#", "\n##")
    assert "P2-04" not in Path("without/report.html").read_text()


# --- the claims that come with pgdyno ----------------------------------------------------


def test_the_claims_of_the_library_name_what_there_is():
    wrong = [
        (claim.id, told)
        for source in reading.load_all()
        for claim in source.claim
        for condition in claim.decide
        for told in map(naming.unknown_cell, naming.cells_of(condition))
        if told
    ]
    assert not wrong


MEASURED = {"compare", "time", "memory", "undecidable"}
"""Ways of claims that nobody has to have tried."""


@pytest.mark.parametrize(("document", "rows"), [("P2", 36), ("A1", 45), ("A2", 31)])
def test_every_row_of_a_document_was_watched(document, rows):
    known = load(ROOT / "claims" / "baseline.json")
    (source,) = [source for source in reading.load_all() if source.id == document]
    ids = [f"{document}-{number:02}" for number in range(1, rows + 1)]
    assert [claim.id for claim in source.claim] == ids
    unwatched = [
        claim.id
        for claim in source.claim
        if known[claim.id].outcome == "not tried"
        and not {way(condition) for condition in claim.decide} <= MEASURED
    ]
    assert not unwatched


def way(condition: AnyCondition) -> str:
    return str(type(condition).__struct_config__.tag)
