"""The columns of every table, with their dtypes; docs/api.md says what they mean."""

from __future__ import annotations

from collections.abc import Mapping

from harness.core.metrics import READINGS

TEXT, WORD, COUNT, NUMBER, FLAG = "string", "category", "Int64", "Float64", "boolean"

_RUN = {
    "run": WORD,
    "pgdyno": WORD,
    "python": WORD,
    "server_version": WORD,
}
_ARM = {
    "driver": WORD,
    "profile": WORD,
    "library": WORD,
    "library_version": WORD,
}
_PLACE = {"cell": WORD, "arm": WORD, "round": COUNT, "attempt": COUNT, "counts": FLAG}

TRIALS: Mapping[str, str] = {
    **_RUN,
    **_PLACE,
    **_ARM,
    "kind": WORD,
    "verdict": WORD,
    "detail": TEXT,
    "observed": TEXT,
    "expected": TEXT,
    "disturbed": TEXT,
    "steady": FLAG,
    "ops": COUNT,
    "clients": COUNT,
    "units_per_op": COUNT,
    "slices": COUNT,
    "wall_ns_per_op": NUMBER,
    "latencies": COUNT,
    "rss_peak_bytes": COUNT,
}
SLICES: Mapping[str, str] = {
    "run": WORD,
    **_PLACE,
    "pass": COUNT,
    "left_out": FLAG,
    "ops": COUNT,
    "clients": COUNT,
    "wall_ns": COUNT,
    **dict.fromkeys(READINGS, COUNT),
}
CHECKS: Mapping[str, str] = {
    **_RUN,
    "scenario": WORD,
    "case": WORD,
    "cell": WORD,
    "arm": WORD,
    **_ARM,
    "verdict": WORD,
    "detail": TEXT,
    "observed": TEXT,
    "expected": TEXT,
    "expected_verdict": WORD,
    "drift": TEXT,
    "deviation": TEXT,
    "link": TEXT,
    "elapsed_ns": COUNT,
}
RATIOS: Mapping[str, str] = {
    "run": WORD,
    "cell": WORD,
    "arm": WORD,
    "reference": WORD,
    "n": COUNT,
    "ratio": NUMBER,
    "low": NUMBER,
    "high": NUMBER,
    "confidence": NUMBER,
    "p": NUMBER,
    "rank": COUNT,
    "tied": FLAG,
}
NUMBERS: Mapping[str, str] = {
    "run": WORD,
    "cell": WORD,
    "arm": WORD,
    "group": WORD,
    "metric": WORD,
    "unit": WORD,
    "verdict": WORD,
    "n": COUNT,
    "estimate": NUMBER,
    "low": NUMBER,
    "high": NUMBER,
    "confidence": NUMBER,
    "ratio": NUMBER,
    "ratio_low": NUMBER,
    "ratio_high": NUMBER,
    "ratio_trimmed": NUMBER,
    "ratio_trimmed_low": NUMBER,
    "ratio_trimmed_high": NUMBER,
    "test": WORD,
    "p": NUMBER,
    "p_adjusted": NUMBER,
    "detectable": NUMBER,
    "over_floor": NUMBER,
    "over_floor_low": NUMBER,
    "over_floor_high": NUMBER,
    "rank": COUNT,
    "tied": FLAG,
    "flags": TEXT,
    "detail": TEXT,
}
TABLES: Mapping[str, Mapping[str, str]] = {
    "trials": TRIALS,
    "slices": SLICES,
    "checks": CHECKS,
    "ratios": RATIOS,
    "numbers": NUMBERS,
}
