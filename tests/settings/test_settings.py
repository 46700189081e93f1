"""What a project decides, and that nothing wrong in it is passed over."""

from __future__ import annotations

import pytest

from harness import settings
from harness.core.errors import EXIT_USAGE, UsageError

PYPROJECT = """
[project]
name = "library"
[tool.pgdyno]
margin = "5%"
gate = ["query", "copy/*"]
control = ["psycopg2==2.9.9"]
[tool.pgdyno.margins]
"copy/in" = 0.08
"""


def test_settings_stand_in_pyproject(tmp_path):
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    below = tmp_path / "src" / "library"
    below.mkdir(parents=True)
    found = settings.load(below)
    assert found.margin == 0.05
    assert found.margins == {"copy/in": 0.08}
    assert found.gate == ("query", "copy/*")
    assert found.control == ("psycopg2==2.9.9",)
    assert found.path == str(tmp_path / "pyproject.toml")


def test_pgdyno_toml_comes_first_and_the_nearest_folder_counts(tmp_path):
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "pgdyno.toml").write_text("margin = 0.02")
    assert settings.load(tmp_path).margin == 0.02
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "pyproject.toml").write_text("[project]\nname = 'silent'")
    assert settings.load(inside).margin == 0.02
    (inside / "pyproject.toml").write_text("[tool.pgdyno]\nmargin = 0.04")
    assert settings.load(inside).margin == 0.04


def test_nothing_is_decided_without_a_file(tmp_path):
    found = settings.load(tmp_path)
    assert (found.margin, found.margins, found.gate, found.control) == (None, {}, (), ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('margin = "wide"', "margin: 'wide' is neither 3% nor 0.03"),
        ("margin = nan", "margin: 'nan' must lie between 0 and 100 %"),
        ("margin = inf", "margin: 'inf' must lie between 0 and 100 %"),
        ("margin = 3", "margin: '3' must lie between 0 and 100 %"),
        ("margin = -0.03", "margin: '-0.03' must lie between 0 and 100 %"),
        ("margin = true", "margin: 'True' is neither"),
        ("margin = []", "margin: '[]' is neither"),
        ('[margins]\n"copy/*" = "much"', "margins.\"copy/*\": 'much' is neither"),
        ("margins = 3", "margins: Expected"),
        ("control = [1]", "control[0]: Expected `str`"),
        ('gate = "copy"', "gate: Expected `array`"),
        ('gate = [" "]', "gate holds an empty pattern"),
        ("margn = 0.03", "unknown key `margn`; did you mean `margin`?"),
        ("margin = ", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named_with_its_file_and_its_key(tmp_path, text, said):
    file = tmp_path / "pgdyno.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        settings.load(tmp_path)
    assert str(file) in str(caught.value)
    assert said in str(caught.value)
    assert caught.value.exit_code == EXIT_USAGE


def test_a_table_that_is_none(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool]\npgdyno = 3")
    with pytest.raises(UsageError, match=r"tool\.pgdyno is not a table"):
        settings.load(tmp_path)
