"""Mean purchases in a holdout by the frequency before it: what happened, and the forecast."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, HALF, INK, fitted, layered, title

__all__ = ["holdout_by_frequency_chart"]


def holdout_by_frequency_chart(
    holdout: pl.DataFrame, *, finding: str, subtitle: str = ""
) -> alt.Chart | alt.LayerChart:
    """`holdout`: frequency (0 …, the last "and more"), actual, expected, low, high (means)."""
    last = int(holdout["frequency"].max() or 0)  # type: ignore[arg-type]
    drawn = holdout.sort("frequency").with_columns(
        pl.when(pl.col("frequency") == last)
        .then(pl.lit(f"{last}+"))
        .otherwise(pl.col("frequency").cast(pl.String))
        .alias("bin")
    )
    x = alt.X(
        "bin:N",
        sort=drawn["bin"].to_list(),
        title="Repeat purchases in the calibration period",
        axis=alt.Axis(labelAngle=0),
        scale=alt.Scale(paddingInner=0.35, paddingOuter=0.2),
    )
    heading = "Purchases per customer in the holdout"
    base = alt.Chart(inline(drawn))
    bars = base.mark_bar(color="#d3dadd").encode(
        x, alt.Y("actual:Q", title=heading, axis=alt.Axis(tickCount=5))
    )
    whiskers = (
        base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_rule(color=INK, strokeWidth=1.2)
        .encode(x, alt.Y("low:Q", title=heading), alt.Y2("high:Q"))
    )
    dots = base.mark_point(
        filled=True, color=ACCENT, size=80, opacity=1, stroke="white", strokeWidth=1
    ).encode(x, alt.Y("expected:Q", title=heading))
    return fitted(
        layered(bars, whiskers, dots).properties(title=title(finding, subtitle, width=HALF)),
        width=HALF,
        height=220,
    )
