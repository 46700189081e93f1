"""One table: PostgreSQL type ⇄ Python value ⇄ canonical text."""

from harness.values.codec import Canonical, Codec, Habit, NotCanonical, UnknownForm
from harness.values.constructors import check_spec, construct, form
from harness.values.containers import Range
from harness.values.table import (
    canonical,
    canonical_text,
    converter,
    describe_type,
    habit,
    parse,
    readings,
    text_column,
    value_column,
)

__all__ = [
    "Canonical",
    "Codec",
    "Habit",
    "NotCanonical",
    "Range",
    "UnknownForm",
    "canonical",
    "canonical_text",
    "check_spec",
    "construct",
    "converter",
    "describe_type",
    "form",
    "habit",
    "parse",
    "readings",
    "text_column",
    "value_column",
]
