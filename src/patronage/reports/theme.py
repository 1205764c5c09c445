"""One look for every chart: grey is what happened, the accent is what we forecast."""

import textwrap
from typing import Any, Final

import altair as alt

__all__ = ["ACCENT", "FAINT", "GREY", "HALF", "INK", "LINE", "MUTED", "THEME", "WASH", "WIDE"]
__all__ += ["fitted", "layered", "title"]

ACCENT: Final = "#0f6a73"
WASH: Final = "#cfe3e4"  # the accent, thinned: bands and weaker bars
INK: Final = "#1c2529"
MUTED: Final = "#56646b"
GREY: Final = "#a9b4b9"
FAINT: Final = "#dfe5e7"
LINE: Final = "#e6ebec"

WIDE: Final = 840  # px: the width of the text
HALF: Final = 410  # px: two beside each other

_FONT: Final = "Segoe UI, Helvetica Neue, Helvetica, Arial, sans-serif"

THEME: Final[dict[str, Any]] = {
    "aria": False,  # the figure as a whole carries the label; its table carries the numbers
    "background": None,
    "font": _FONT,
    "padding": 2,
    "view": {"stroke": None},
    "title": {
        "anchor": "start",
        "frame": "bounds",
        "color": INK,
        "fontSize": 14,
        "fontWeight": 600,
        "lineHeight": 18,
        "offset": 12,
        "subtitleColor": MUTED,
        "subtitleFontSize": 12,
        "subtitleLineHeight": 16,
        "subtitlePadding": 4,
    },
    "axis": {
        "labelColor": MUTED,
        "labelFontSize": 12,
        "titleColor": MUTED,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "gridColor": LINE,
        "domainColor": GREY,
        "tickColor": GREY,
        "tickSize": 4,
    },
    "axisY": {"domain": False, "ticks": False, "labelPadding": 6},
    "axisX": {"grid": False},
    "legend": {
        "orient": "top",
        "direction": "horizontal",
        "title": None,
        "labelColor": MUTED,
        "labelFontSize": 12,
        "symbolSize": 90,
        "offset": 4,
    },
    "text": {"fontSize": 12, "color": INK},
    "bar": {"color": GREY},
    "line": {"strokeWidth": 2},
}


def title(text: str, subtitle: str = "", *, width: int = WIDE) -> alt.TitleParams:
    """A title that breaks its lines before a chart of `width` px would clip it."""
    lines = textwrap.wrap(text, width // 8) or [""]
    below = textwrap.wrap(subtitle, width // 7)
    if below:
        return alt.TitleParams(text=lines, subtitle=below)
    return alt.TitleParams(text=lines)


def layered(*layers: alt.Chart) -> alt.LayerChart:
    """Charts above each other (`alt.layer` may also return a facet, which none of these is)."""
    return alt.LayerChart(layer=list(layers))


def fitted(
    chart: alt.Chart | alt.LayerChart, *, width: int = WIDE, height: int = 260
) -> alt.Chart | alt.LayerChart:
    """The chart at a total width of `width` px, axes and legends included."""
    return chart.properties(
        width=width, height=height, autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
    )
