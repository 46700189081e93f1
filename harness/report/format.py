"""Numbers and words as readers see them: units, signs, three significant figures."""

from __future__ import annotations

import math
from textwrap import wrap

from harness.core import stats
from harness.core.verdicts import Verdict
from harness.core.visible import visible

MINUS = "−"
NONE = "–"

SYMBOLS: dict[Verdict, str] = {
    Verdict.BROKEN: "‼",
    Verdict.CRASHED: "✖",
    Verdict.HUNG: "∞",
    Verdict.LOSSY: "✗",
    Verdict.DIFFERS: "≠",
    Verdict.REJECTED: "!",
    Verdict.UNSUPPORTED: "○",
    Verdict.SKIPPED: "·",
    Verdict.EXACT: "✓",
    Verdict.INVALID: "?",
}

MEANINGS: dict[Verdict, str] = {
    Verdict.BROKEN: "panic, lost connection, another query's rows, memory over its limit",
    Verdict.CRASHED: "the process died",
    Verdict.HUNG: "no answer before the deadline",
    Verdict.LOSSY: "a silently different value",
    Verdict.DIFFERS: "the right value, but another Python type than usual",
    Verdict.REJECTED: "an error where a value was due",
    Verdict.UNSUPPORTED: "the driver does not offer it",
    Verdict.SKIPPED: "the server lacks it",
    Verdict.EXACT: "as the server has it",
    Verdict.INVALID: "the scenario's or pgdyno's own fault, charged to no driver",
}


