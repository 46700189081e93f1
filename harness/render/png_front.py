"""How right each driver is in each family, and what is behind the rest, as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from harness.core.verdicts import Verdict
from harness.render.png_parts import ACCENT, BAD, SOFT, TEXT, literal
from harness.report import format as fmt
from harness.report.cards import Rightness
from harness.report.causes import GRAVE, CauseView, worst_first
from harness.report.checked import KINDS
from harness.report.view import Report

_TINTS = LinearSegmentedColormap.from_list("right", ["#f6e3e1", "#fdfdfc", ACCENT])
_STRONG = 0.93
"""From this share on a tint is so dark that white can be read on it better."""
_ROW, _NAMES, _COLUMN = 0.27, 1.7, 1.15
_WIDTH, _MOST, _LINE_CHARS = 8.4, 30, 118


def figures(report: Report) -> Iterator[tuple[str, Figure]]:
    """Name → figure, of a report with checks."""
    if report.checks:
        yield "families", _heat(report)
    if report.causes:
        yield "causes", _causes(report.causes)


def _heat(report: Report) -> Figure:
    """A row per family, a column per driver: the share of right answers."""
    rows = [row for row in report.heat if row.questions]
    height, width = 1.5 + _ROW * len(rows), _NAMES + _COLUMN * len(report.drivers) + 0.2
    figure = Figure(figsize=(width, height), facecolor="white")
    box = (_NAMES / width, 0.15 / height, 1 - (_NAMES + 0.2) / width, 1 - 1.5 / height)
    axes = figure.add_axes(box)
    shares = [
        [
            float("nan") if share is None or _unoffered(share, worst) else share.value
            for share, worst in zip(row.shares, row.worst, strict=True)
        ]
        for row in rows
    ]
    axes.imshow(shares, cmap=_TINTS, vmin=0, vmax=1, aspect="auto", alpha=0.85)
    for y, row in enumerate(rows):
        for x, (share, worst) in enumerate(zip(row.shares, row.worst, strict=True)):
            text = _entry(share, worst)
            dark = bool(share and share.value >= _STRONG)
            shown = axes.text(x, y, text, ha="center", va="center", fontsize=8.2,
                              color="white" if dark else TEXT)  # fmt: skip
            vars(shown)["keeps_colours"] = True  # it stands on a tint, whatever the page
    axes.set_yticks(range(len(rows)), [_family(row.family, row.questions) for row in rows])
    names = [literal(fmt.shorten_arm(name, 14)) for name in report.drivers]
    axes.set_xticks(range(len(names)), names)
    axes.tick_params(length=0, labelsize=8.2, labelcolor=TEXT, top=True, labeltop=True,
                     bottom=False, labelbottom=False)  # fmt: skip
    for spine in axes.spines.values():
        spine.set_visible(False)
    signs = "  ".join(f"{fmt.SYMBOLS[verdict]} {KINDS[verdict][0]}" for verdict in GRAVE)
    _heading(
        figure, "Right answers by family and driver", f"of what the server has; {signs}"
    )
    return figure


def _unoffered(share: Rightness, worst: Verdict | None) -> bool:
    """Nothing is right because nothing is there, which is no wrong answer."""
    return not share.right and worst is Verdict.UNSUPPORTED


def _entry(share: Rightness | None, worst: Verdict | None) -> str:
    if share is None:
        return fmt.NONE
    if _unoffered(share, worst):
        return "not offered"
    sign = f"  {fmt.SYMBOLS[worst]}" if worst and worst in GRAVE else ""
    return fmt.whole(share.value) + sign


def _family(name: str, questions: int) -> str:
    return f"{literal(fmt.shorten(name, 16))}  {questions}"


def _causes(causes: Sequence[CauseView]) -> Figure:
    """A bar per cause, as long as the questions that share it; the worst first."""
    shown = worst_first(causes)[:_MOST]
    height = 1.2 + 0.46 * len(shown)
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    axes = figure.add_axes((0.02, 0.2 / height, 0.9, 1 - 1.2 / height))
    for y, cause in enumerate(shown):
        colour = BAD if cause.verdict in GRAVE else SOFT
        axes.barh(y + 0.22, len(cause.cells), height=0.18, color=colour, alpha=0.75)
        said = f"{cause.who}: {cause.reason}"
        axes.text(0, y - 0.16, literal(fmt.shorten(said, _LINE_CHARS)), fontsize=8.2,
                  color=TEXT, va="center")  # fmt: skip
        count = f" {fmt.SYMBOLS[cause.verdict]} {len(cause.cells)}"
        axes.text(len(cause.cells), y + 0.22, count,
                  fontsize=8.2, color=colour, va="center")  # fmt: skip
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_axis_off()
    more = f"the worst {len(shown)} of {len(causes)}; " if len(causes) > len(shown) else ""
    _heading(figure, "What is behind wrong answers", f"{more}the bar is how many questions")
    return figure


def _heading(figure: Figure, title: str, below: str) -> None:
    height, width = figure.get_figheight(), figure.get_figwidth()
    x = 0.17 / width
    figure.text(x, 1 - 0.32 / height, title, fontsize=13, weight="bold", color=TEXT,
                va="center")  # fmt: skip
    figure.text(x, 1 - 0.6 / height, below, fontsize=8.5, color=SOFT, va="center")
