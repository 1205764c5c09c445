"""When the value comes: present value by period of the horizon."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, fitted, title

__all__ = ["value_by_period_chart"]


def value_by_period_chart(
    periods: pl.DataFrame, *, period: str, unit: str, finding: str, subtitle: str = ""
) -> alt.Chart | alt.LayerChart:
    """`periods`: label (in order), present_value in `unit`."""
    bars = (
        alt.Chart(inline(periods))
        .mark_bar(color=ACCENT, opacity=0.85)
        .encode(
            x=alt.X(
                "label:N",
                sort=None,
                title=f"{period} of the horizon",
                axis=alt.Axis(labelAngle=0, labelLimit=90, labelOverlap="greedy"),
                scale=alt.Scale(paddingInner=0.25, paddingOuter=0.15),
            ),
            y=alt.Y("present_value:Q", title=f"Present value ({unit})"),
        )
    )
    return fitted(bars.properties(title=title(finding, subtitle)), height=210)
