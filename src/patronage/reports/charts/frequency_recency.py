"""What a model makes of every frequency and recency: tiles, darker where it expects more."""

from typing import Literal

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, HALF, MUTED, fitted, title

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
    tiles = matrix.filter(pl.col("frequency") > 0).sort("frequency", "recency", descending=True)
    largest = float(tiles[value].max() or 1.0)  # type: ignore[arg-type]
    most = int(tiles["frequency"].max() or 1)  # type: ignore[arg-type]
    step = float(tiles["recency"].min() or 1.0) / 7  # type: ignore[arg-type]
    weeks, often = pl.col("recency") / 7, pl.col("frequency")
    # Why: tiles that only touch show hairlines; each lies a little over its neighbours.
    tiles = tiles.with_columns(
        (weeks - 1.1 * step).clip(0.0).alias("bottom"),
        weeks.alias("top"),
        (often - 0.5).alias("left"),
        (often + pl.min_horizontal(0.55, most + 0.5 - often)).alias("right"),
    )
    chart = (
        alt.Chart(inline(tiles))
        .mark_rect()
        .encode(
            x=alt.X(
                "left:Q",
                title="Repeat purchases",
                scale=alt.Scale(domain=[0.5, most + 0.5], nice=False, zero=False),
                axis=alt.Axis(values=[1, *range(5, most + 1, 5)], format="d", grid=False),
            ),
            x2=alt.X2("right:Q"),
            y=alt.Y(
                "bottom:Q",
                title="Weeks from first to last purchase",
                scale=alt.Scale(nice=False, zero=True),
                axis=alt.Axis(grid=False, tickCount=6),
            ),
            y2=alt.Y2("top:Q"),
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
                    titleColor=MUTED,
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
