"""Cumulative cash per customer by age: a line per cohort, and all cohorts together."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, GREY, INK, fitted, layered, title

__all__ = ["cohort_curves_chart"]


def cohort_curves_chart(
    curves: pl.DataFrame, overall: pl.DataFrame, *, age_unit: str, unit: str, finding: str
) -> alt.Chart | alt.LayerChart:
    """`curves`: cohort (label), age, cumulative; `overall`: age, cumulative; both in `unit`."""
    x = alt.X(
        "age:Q",
        title=f"Age in {age_unit}s since the first purchase",
        axis=alt.Axis(tickMinStep=1, format="d"),
        scale=alt.Scale(nice=False),
    )
    y = alt.Y("cumulative:Q", title=f"Cumulative cash per customer ({unit})")
    lines = (
        alt.Chart(inline(curves))
        .mark_line(color=GREY, strokeWidth=1.2, opacity=0.8)
        .encode(x, y, detail="cohort:N")
    )
    ends = curves.sort("age").group_by("cohort", maintain_order=True).last()
    marks = (
        alt.Chart(inline(ends)).mark_point(filled=True, color=GREY, size=22, opacity=1).encode(x, y)
    )
    whole = alt.Chart(inline(overall)).mark_line(color=ACCENT, strokeWidth=2.6).encode(x, y)
    last = overall.sort("age").tail(1).with_columns(pl.lit("all cohorts").alias("label"))
    dot = alt.Chart(inline(last)).mark_point(filled=True, color=ACCENT, size=60, opacity=1)
    label = alt.Chart(inline(last)).mark_text(
        align="right", dx=-8, dy=-10, fontWeight=600, color=ACCENT
    )
    extremes = _first_and_last(ends)
    names = alt.Chart(inline(extremes)).mark_text(
        align="right", dx=-6, dy=12, fontSize=11, color=INK
    )
    return fitted(
        layered(
            lines,
            marks,
            whole,
            dot.encode(x, y),
            names.encode(x, y, text="cohort:N"),
            label.encode(x, y, text="label:N"),
        ).properties(title=title(finding)),
        height=225,
    )


def _first_and_last(ends: pl.DataFrame) -> pl.DataFrame:
    """The cohorts that brought most and least by the age that nearly all of them reached."""
    old = ends.filter(pl.col("age") >= pl.col("age").max() * 0.5)
    if old.height < 2:
        return old.head(0)
    return pl.concat([old.sort("cumulative").head(1), old.sort("cumulative").tail(1)])
