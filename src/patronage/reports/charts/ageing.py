"""How much worse a model is than a fresh one, by the time since it was trained."""

import altair as alt
import polars as pl

from patronage.reports.charts.rows import inline
from patronage.reports.theme import ACCENT, GREY, HALF, fitted, layered, title

__all__ = ["ageing_chart"]


def ageing_chart(
    by_age: pl.DataFrame, *, unit: str, share: bool, finding: str, subtitle: str
) -> alt.Chart | alt.LayerChart:
    """`by_age`: age_days, loss, low, high, in `unit`; `share` writes them as per cent."""
    base = alt.Chart(inline(by_age))
    x = alt.X("age_days:Q", title="Days since training", scale=alt.Scale(nice=False))
    axis = alt.Axis(tickCount=5, format="~%") if share else alt.Axis(tickCount=5)
    y = alt.Y("loss:Q", title=unit, axis=axis, scale=alt.Scale(zero=True))
    whiskers = base.mark_rule(color=ACCENT, opacity=0.5, strokeWidth=3).encode(
        x, alt.Y("low:Q", title=unit, axis=axis), alt.Y2("high:Q")
    )
    line = base.mark_line(color=ACCENT).encode(x, y)
    dots = base.mark_point(filled=True, color=ACCENT, size=80, opacity=1).encode(x, y)
    level = alt.Chart(alt.InlineData(values=[{"at": 0}]))
    rule = level.mark_rule(color=GREY, strokeDash=[3, 3]).encode(y="at:Q")
    return fitted(
        layered(rule, whiskers, line, dots).properties(title=title(finding, subtitle, width=HALF)),
        width=HALF,
        height=220,
    )
