"""P(alive) of one customer from the first purchase on, with the purchases that raised it."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, GREY, INK, fitted, layered, title

__all__ = ["alive_history_chart"]


def alive_history_chart(
    history: pl.DataFrame, *, finding: str, subtitle: str = ""
) -> alt.Chart | alt.LayerChart:
    """`history`: day, p_alive, purchased (true on days with a purchase)."""
    x = alt.X("day:T", title="Day", axis=alt.Axis(tickCount=10, format="%b %Y"))
    y = alt.Y(
        "p_alive:Q",
        title="P(alive)",
        axis=alt.Axis(format=".0%", tickCount=5),
        scale=alt.Scale(domain=[0, 1]),
    )
    bought = history.filter(pl.col("purchased"))
    rules = (
        alt.Chart(inline(bought)).mark_rule(color=GREY, strokeWidth=1, strokeDash=[2, 2]).encode(x)
    )
    line = alt.Chart(inline(history)).mark_line(color=ACCENT, strokeWidth=2).encode(x, y)
    dots = (
        alt.Chart(inline(bought))
        .mark_point(filled=True, color=INK, size=34, opacity=1)
        .encode(x, y)
    )
    return fitted(layered(rules, line, dots).properties(title=title(finding, subtitle)), height=220)
