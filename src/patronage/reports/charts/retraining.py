"""What each retraining interval would have cost: retrainings and loss, one upon the other."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, HALF, WASH, fitted, title

__all__ = ["retraining_chart"]


def retraining_chart(
    schedules: pl.DataFrame, *, unit: str, finding: str, subtitle: str
) -> alt.Chart | alt.LayerChart:
    """`schedules`: days, retraining_cost, loss."""
    parts = {"retraining_cost": "Retraining", "loss": "Loss by age"}
    long = schedules.select("days", *parts).unpivot(index="days", variable_name="part")
    named = long.with_columns(pl.col("part").replace(parts))
    bars = (
        alt.Chart(inline(named))
        .mark_bar()
        .encode(
            alt.X(
                "days:O",
                title="Days between trainings",
                axis=alt.Axis(labelAngle=0),
                scale=alt.Scale(paddingInner=0.35, paddingOuter=0.2),
            ),
            alt.Y("value:Q", title=unit, axis=alt.Axis(tickCount=5)),
            alt.Color(
                "part:N",
                scale=alt.Scale(domain=list(parts.values()), range=[WASH, ACCENT]),
            ),
        )
    )
    return fitted(
        bars.properties(title=title(finding, subtitle, width=HALF)), width=HALF, height=190
    )
