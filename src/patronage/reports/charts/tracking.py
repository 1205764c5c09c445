"""What happened and what is forecast, period by period."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, GREY, MUTED, fitted, layered, title

__all__ = ["tracking_chart"]


def tracking_chart(
    track: pl.DataFrame, *, as_of: str, unit: str, finding: str, subtitle: str = ""
) -> alt.Chart | alt.LayerChart:
    """`track`: period_start, actual, forecast, low, high, in `unit`; `as_of` an ISO day."""
    x = alt.X("period_start:T", title="Start of the period", axis=alt.Axis(tickCount=10))
    scale = alt.Scale(zero=True, nice=True)
    base = alt.Chart(inline(track))
    band = (
        base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_area(color=ACCENT, opacity=0.16)
        .encode(x, alt.Y("low:Q", title=unit, scale=scale), alt.Y2("high:Q"))
    )
    # invalid=null breaks a line where a value is missing, instead of bridging the gap.
    happened = base.mark_line(
        color=MUTED, strokeWidth=1.6, invalid="break-paths-show-domains"
    ).encode(x, alt.Y("actual:Q", title=unit, scale=scale))
    forecast = base.mark_line(
        color=ACCENT, strokeWidth=2.2, invalid="break-paths-show-domains"
    ).encode(x, alt.Y("forecast:Q", title=unit, scale=scale))
    today = alt.InlineData(values=[{"at": f"{as_of}T00:00:00", "label": "forecast from here"}])
    rule = alt.Chart(today).mark_rule(color=GREY, strokeDash=[3, 3]).encode(x=alt.X("at:T"))
    label = (
        alt.Chart(today)
        .mark_text(align="left", baseline="top", dx=6, color=MUTED, fontSize=11)
        .encode(x="at:T", y=alt.value(0), text="label:N")
    )
    return fitted(
        layered(band, happened, forecast, rule, label).properties(title=title(finding, subtitle)),
        height=250,
    )
