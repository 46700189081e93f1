"""The same picture for dark pages: every colour of a figure by its counterpart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.colors import to_hex
from matplotlib.figure import Figure

_DARK: Mapping[str, str] = {
    "#ffffff": "#15171b", "#1c1f24": "#e7e8ea", "#5d646f": "#a0a7b2", "#e4e4e0": "#31353c",
    "#0072b2": "#4aa3df", "#d55e00": "#f08144", "#009e73": "#2fc49a", "#b0508a": "#d98abc",
    "#56a5d8": "#8fcdf5", "#c98a00": "#e8b13d", "#6f6f78": "#a9a9b4", "#7b6b2c": "#b8a45a",
    "#b3261e": "#ff8a80",
}  # fmt: skip
"""The colours of the page's light theme and those of its dark one (`report.css`)."""
_PROPERTIES = ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor")


def darken(figure: Figure) -> None:
    """Give a figure the colours of the dark theme; what is on a picture of data stays."""
    for artist in figure.findobj():
        if getattr(artist, "keeps_colours", False):
            continue
        for name in _PROPERTIES:
            _darken(artist, name)
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                for part in (tick.label1, tick.label2, tick.gridline):
                    _darken(part, "color")


def _darken(artist: Any, name: str) -> None:
    get, give = getattr(artist, f"get_{name}", None), getattr(artist, f"set_{name}", None)
    if get is None or give is None:
        return
    try:
        light = to_hex(get())
    except ValueError:  # several colours, or none
        return
    if light in _DARK:
        give(_DARK[light])
