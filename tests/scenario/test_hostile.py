"""Files that nobody writes on purpose: a clean error with a sentence, and in no time."""

from __future__ import annotations

import copy
import json
import os
import random
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness import scenario
from harness.core import limits
from harness.core.errors import ScenarioError
from harness.scenario import reading

HEAD = "schema = 1\n"
CASE = '[[case]]\nname = "c"\nop = "fetch_val"\nsql = "select 1"\n'
VALUE = '[[value]]\ntype = "int4"\nliterals = ["1"]\n'
MUTANTS = 40
"""Of each file of the catalogue."""


def refused(folder: Path, text: str | bytes, name: str = "hostile.toml") -> ScenarioError:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ScenarioError) as caught:
        scenario.select_cells([str(file)])
    return caught.value


def axis(*points: int) -> str:
    lists = (f"a{n} = {list(range(count))}\n" for n, count in enumerate(points))
    return f"{CASE}[case.axes]\n{''.join(lists)}"


def case(more: str) -> str:
    return CASE + more + "\n"


STEP = '[[case]]\nname = "c"\n[[case.step]]\nop = "execute"\nsql = "select 1"\n'
TEXTS = {
    "deep-lists": (f"a = {'[' * 500}{']' * 500}", "nested more than 32 deep"),
    "deep-tables": (f"{'a.' * 500}b = 1", "nested more than 32 deep"),
    "endless-key": (f"{'a.' * 200_000}b = 1", "nested more than 32 deep"),
    "endless-header": (f"[{'a . ' * 200_000}b]", "nested more than 32 deep"),
    "endless-quoted-key": (f"""x = {{ {'"a".' * 100_000}b = 1 }}""", "nested more than 32"),
    "endless-escapes": ('a = "' + '\\"' * 400_000, "not TOML"),
    "deep-arguments": (
        case(f'args = [{{ py = "list", items = {"[" * 40}{"]" * 40} }}]'),
        "nested more than 32 deep",
    ),
    "digits": (f"a = {'9' * 6000}", "more than 1,000 digits"),
    "hexadecimal-digits": (
        case(f"axes.a = [0x{'f' * 6000}]"),
        "case 'c', axes.a, item 1: a whole number has more than 1,000 digits",
    ),
    "digits-in-text": (case(f'clients = "{"9" * 6000}"\npool = 1'), "is more than 1,000"),
    "digits-of-a-constructor": (
        case(f'args = [{{ py = "int", value = "{"9" * 6000}" }}]').replace("1", "$1", 1),
        "argument 1: int: the whole number has more than 1,000 digits",
    ),
    "no-utf-8": (b'title = "\xff"', "line 2: the byte 0xff is no UTF-8"),
    "nul-in-sql": (case('title = "a\\u0000b"'), "case 'c', title: the character NUL"),
    "nul-in-key": (case('settings."a\\u0000" = "1"'), "the character NUL"),
    "many-points": (axis(10**6 // 10), "its axes make 100,000 cells, 1,000 at most"),
    "product": (axis(*[1000] * 9), "its axes make more than 10^12 cells"),
    "large": (VALUE.replace('"1"', '"1", ' * 900_000), "larger than 1,000,000 bytes"),
    "many-literals": (VALUE.replace('"1"', '"1", ' * 20_000), "more than 10,000 cells"),
    "literal-twice": (VALUE.replace('"1"', '"1", "1"'), "two cases are called"),
    "case-twice": (CASE + CASE, "two cases are called 'c'"),
    "value-twice": (axis(2).replace("[0, 1]", "[1, 1]"), "axis 'a0' has 1 twice"),
    "name-with-newline": (CASE.replace('"c"', '"c\\n"'), "name: 'c\\n' cannot stand here"),
    "name-with-escape": (CASE.replace('"c"', '"\\u001b[31m"'), "'\\x1b[31m' cannot"),
    "many-steps": (STEP + "repeat = 2000", "repeat = 2000 is more than 1,000"),
    "steps-of-steps": (
        '[[case]]\nname = "c"\n[[case.step]]\nrepeat = 900\n[[case.step.step]]\n'
        'repeat = 900\nop = "execute"\nsql = "select 1"\n',
        "more than 1,000 steps",
    ),
    "endless-wait": (
        STEP + '[[case.step]]\nop = "wait"\nwith = { seconds = 1e300 }',
        "case 'c', step 2: seconds = 1e+300",
    ),
    "many-arrivals": (
        case('bench.arrivals = { kind = "uniform", rate = 100000, seconds = 100000 }'),
        "more than 1,000,000 ops",
    ),
    "huge-value": (
        case('args = [{ py = "str", value = "x", times = 100000000000 }]\n')
        + 'expect.rejected = true\n',
        "more than 1,024 MB",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_file_is_one_clear_error(tmp_path, name):
    text, told = TEXTS[name]
    if isinstance(text, bytes):
        error = refused(tmp_path, HEAD.encode() + text)
    else:
        error = refused(tmp_path, HEAD + text)
    assert str(error).startswith(str(tmp_path / "hostile.toml"))
    assert told in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 400 + len(str(tmp_path))


DOTS = ".".join("abcd" * 30)


@pytest.mark.parametrize(
    "text",
    [f'"{DOTS}"', f"'{DOTS}'", f"'''\n{DOTS}\n'''", f'"""\\"""{DOTS}"""', f"''#{DOTS}"],
)
def test_dots_in_a_text_are_no_keys(tmp_path, text):
    file = tmp_path / "dots.toml"
    file.write_text(f"{HEAD}why = {text}\n{CASE}")
    assert len(scenario.load(file).cells) == 1


def test_a_mark_at_the_start_is_no_part_of_the_text(tmp_path):
    file = tmp_path / "mark.toml"
    file.write_bytes(b"\xef\xbb\xbf" + (HEAD + CASE).encode())
    assert len(scenario.load(file).cells) == 1


def test_text_for_a_constructor_may_hold_a_nul(tmp_path):
    file = tmp_path / "nul.toml"
    args = 'args = [{ py = "nul_str", value = "a\\u0000b" }]\nexpect.rejected = true\n'
    file.write_text(HEAD + CASE.replace("select 1", "select $1") + args)
    (cell,) = scenario.load(file).cells
    assert cell.args[0]["value"] == "a\0b"


def test_what_is_no_file(tmp_path):
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    lost = tmp_path / "lost.toml"
    lost.symlink_to(tmp_path / "nowhere")
    for path, told in (
        (folder, "has no TOML file"),
        (pipe, "is not a regular file"),
        (lost, "there is no such file"),
        (Path("a" * 5000 + ".toml"), "cannot be read: File name too long"),
        (Path("a\0b.toml"), "is not a scenario"),
    ):
        with pytest.raises(ScenarioError, match=told):
            scenario.select([str(path)])


def test_devices_are_not_read():
    with pytest.raises(ScenarioError, match="is not a regular file"):
        scenario.load(Path("/dev/zero"))


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31m", "a#b", "a@b", "\u202eb", "x" * 150])
def test_a_scenario_has_a_name_for_reports(tmp_path, name):
    file = tmp_path / f"{name}.toml"
    file.write_text(HEAD + CASE)
    with pytest.raises(ScenarioError, match="a scenario cannot be called") as caught:
        scenario.load(file)
    assert str(caught.value).isprintable()


def test_the_same_file_by_a_link_is_the_same_scenario(tmp_path):
    file = tmp_path / "first.toml"
    file.write_text(HEAD + CASE + CASE.replace('"c"', '"d"'))
    link, hard = tmp_path / "link.toml", tmp_path / "hard.toml"
    link.symlink_to(file)
    hard.hardlink_to(file)
    for paths in ([file, link], [file, hard], [file, file]):
        found, cells = scenario.select_cells([str(path) for path in paths])
        assert [one.name for one in found] == ["first"]
        assert [cell.id for cell in cells] == ["first#c", "first#d"]
    found, cells = scenario.select_cells([f"{link}#d", f"{file}#c"])
    assert [one.name for one in found] == ["link"]
    assert [cell.id for cell in cells] == ["link#d", "link#c"]


def test_an_axis_of_any_name_makes_no_round_trip(tmp_path):
    file = tmp_path / "axis.toml"
    text = CASE.replace("select 1", "select ${value}") + "[case.axes]\nvalue = [1, 2]\n"
    file.write_text(HEAD + text + VALUE)
    cells = scenario.load(file).cells
    assert [cell.round_trip for cell in cells if cell.case == "c"] == [False, False]
    assert all(cell.round_trip for cell in cells if cell.case != "c")


def test_an_axis_with_a_dash_is_filled_in(tmp_path):
    file = tmp_path / "dash.toml"
    text = CASE.replace("select 1", "select ${batch-size}")
    file.write_text(f"{HEAD}{text}[case.axes]\nbatch-size = [7]\n")
    assert scenario.load(file).cells[0].sql == "select 7"


def test_the_limits_are_documented():
    page = (Path(__file__).parents[2] / "docs" / "scenario-format.md").read_text("utf-8")
    section = page.partition("## Limits")[2]
    for name, value in vars(limits).items():
        if name.isupper():
            shown = f"{value >> 20:,} MB" if value >= 1 << 27 else f"{value:,}"
            assert f"| {shown} |" in section, name


# --- mutants of the catalogue -----------------------------------------------------------

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 2**70, 10**900, 1.5, float("nan"), "", "x" * 300, "a\nb\x1b", "${x}",
    "@{x}", "$1", [], [[]], [1, "a"], {}, {"py": "list"}, {"py": "int", "value": []},
    {"py": "nope"}, {"x": {"y": []}}, [{"name": "a"}], ["steps"], "control", "fetch_all",
)  # fmt: skip


@cache
def catalogue() -> tuple[tuple[str, dict[str, Any]], ...]:
    return tuple(
        (file.stem, tomllib.loads(file.read_text("utf-8")))
        for file in sorted(scenario.library().rglob("*.toml"))
    )


def excerpt(raw: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """A file with one of its cases or values: as good as all of them, and quick."""
    kind = dice.choice([key for key in ("case", "value") if key in raw])
    head = {key: inner for key, inner in raw.items() if key not in ("case", "value")}
    return copy.deepcopy(head | {kind: [dice.choice(raw[kind])]})


def spots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with each of its keys."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from spots(value[key])


def mutant(raw: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """A file with a few slips: a value replaced, left out, repeated or moved."""
    raw = excerpt(raw, dice)
    for _ in range(dice.randint(1, 3)):
        found = list(spots(raw))
        if not found:
            break
        holder, key = dice.choice(found)
        match dice.randrange(4):
            case 0:
                holder[key] = copy.deepcopy(dice.choice(ODD))
            case 1:
                del holder[key]
            case 2 if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case 2:
                holder[f"{key}{dice.choice('xs_ ')}"] = holder.pop(key)
            case _:
                other, place = dice.choice(found)
                if not contains(holder[key], other):
                    other[place] = copy.deepcopy(holder[key])
    return raw


def contains(value: Any, other: Any) -> bool:
    return value is other or any(holder[key] is other for holder, key in spots(value))


def toml(value: Any) -> str:
    """A value in TOML, as inline tables."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f")
    return '"none"' if value is None else str(value).lower()


def outcome(file: Path) -> str:
    """Cells, or one clean error; whatever else is raised fails the test."""
    try:
        cells = scenario.load(file).cells
    except ScenarioError as caught:
        error = caught
    else:
        assert cells
        return "cells"
    told = f"{error} {error.hint}"
    assert told.startswith(str(file)), told
    assert told.isprintable(), told
    assert not any(word in told for word in ("Object", "`object`", "`$.", "regex")), told
    return "errors"


@pytest.mark.parametrize("seed", range(4))
def test_mutants_of_the_catalogue_are_cells_or_a_clean_error(tmp_path, seed):
    dice = random.Random(seed)
    outcomes = {"cells": 0, "errors": 0}
    for name, raw in catalogue():
        for number in range(MUTANTS // 4):
            made = mutant(raw, dice)
            file = tmp_path / f"{name}-{number}.toml"
            text = "\n".join(
                f"{json.dumps(key)} = {toml(one)}" for key, one in made.items()
            )
            file.write_text(text, "utf-8")
            try:
                assert scenario.load(file).cells
                outcomes["cells"] += 1
            except ScenarioError as error:
                outcomes["errors"] += 1
                told = f"{error} {error.hint}"
                assert told.startswith(str(file)), told
                assert told.isprintable(), told
                assert not any(
                    word in told for word in ("Object", "`object`", "`$.", "regex")
                )
    assert min(outcomes.values()) > 50


def test_bytes_that_were_scrambled_are_a_clean_error(tmp_path):
    dice = random.Random(7)
    files = sorted(scenario.library().rglob("*.toml"))
    for number in range(150):
        data = bytearray(dice.choice(files).read_bytes())
        for _ in range(dice.randint(1, 8)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        file = tmp_path / f"scrambled-{number}.toml"
        file.write_bytes(data)
        assert outcome(file) in ("cells", "errors")


def test_a_file_is_read_once_and_bounded(tmp_path):
    file = tmp_path / "growing.toml"
    file.write_bytes(b"#" * (limits.FILE_BYTES + 1))
    with pytest.raises(ScenarioError, match="larger than 1,000,000 bytes"):
        reading.read(file)