def figures(value: float, count: int = 3) -> str:
    """A number with `count` significant figures, without exponent: 0.0312, 31.2, 3,120."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "∞"
    decimals = max(0, count - 1 - math.floor(math.log10(abs(value))))
    rounded = f"{round(value, decimals):,.{decimals}f}"
    return rounded.replace("-", MINUS)


def signed(value: float, decimals: int) -> str:
    """A number with its sign: `+2.00`, `−0.50`, `0.00`."""
    text = f"{abs(value):.{decimals}f}"
    if float(text) == 0:
        return text
    return ("+" if value > 0 else MINUS) + text


def time_unit(ns: float) -> tuple[float, str]:
    """The unit that suits a time: how many ns it has, and its name."""
    for size, name in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if abs(ns) >= size:
            return size, name
    return 1.0, "ns"


def duration(ns: float | None) -> str:
    """A time with its unit: `31.2 µs`."""
    if ns is None:
        return NONE
    size, name = time_unit(ns)
    return f"{figures(ns / size)} {name}"


def round_duration(ns: float) -> str:
    """A round time for an axis: `40 µs`."""
    size, name = time_unit(ns)
    return f"{ns / size:.6g} {name}"


def span(ns: float) -> str:
    """How long a run took: `19 min 12 s`."""
    minutes, seconds = divmod(round(ns / 1e9), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (seconds, "s")]
    return " ".join(f"{value} {unit}" for value, unit in parts if value) or "0 s"


def rate(per_second: float) -> str:
    """A throughput without its unit: `3.12 M`."""
    for size, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if per_second >= size:
            return figures(per_second / size) + name
    return figures(per_second)


def size(count: float | None) -> str:
    """Bytes, in decimal units: `48.3 MB`."""
    if not count:
        return NONE
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{figures(count / unit)} {name}"
    return f"{count:.0f} B"


def amount(count: float) -> str:
    """Bytes that may be fewer than none: `+1.23 kB`, `−310 B`, `0 B`."""
    if abs(count) < 0.5:
        return "0 B"
    return (MINUS if count < 0 else "+") + size(abs(count))


def times(ratio: float) -> str:
    """A ratio: `1.08×`."""
    return f"{ratio:.2f}×" if ratio < 100 else f"{ratio:,.0f}×"


def percentage(share: float) -> str:
    """A share: `0.21 %`."""
    return f"{figures(share * 100, 2)} %"


def whole(share: float) -> str:
    """A share in whole per cent, rounded down: 100 % is said of nobody who erred."""
    return f"{math.floor(share * 100 + 1e-9)} %"


def change(log_ratio: float | None, *, sign: bool = True, decimals: int = 1) -> str:
    """A log-ratio in per cent: `+8.1 %`."""
    if log_ratio is None:
        return NONE
    if math.isinf(log_ratio):
        return "∞"
    value = stats.percent(log_ratio)
    text = f"{abs(value):.{decimals}f} %" if abs(value) < 100 else f"{abs(value):,.0f} %"
    if not sign or float(f"{value:.{decimals}f}") == 0:
        return text
    return (MINUS if value < 0 else "+") + text


def change_interval(estimate: stats.Estimate, *, decimals: int = 1) -> str:
    """The interval of a log-ratio in per cent: `+6.9 … +9.2 %`."""
    if estimate.low is None or estimate.high is None:
        return "no interval"
    low, high = (change(end, decimals=decimals) for end in (estimate.low, estimate.high))
    return f"{low.removesuffix(' %')} … {high}"


def ratio_interval(estimate: stats.Estimate) -> str:
    """The interval of a ratio: `1.07 – 1.09`."""
    if estimate.low is None or estimate.high is None:
        return "no interval"
    return f"{estimate.low:.2f} – {estimate.high:.2f}"


def ratio_with_interval(estimate: stats.Estimate) -> str:
    """A ratio and its interval in one: `1.08× (1.07…1.09)`."""
    if estimate.low is None or estimate.high is None:
        return f"{times(estimate.point)} (no interval)"
    return f"{times(estimate.point)} ({estimate.low:.2f}…{estimate.high:.2f})"


def time_interval(estimate: stats.Estimate) -> str:
    """The interval of a time in the unit of its point: `31.0 – 31.6`."""
    if estimate.low is None or estimate.high is None:
        return "no interval"
    size, _ = time_unit(estimate.point)
    return f"{figures(estimate.low / size)} – {figures(estimate.high / size)}"


def plural(count: int, noun: str) -> str:
    """`1 cell`, `2 cells`, `2 passes`."""
    many = "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}" + ("" if count == 1 else many)


def wrapped(text: str, width: int, *, first: str = "", rest: str = "") -> list[str]:
    """The text as lines of at most `width` characters, each with its indent; names with
    hyphens stay whole, so that they can be copied."""
    return wrap(
        visible(text),
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
    )


def shorten(text: str, limit: int) -> str:
    """A text cut at `limit` characters, with what was cut said by an ellipsis."""
    text = visible(text)
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"


def shorten_title(title: str, limit: int) -> str:
    """A title cut at `limit` characters; the condition at its end, if it has one, stays:
    `One row by pri… · TLS, RTT 5 ms`."""
    head, sign, condition = title.rpartition(" · ")
    if len(title) <= limit or not sign or len(condition) > 2 * limit // 3:
        return shorten(title, limit)
    return f"{shorten(head, limit - len(condition) - len(sign))}{sign}{visible(condition)}"


def shorten_arm(name: str, limit: int) -> str:
    """An arm's name in `limit` characters, which still tells it from its neighbours: two
    versions differ at their end, two stacks in any of their parts."""
    name = visible(name)
    if len(name) <= limit:
        return name
    if any(sign in name for sign in "=@%"):
        end = max(1, 2 * limit // 3)
        return f"{name[: limit - end - 1]}…{name[-end:]}"
    return shorten(_abbreviated(name, limit), limit)


def _abbreviated(name: str, limit: int) -> str:
    """`sqlalchemy-core-asyncpg` → `sqlal-core-asyncpg`: the longest part but the last one
    is cut, as often as it takes, down to two characters."""
    *parts, last = name.split("-")
    while parts and len(longest := max(parts, key=len)) > 2:
        if len("-".join([*parts, last])) <= limit:
            break
        parts[parts.index(longest)] = longest[:-1]
    return "-".join([*parts, last])


def markdown_cell(text: str) -> str:
    """A text that can stand in a table of Markdown without becoming markup."""
    text = visible(text)
    for char in "\\`*_[]|~":
        text = text.replace(char, "\\" + char)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(text.split())
