"""Purchases of a cohort since its beginning: counted, and expected."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, GREY, HALF, MUTED, fitted, layered, title

__all__ = ["cumulative_chart"]


def cumulative_chart(
    track: pl.DataFrame, *, as_of: str, finding: str, subtitle: str = "", width: int = HALF
) -> alt.Chart | alt.LayerChart:
    """`track`: start (date), cumulative_actual, cumulative_expected; `as_of` an ISO day."""
    x = alt.X("start:T", title="Start of the period", axis=alt.Axis(tickCount=5, format="%b %y"))
    heading = "Repeat purchases so far"
    base = alt.Chart(inline(track))
    happened = base.mark_line(color=MUTED, strokeWidth=1.6).encode(
        x, alt.Y("cumulative_actual:Q", title=heading, axis=alt.Axis(tickCount=5, format=",.0f"))
    )
    expected = base.mark_line(color=ACCENT, strokeWidth=2.2).encode(
        x, alt.Y("cumulative_expected:Q", title=heading)
    )
    day = alt.InlineData(values=[{"at": f"{as_of}T00:00:00", "label": "not seen in the fit"}])
    rule = alt.Chart(day).mark_rule(color=GREY, strokeDash=[3, 3]).encode(x=alt.X("at:T"))
    label = (
        alt.Chart(day)
        .mark_text(align="left", baseline="bottom", dx=6, dy=-4, color=MUTED, fontSize=11)
        .encode(x="at:T", y=alt.value("height"), text="label:N")
    )
    return fitted(
        layered(happened, expected, rule, label).properties(
            title=title(finding, subtitle, width=width)
        ),
        width=width,
        height=220,
    )
