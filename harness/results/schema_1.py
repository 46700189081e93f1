"""What the sentences of schema 1 say, as codes and facts.

A record of schema 1 has a verdict and three texts. Programs had to read these texts; this
is what they read, in one place, for files that exist already. Nothing here changes any
more: texts of today belong to records that have a code.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

_WHEN = re.compile(
    r"(?P<when>while opening|with \d+ clients at once|with \d+ sessions|in the loop"
    r"|while warming up|while it was (?:timed op by op|timed|counted)|after it was timed)"
    r": (?P<rest>.*)",
    re.DOTALL,
)
_STEP = re.compile(r"step (?P<step>\d+), (?P<label>[^:]*): (?P<rest>.*)", re.DOTALL)
_UNNAMED = re.compile(r"join \w+|\w+\.(?P<act>\w+)")
_SEEN = re.compile(r"(?P<type>[\w.\[\] |]+): (?P<repr>.*)", re.DOTALL)
_VALUE = r"raised |still waiting |the task |[\w.]+(?:\[[^:]*\])?: "
_LABEL = re.compile(rf"(?:^|; )(?P<label>[^:;]+): (?={_VALUE})")
_RAISED = re.compile(r"raised (?P<class>[\w.]+)(?: \[(?P<sqlstate>\w+)\])?")
_WAITING = re.compile(r"still waiting after (?P<ms>[\d,]+) ms")
_ERROR = re.compile(
    r"(?:no Exception: )?(?:(?:no SQLSTATE|SQLSTATE \w+) instead of \w+: )?"
    r"(?P<class>[\w.]+)(?: \[(?P<sqlstate>\w+)\])?(?:: (?P<message>.*))?",
    re.DOTALL,
)
_PLACE = re.compile(r"(?:row (?P<row>[\d,]+), )?column (?P<column>[^:]*): ")
_NO_ACT = re.compile(r"(?P<driver>\S+) has no `(?P<act>\w+)`: (?P<sentence>.*)", re.DOTALL)
_NO_OP = re.compile(
    r"\S+ has no (?P<op>execute_many|batch_helper|pipeline|transaction|savepoint"
    r"|copy_in|copy_out|connect|connect_query|checkout|sequential|fetch_\w+|execute)"
)
_ENTRY = re.compile(r"no (?P<entry>\w+), which is ")
_INSIDE = r"(?P<entry>\w+): "
_CANNOT = re.compile(r"\S+ cannot (?P<sentence>.*)")
_CAPABILITIES: Mapping[str, str] = {
    "send and receive jsonb documents as Python objects": "jsonb",
    "send a list as a PostgreSQL array and receive one as a list": "arrays",
    "send and receive pgvector's vector as something other than text": "vector",
    "execute a statement that the server has prepared before": "prepared",
    "send many statements before it reads the first result": "pipeline",
    "stream COPY in text format": "copy-text",
    "stream COPY in CSV format": "copy-csv",
    "stream COPY in binary format": "copy-binary",
    "COPY from Python rows, encoding the values itself": "copy-rows",
    "COPY from bytes that are already encoded": "copy-bytes",
    "share connections among clients through the library's own pool": "pool",
    "let a client wait when all connections of its pool are in use": "pool-waits",
    "raise exceptions of the classes that PEP 249 names": "pep-249",
}

_CODES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "exact": ((r"binary values not compared, only NULLs", "only-nulls"), (r"", "right")),
    "lossy": (
        (r"no error came, expected ", "no-error"),
        (r"[\d,]+ rows? instead of ", "row-count"),
        (r"row [\d,]+: [\d,]+ columns? instead of ", "column-count"),
        (r"a value without a column", "column-count"),
        (r"\w+ results for \d+ statements", "result-count"),
        (r"the server has \d+ rows afterwards", "wrong-state"),
        (r"what the server has afterwards differs", "wrong-state"),
        (r"the server saw another number of sessions", "session-count"),
        (r"the error names ", "wrong-field"),
        (r"the exception's text shows the password", "password-shown"),
        (r"the \w+ stream is malformed", "malformed"),
        (r"call \d+ brought other rows", "wrong-value"),
        (r"row [\d,]+, column ", "wrong-value"),
        (r"(?s:.*)(?: instead of | is not like | is no dict|…$)", "wrong-value"),
    ),
    "differs": (
        (r"column [^:]*: (?s:.*) instead of ", "wrong-type"),
        (r"no \w+, which is ", "not-told"),
        (r"the error names no ", "not-told"),
        (r"memory grew by ", "grows"),
        (r"(?s:.*) instead of ", "wrong-type"),
    ),
    "rejected": (
        (r"no SQLSTATE instead of ", "no-sqlstate"),
        (r"SQLSTATE \w+ instead of ", "wrong-sqlstate"),
        (r"the task is cancelled$", "cancelled"),
        (r"", "error"),
    ),
    "unsupported": ((r"", "not-offered"),),
    "skipped": (
        (r"the server (?:has no |is built without )", "server-lacks"),
        (r"the extension \S+ is not there", "server-lacks"),
        (r"the user is no superuser", "server-lacks"),
        (r"PostgreSQL \d+ is needed", "server-lacks"),
        (r"only a server of pgdyno's own", "server-lacks"),
        (r"these PostgreSQL binaries are built without", "server-lacks"),
        (r"(?:\w+: )?there is no \w+ (?:program|in )", "server-lacks"),
        (r"\w+: only beside a server of pgdyno's own", "server-lacks"),
        (r"valgrind is not installed", "not-counted"),
    ),
    "broken": (
        (r"no Exception: ", "panic"),
        (r"the connection is unusable afterwards", "unusable"),
        (r"(?:\w+: )?another query's answer came back", "desync"),
        (r"the rows are decoded after the op", "decoded-late"),
        (r"reading .* raised |the result cannot be read", "unreadable"),
    ),
    "crashed": ((r"", "worker-died"),),
    "hung": (
        (r"still waiting after ", "waiting"),
        (r"it took more than ", "late"),
        (r"no answer within ", "no-answer"),
    ),
    "invalid": (
        (r"the harness failed: ", "harness-fault"),
        (r"against its terms: ", "breaks-terms"),
        (r"the plug-in claimed the op and then said", "false-claim"),
        (r"(?:column [^:]*: )?pgdyno cannot read the server's ", "harness-fault"),
        (r"the fixture of \S+ fails: ", "scenario-fault"),
    ),
}
"""Verdict → what a detail begins with → the code that it had to mean."""

_OF_ERRORS = ("error", "no-sqlstate", "wrong-sqlstate", "wrong-field", "panic")
_OF_VALUES = ("wrong-value", "wrong-type", "not-told", "column-count", "unknown")


def judgement(
    verdict: str, detail: str = "", observed: str = "", expected: str = ""
) -> dict[str, Any]:
    """A raw judgement of schema 2 from the texts of schema 1."""
    place, told = _placed(detail)
    code = _code(verdict, told, observed)
    facts = {**place, **_facts(place, verdict, code, told, observed, expected)}
    texts = {"detail": detail, "observed": observed, "expected": expected}
    return {"verdict": verdict, "code": code, **texts, "facts": facts}


def _code(verdict: str, told: str, observed: str) -> str:
    if verdict == "exact" and observed:
        return "observed"
    known = _CODES.get(verdict, ())
    return next((code for text, code in known if re.match(text, told)), "unknown")


def _placed(detail: str) -> tuple[dict[str, Any], str]:
    """Which step it was, or when; and the rest of the detail."""
    if step := _STEP.fullmatch(detail):
        return {"step": int(step["step"]), **_labelled(step["label"])}, step["rest"]
    if when := _WHEN.fullmatch(detail):
        return {"when": when["when"]}, when["rest"]
    return {}, detail


def _labelled(label: str) -> dict[str, Any]:
    unnamed = _UNNAMED.fullmatch(label)
    act = {"act": unnamed["act"]} if unnamed and unnamed["act"] else {}
    return {"label": label, "named": unnamed is None, **act}


def _facts(
    place: Mapping[str, Any],
    verdict: str,
    code: str,
    told: str,
    observed: str,
    expected: str,
) -> dict[str, Any]:
    if code == "observed":
        return _traits(observed)
    if code == "not-offered":
        return _lacking(told)
    if code == "error" and "when" in place and not observed:
        return {"message": told}  # as a worker said it, class and words in one
    if code in _OF_ERRORS or told.startswith("the error names "):
        return _error(told, observed, expected)
    if code in _OF_VALUES and verdict in ("lossy", "differs"):
        return _values(code, told, observed, expected)
    if code == "waiting":
        return _answer(told)
    if code in ("server-lacks", "breaks-terms"):
        return {"message": told.removeprefix("against its terms: ")}
    return {}


# --- traits -----------------------------------------------------------------------------


def _traits(observed: str) -> dict[str, Any]:
    """`label: value; label: value` of a case of steps, or the value of another case."""
    answers = list(_answers(observed))
    return {"answers": answers} if answers else _answer(observed)


def _answers(observed: str) -> Iterator[dict[str, Any]]:
    found = list(_LABEL.finditer(observed))
    ends = [label.start() for label in found[1:]] + [len(observed)]
    for label, end in zip(found, ends, strict=False):
        answer = _answer(observed[label.end() : end])
        yield {**_labelled(label["label"]), **answer}


def _answer(text: str) -> dict[str, Any]:
    if raised := _RAISED.fullmatch(text):
        return {"class": raised["class"], "sqlstate": raised["sqlstate"] or ""}
    if waiting := _WAITING.fullmatch(text):
        return {"waited_ms": int(waiting["ms"].replace(",", ""))}
    if text == "the task is cancelled":
        return {"cancelled": True}
    seen = _SEEN.fullmatch(text)
    return {**seen.groupdict(), **_evaluated(seen["repr"])} if seen else {}


def _evaluated(text: str) -> dict[str, Any]:
    """The value of a repr, where it is one that JSON can say; of a dict that was cut, the
    entries that were not."""
    if text.startswith("{") and text.endswith("…"):
        text = text.rpartition(", '")[0] + "}"
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return {}
    return {"value": value} if _plain(value) else {}


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_plain, value))
    if isinstance(value, dict):
        return all(isinstance(name, str) for name in value) and _plain([*value.values()])
    if isinstance(value, int):
        return abs(value) < 2**63
    return value is None or (isinstance(value, str) and value.isprintable())


# --- what was wrong ---------------------------------------------------------------------


def _error(told: str, observed: str, expected: str) -> dict[str, Any]:
    found = _ERROR.fullmatch(observed) or _ERROR.fullmatch(told)
    wanted = expected.removeprefix("SQLSTATE ") if expected.startswith("SQLSTATE ") else ""
    state = {"expected_sqlstate": wanted} if wanted else {}
    if found is None:
        return {"message": observed or told, **state}
    error = {name: text or "" for name, text in found.groupdict().items()}
    return {**error, **state}


def _values(code: str, told: str, observed: str, expected: str) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if place := _PLACE.match(told):
        row = {"row": int(place["row"].replace(",", ""))} if place["row"] else {}
        facts |= {**row, "column": place["column"]}
        if code == "wrong-type":
            facts["usual_types"] = told.rpartition(" instead of ")[2].split(" or ")
    elif entry := _ENTRY.match(told) or re.match(_INSIDE + re.escape(observed), told):
        facts["entry"] = entry["entry"]
    if seen := _SEEN.fullmatch(observed):
        facts |= seen.groupdict()
    if wanted := _SEEN.fullmatch(expected):
        facts |= {f"expected_{name}": text for name, text in wanted.groupdict().items()}
    return facts


def _lacking(told: str) -> dict[str, Any]:
    if told == "a thread of a blocking library cannot be cancelled":
        return {"message": told, "act": "cancel_task"}
    cannot = _CANNOT.fullmatch(told)
    if cannot and cannot["sentence"] in _CAPABILITIES:
        return {"message": told, "capability": _CAPABILITIES[cannot["sentence"]]}
    if act := _NO_ACT.fullmatch(told):
        return {"message": told, **act.groupdict()}
    op = _NO_OP.fullmatch(told)
    return {"message": told, **({"op": op["op"]} if op else {})}


# --- arms ------------------------------------------------------------------------------


def arm(raw: Mapping[str, Any]) -> dict[str, Any]:
    """An arm; what it is a reference for stood before a colon."""
    reference = str(raw.get("reference", "")).partition(":")[0]
    return {**raw, "terms": _terms(raw.get("terms", {})), "reference": reference}


def _terms(texts: Mapping[str, str]) -> dict[str, str]:
    """A driver's terms, with the two that programs had to read out of the others."""
    if not texts:
        return {}
    commits = "user" if texts.get("autocommit", "").startswith("off") else "driver"
    filled = "put into the SQL by the client" in texts.get("wire_parameters", "")
    return {**texts, "commits": commits, "binds": "client" if filled else "server"}
