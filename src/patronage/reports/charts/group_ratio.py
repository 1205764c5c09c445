"""Groups of customers: predicted over actual, beside that of everybody."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, FAINT, GREY, MUTED, fitted, layered, title

__all__ = ["group_ratio_chart"]


def group_ratio_chart(
    groups: pl.DataFrame, *, tolerance: float, finding: str, subtitle: str
) -> alt.Chart | alt.LayerChart:
    """`groups`: group (in order), value, low, high, judged; the band is 1 ± `tolerance`."""
    base = alt.Chart(inline(groups))
    order = groups["group"].to_list()
    y = alt.Y("group:N", sort=order, title=None, axis=alt.Axis(labelLimit=200, grid=True))
    x = alt.X(
        "value:Q",
        title="Predicted/actual of the group over that of all (log scale)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(grid=True, format="~g", tickCount=6),
    )
    shade = alt.condition("datum.judged", alt.value(ACCENT), alt.value(GREY))
    band = alt.Chart(
        alt.InlineData(values=[{"from": 1 / (1 + tolerance), "to": 1 + tolerance, "at": 1}])
    )
    within = band.mark_rect(color=FAINT, opacity=0.7).encode(
        alt.X("from:Q", scale=alt.Scale(type="log", nice=False), title=""), alt.X2("to:Q")
    )
    one = band.mark_rule(color=MUTED, strokeDash=[3, 3]).encode(x="at:Q")
    whiskers = (
        base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_rule(strokeWidth=3, opacity=0.55)
        .encode(alt.X("low:Q"), y, alt.X2("high:Q"), color=shade)
    )
    dots = base.mark_point(filled=True, size=80, opacity=1).encode(x, y, color=shade)
    return fitted(
        layered(within, one, whiskers, dots).properties(title=title(finding, subtitle)),
        height=max(70, 24 * len(order)),
    )
