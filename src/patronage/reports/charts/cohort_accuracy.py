"""Forecast against what happened, per acquisition cohort."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, HALF, fitted, layered, title

__all__ = ["cohort_accuracy_chart"]


def cohort_accuracy_chart(
    cohorts: pl.DataFrame, *, unit: str, finding: str, subtitle: str
) -> alt.Chart | alt.LayerChart:
    """`cohorts`: cohort (label, in order), predicted and actual sums in `unit`."""
    y = alt.Y("cohort:N", sort=None, title="Acquisition cohort", scale=alt.Scale(paddingInner=0.35))
    heading = f"Cash in the judged period ({unit})"
    base = alt.Chart(inline(cohorts))
    bars = base.mark_bar(color="#d3dadd").encode(
        alt.X("actual:Q", title=heading, axis=alt.Axis(tickCount=4)), y
    )
    dots = base.mark_point(
        filled=True, color=ACCENT, size=80, opacity=1, stroke="white", strokeWidth=1
    ).encode(alt.X("predicted:Q", title=heading), y)
    return fitted(
        layered(bars, dots).properties(title=title(finding, subtitle, width=HALF)),
        width=HALF,
        height=max(90, 20 * cohorts.height),
    )
