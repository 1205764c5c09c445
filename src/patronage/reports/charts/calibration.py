"""Forecast against what happened, by decile of the forecast."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, INK, fitted, layered, title

__all__ = ["calibration_chart"]


def calibration_chart(
    deciles: pl.DataFrame, *, unit: str, finding: str, subtitle: str
) -> alt.Chart | alt.LayerChart:
    """`deciles`: decile, predicted, actual, low, high (of the actual mean), in `unit`."""
    columns = ["predicted", "actual", "low", "high"]
    values = [v for c in columns for v in deciles[c].drop_nulls().to_list()]
    top, middle = max(values, default=0.0), float(deciles["actual"].median() or 0.0)  # type: ignore[arg-type]
    # Values usually span orders of magnitude; a root keeps zero and shows the low deciles too.
    rooted = min(values, default=0.0) >= 0 and top > 10 * max(middle, 0.0)
    scale = alt.Scale(type="sqrt" if rooted else "linear", zero=True, nice=True)
    heading = f"Cash per customer ({unit}{', root scale' if rooted else ''})"
    x = alt.X(
        "decile:O",
        title="Decile of customers by forecast: 1 lowest, 10 highest",
        axis=alt.Axis(labelAngle=0),
        scale=alt.Scale(paddingInner=0.35, paddingOuter=0.2),
    )
    base = alt.Chart(inline(deciles))
    bars = base.mark_bar(color="#d3dadd").encode(
        x, alt.Y("actual:Q", title=heading, scale=scale, axis=alt.Axis(tickCount=6))
    )
    whiskers = base.mark_rule(color=INK, strokeWidth=1.2).encode(
        x, alt.Y("low:Q", title=heading, scale=scale), alt.Y2("high:Q")
    )
    dots = base.mark_point(
        filled=True, color=ACCENT, size=90, opacity=1, stroke="white", strokeWidth=1
    ).encode(x, alt.Y("predicted:Q", title=heading, scale=scale))
    return fitted(
        layered(bars, whiskers, dots).properties(title=title(finding, subtitle)), height=260
    )
