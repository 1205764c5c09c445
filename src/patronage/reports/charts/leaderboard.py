"""The models by the metric that chooses, each with its interval."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, GREY, MUTED, fitted, layered, title

__all__ = ["leaderboard_chart"]


def leaderboard_chart(
    models: pl.DataFrame, *, metric: str, finding: str, subtitle: str
) -> alt.Chart | alt.LayerChart:
    """`models`: model (best first), value, low, high, written, chosen (true for one).

    Values are clipped to the scale beforehand; `written` says the true one.
    """
    order = models["model"].to_list()
    y = alt.Y("model:N", sort=order, title=None, axis=alt.Axis(labelLimit=220, grid=True))
    shade = alt.condition("datum.chosen", alt.value(ACCENT), alt.value(GREY))
    base = alt.Chart(inline(models))
    scale = alt.Scale(zero=False, nice=True)
    axis = alt.Axis(grid=True, tickCount=6)
    rules = (
        base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_rule(strokeWidth=3, opacity=0.55)
        .encode(
            alt.X("low:Q", title=metric, scale=scale, axis=axis),
            y,
            alt.X2("high:Q"),
            color=shade,
        )
    )
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(
        alt.X("value:Q", title=metric, scale=scale, axis=axis), y, color=shade
    )
    text = base.mark_text(align="left", dx=9, dy=-8, fontSize=11, color=MUTED).encode(
        alt.X("value:Q", title=metric, scale=scale), y, text="written:N"
    )
    return fitted(
        layered(rules, dots, text).properties(title=title(finding, subtitle)),
        height=max(80, 26 * len(order)),
    )
