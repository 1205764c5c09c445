"""How much of the value the best customers carry: a Lorenz curve read from the top."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.formats import percent
from patronage.reports.theme import ACCENT, GREY, HALF, MUTED, fitted, layered, title

__all__ = ["concentration_chart"]


def concentration_chart(curve: pl.DataFrame, top_share: float) -> alt.Chart | alt.LayerChart:
    """`curve`: share_of_customers, share_of_value, best first; `top_share`: of the best tenth."""
    ceiling = max(1.0, float(curve["share_of_value"].max() or 1.0))  # type: ignore[arg-type]
    floor = min(0.0, float(curve["share_of_value"].min() or 0.0))  # type: ignore[arg-type]
    x = alt.X(
        "share_of_customers:Q",
        title="Customers, most valuable first",
        axis=alt.Axis(format=".0%", values=[0, 0.1, 0.25, 0.5, 0.75, 1]),
    )
    y = alt.Y(
        "share_of_value:Q",
        title="Share of the expected value",
        axis=alt.Axis(format=".0%", tickCount=5),
        scale=alt.Scale(domain=[floor, ceiling], nice=False),
    )
    line = (
        alt.Chart(inline(curve))
        .mark_area(line={"color": ACCENT, "strokeWidth": 2}, color=ACCENT, fillOpacity=0.12)
        .encode(x, y)
    )
    even = (
        alt.Chart(
            alt.InlineData(
                values=[
                    {"share_of_customers": 0, "share_of_value": 0},
                    {"share_of_customers": 1, "share_of_value": 1},
                ]
            )
        )
        .mark_line(color=GREY, strokeWidth=1, strokeDash=[4, 4])
        .encode(x, y)
    )
    at_tenth = alt.InlineData(
        values=[
            {
                "share_of_customers": 0.1,
                "share_of_value": top_share,
                "label": f"{percent(0.1)} of customers: {percent(top_share)}",
            }
        ]
    )
    dot = alt.Chart(at_tenth).mark_point(color=ACCENT, filled=True, size=80, opacity=1).encode(x, y)
    high = top_share > 0.8 * ceiling
    label = (
        alt.Chart(at_tenth)
        .mark_text(align="left", dx=10, dy=14 if high else -2, baseline="top", fontWeight=600)
        .encode(x, y, text="label:N")
    )
    equal = (
        alt.Chart(
            alt.InlineData(
                values=[
                    {
                        "share_of_customers": 0.98,
                        "share_of_value": 0.4,
                        "label": "if all were equal",
                    }
                ]
            )
        )
        .mark_text(align="right", color=MUTED, fontSize=11)
        .encode(x, y, text="label:N")
    )
    finding = f"One customer in ten carries {percent(top_share)} of the value"
    return fitted(
        layered(line, even, dot, label, equal).properties(title=title(finding, width=HALF)),
        width=HALF,
        height=195,
    )
