"""What a model makes of every frequency and recency: tiles, darker where it expects more."""

from typing import Literal

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, HALF, fitted, title

__all__ = ["frequency_recency_chart"]

_LEGENDS = {"p_alive": "P(alive)", "expected_purchases": "Expected purchases"}


def frequency_recency_chart(
    matrix: pl.DataFrame,
    *,
    value: Literal["p_alive", "expected_purchases"],
    finding: str,
    subtitle: str = "",
) -> alt.Chart | alt.LayerChart:
    """`matrix`: frequency, recency (days), p_alive, expected_purchases."""
    tiles = matrix.filter(pl.col("frequency") > 0).sort("frequency", "recency")
    largest = float(tiles[value].max() or 1.0)  # type: ignore[arg-type]
    step = float(tiles["recency"].min() or 1.0)  # type: ignore[arg-type]
    weeks = tiles.with_columns(
        (pl.col("recency") / 7).alias("until"),
        ((pl.col("recency") - step) / 7).clip(0.0).alias("from"),
    )
    ticks = [f for f in tiles["frequency"].unique().sort().to_list() if f == 1 or f % 5 == 0]
    chart = (
        alt.Chart(inline(weeks))
        .mark_rect()
        .encode(
            x=alt.X(
                "frequency:O",
                title="Repeat purchases",
                axis=alt.Axis(labelAngle=0, values=ticks, domain=False, ticks=False),
            ),
            y=alt.Y(
                "from:Q",
                title="Weeks from first to last purchase",
                scale=alt.Scale(nice=False, zero=True),
                axis=alt.Axis(grid=False, tickCount=6),
            ),
            y2=alt.Y2("until:Q"),
            color=alt.Color(
                f"{value}:Q",
                scale=alt.Scale(
                    domain=[0, 1 if value == "p_alive" else largest],
                    range=["#edf5f5", ACCENT],
                    interpolate="lab",
                ),
                legend=alt.Legend(
                    title=_LEGENDS[value],
                    gradientLength=150,
                    gradientThickness=8,
                    titleColor="#56646b",
                    titleFontSize=12,
                    titleFontWeight="normal",
                    tickCount=4,
                ),
            ),
        )
    )
    return fitted(
        chart.properties(title=title(finding, subtitle, width=HALF)), width=HALF, height=260
    )
