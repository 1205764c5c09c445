"""Customers by their repeat purchases: counted in grey, the model's in the accent."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, HALF, fitted, layered, title

__all__ = ["repeat_counts_chart"]


def repeat_counts_chart(
    counts: pl.DataFrame, *, finding: str, subtitle: str = ""
) -> alt.Chart | alt.LayerChart:
    """`counts`: frequency (0 …, the last "and more"), actual, expected (customers)."""
    last = int(counts["frequency"].max() or 0)  # type: ignore[arg-type]
    drawn = counts.with_columns(
        pl.when(pl.col("frequency") == last)
        .then(pl.lit(f"{last}+"))
        .otherwise(pl.col("frequency").cast(pl.String))
        .alias("bin")
    )
    x = alt.X(
        "bin:N",
        sort=drawn["bin"].to_list(),
        title="Repeat purchases",
        axis=alt.Axis(labelAngle=0),
        scale=alt.Scale(paddingInner=0.35, paddingOuter=0.2),
    )
    base = alt.Chart(inline(drawn))
    bars = base.mark_bar(color="#d3dadd").encode(
        x, alt.Y("actual:Q", title="Customers", axis=alt.Axis(tickCount=5, format=",.0f"))
    )
    dots = base.mark_point(
        filled=True, color=ACCENT, size=80, opacity=1, stroke="white", strokeWidth=1
    ).encode(x, alt.Y("expected:Q", title="Customers"))
    return fitted(
        layered(bars, dots).properties(title=title(finding, subtitle, width=HALF)),
        width=HALF,
        height=220,
    )
