"""Where outcomes fell in their forecast distributions: level bars mean honest spreads."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, HALF, WASH, fitted, layered, title

__all__ = ["pit_chart"]


def pit_chart(
    histogram: pl.DataFrame, *, finding: str, subtitle: str
) -> alt.Chart | alt.LayerChart:
    """`histogram`: bin (1 … n), share of customers."""
    even = 1 / max(histogram.height, 1)
    bars = (
        alt.Chart(inline(histogram))
        .mark_bar(color=WASH)
        .encode(
            x=alt.X(
                "bin:O",
                title="Place: 1 far below the forecast, the last far above",
                axis=alt.Axis(labelAngle=0, labelOverlap="greedy"),
                scale=alt.Scale(paddingInner=0.08),
            ),
            y=alt.Y(
                "share:Q", title="Share of customers", axis=alt.Axis(format=".0%", tickCount=4)
            ),
        )
    )
    level = alt.InlineData(values=[{"share": even}])
    rule = alt.Chart(level).mark_rule(color=ACCENT, strokeDash=[4, 3]).encode(y="share:Q")
    return fitted(
        layered(bars, rule).properties(title=title(finding, subtitle, width=HALF)),
        width=HALF,
        height=200,
    )
