"""Segments: their share of the customers above their share of the value."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.formats import percent
from patronage.reports.theme import ACCENT, FAINT, GREY, HALF, WASH, fitted, layered, title

__all__ = ["segments_chart"]

_SHADES = (ACCENT, "#7fb2b6", WASH, FAINT, GREY)


def segments_chart(segments: pl.DataFrame) -> alt.Chart | alt.LayerChart:
    """`segments`: segment (in order), share_customers, share_value; shares of 0 … 1."""
    names = segments["segment"].to_list()
    parts = pl.concat(
        segments.select(
            "segment",
            pl.lit(label).alias("of"),
            pl.col(column).alias("share"),
            (pl.col(column).cum_sum() - pl.col(column)).alias("from"),
            pl.col(column).cum_sum().alias("to"),
            pl.Series("shade", [_SHADES[min(i, len(_SHADES) - 1)] for i in range(len(names))]),
            pl.Series("ink", ["white" if i == 0 else "#1c2529" for i in range(len(names))]),
        )
        for label, column in (("Customers", "share_customers"), ("Value", "share_value"))
    ).with_columns(
        pl.col("share").map_elements(percent, return_dtype=pl.String).alias("label"),
        ((pl.col("from") + pl.col("to")) / 2).alias("middle"),
    )
    base = alt.Chart(inline(parts)).encode(
        y=alt.Y("of:N", title=None, sort=["Customers", "Value"], scale=alt.Scale(paddingInner=0.35))
    )
    shades = [_SHADES[min(i, len(_SHADES) - 1)] for i in range(len(names))]
    bars = base.mark_bar(stroke="white", strokeWidth=1).encode(
        x=alt.X(
            "from:Q",
            title="Share of the whole",
            axis=alt.Axis(format=".0%", tickCount=5),
            scale=alt.Scale(domain=[0, 1], nice=False, clamp=True),
        ),
        x2="to:Q",
        color=alt.Color("segment:N", sort=names, scale=alt.Scale(domain=names, range=shades)),
    )
    labels = (
        base.transform_filter("datum.share >= 0.08")
        .mark_text(fontWeight=600)
        .encode(x="middle:Q", text="label:N", color=alt.Color("ink:N", scale=None))
    )
    first = segments.row(0, named=True)
    finding = (
        f"{percent(first['share_customers'], 0 if first['share_customers'] >= 0.01 else 1)} of "
        f"customers ({first['segment']}) carry {percent(first['share_value'])} of the value"
    )
    return fitted(
        layered(bars, labels).properties(title=title(finding, width=HALF)),
        width=HALF,
        height=175,
    )
